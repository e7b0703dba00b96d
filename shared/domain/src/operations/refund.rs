//! Refunds that we order ourselves.

use contracts::events::RefundReason;
use contracts::{AttemptId, Money, MoneyError, Token};

use crate::changes::Draft;
use crate::decision::OutcomeCode;
use crate::ledger::{Account, JournalCode, Leg};
use crate::message::Body;
use crate::order::Order;
use crate::payment::Attempt;
use crate::refund::{Refund, RefundStatus};
use crate::settlement::{put_refund, returnable};
use crate::state::sum;

/// A refund that nobody has to ask for: its cause is money that we may not keep.
#[derive(Clone, Debug)]
pub struct OwnRefund<'a> {
    /// Whose money.
    pub attempt: &'a Attempt,
    /// How much in all; what this cause was refunded before counts towards it.
    pub amount: Money,
    /// Names the cause, such as `late:<capture>`, so that a retry cannot double it (case 65).
    pub request_key: String,
    /// Why.
    pub reason: RefundReason,
    /// Where the money is kept until then.
    pub funded_from: Account,
    /// Why, as recorded in history.
    pub code: OutcomeCode,
}

/// Approves and orders a refund by ourselves, as far as this cause was not refunded before.
///
/// What a dispute has of the money is left out: it would go back twice. Once the dispute lets go
/// of it, the same cause is refunded again as a further part. A part that failed is not repeated.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn refund_own(
    draft: &mut Draft,
    order: &Order,
    wanted: &OwnRefund<'_>,
) -> Result<(), MoneyError> {
    let request_key: Token<255> =
        wanted.request_key.parse().expect("our own causes are short printable ASCII");
    let state = draft.state();
    let parts = || state.refunds.iter().filter(|refund| refund.request_key == request_key);
    let counted = parts().filter(|part| !part.may_be_ordered_anew());
    let due = wanted.amount.saturating_sub(sum(order, counted.map(|part| part.amount))?)?;
    let part = parts().count().try_into().expect("each part was let go of by a dispute");
    let amount = returnable(state, order, wanted.attempt.id, wanted.funded_from, due)?;
    if amount.is_zero() {
        return Ok(());
    }
    let refund = Refund {
        id: draft.next_id(),
        request_key,
        part,
        attempt_id: Some(wanted.attempt.id),
        amount,
        status: RefundStatus::Approved,
        reason: wanted.reason,
        funded_from: wanted.funded_from,
        decided_by: format!("auto:{}", wanted.code).parse().ok(),
        first_approver: None,
        restock: None,
        code: None,
        held_until: draft.kept_back_until(),
        provider_ref: None,
        requested_at: draft.now(),
        settled_at: None,
        last_event_at: draft.now(),
    };
    approve_refund(draft, order, wanted.attempt, refund, wanted.code);
    Ok(())
}

/// Sets a refund's money aside and orders it from the provider, at once unless it is kept back.
pub fn approve_refund(
    draft: &mut Draft,
    order: &Order,
    attempt: &Attempt,
    refund: Refund,
    code: OutcomeCode,
) {
    let (order_id, refund_id, amount) = (order.id, refund.id, refund.amount);
    let (reason, funds, restock) = (refund.reason, refund.funded_from, refund.restock);
    let refund = Refund { status: RefundStatus::Approved, ..refund };
    draft.put_refund(refund.clone(), Some(code));
    draft.post(
        refund_id,
        [Leg {
            code: JournalCode::RefundReserved,
            debit: funds,
            credit: Account::RefundsPayable,
            amount,
        }],
    );
    draft.send(order_id, Body::RefundApproved { order_id, refund_id, amount, reason, restock });
    if !refund.is_held() {
        order_refund(draft, order, attempt, &refund);
    }
}

/// Tells the provider of a refund that was kept back, and waits for its answer.
pub fn order_held(draft: &mut Draft, order: &Order, refund: Refund) {
    let refund = Refund { held_until: None, ..refund };
    draft.put_refund(refund.clone(), None);
    draft.await_answer_again(&refund);
    let attempt = refund.attempt_id.and_then(|id| draft.state().attempt(id)).cloned();
    if let Some(attempt) = attempt {
        order_refund(draft, order, &attempt, &refund);
    }
}

/// Ends the refunds of an attempt that are kept back: a dispute takes the money instead.
///
/// Once it lets go of the money, the same causes are refunded again.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn call_held_off(
    draft: &mut Draft,
    order: &Order,
    attempt_id: AttemptId,
) -> Result<(), MoneyError> {
    let held = |refund: &&Refund| refund.is_held() && refund.attempt_id == Some(attempt_id);
    let refunds: Vec<Refund> = draft.state().refunds.iter().filter(held).cloned().collect();
    for refund in refunds {
        let (refund_id, amount) = (refund.id, refund.amount);
        let (status, code) = (RefundStatus::Cancelled, Some(OutcomeCode::Disputed));
        put_refund(draft, order, Refund { status, code, held_until: None, ..refund }, code)?;
        let order_id = order.id;
        draft.send(order_id, Body::RefundFailed { order_id, refund_id, amount, reversed: false });
    }
    Ok(())
}

/// Tells the provider to make a refund; its id is the idempotency key, however often it is told.
pub fn order_refund(draft: &mut Draft, order: &Order, attempt: &Attempt, refund: &Refund) {
    let execute = Body::RefundExecute {
        order_id: order.id,
        refund_id: refund.id,
        attempt_id: attempt.id,
        provider: attempt.provider.clone(),
        provider_ref: attempt.provider_ref.clone(),
        amount: refund.amount,
    };
    draft.send(order.id, execute);
}
