//! Refunds that we order ourselves.

use contracts::events::RefundReason;
use contracts::{Money, Token};

use crate::changes::Draft;
use crate::decision::OutcomeCode;
use crate::ledger::{Account, JournalCode, Leg};
use crate::message::Body;
use crate::order::Order;
use crate::payment::Attempt;
use crate::refund::{Refund, RefundStatus};

/// A refund that nobody has to ask for: its cause is money that we may not keep.
#[derive(Clone, Debug)]
pub struct OwnRefund<'a> {
    /// Whose money.
    pub attempt: &'a Attempt,
    /// How much.
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

/// Approves and orders a refund by ourselves; nothing when this cause was refunded before.
pub fn refund_own(draft: &mut Draft, order: &Order, wanted: &OwnRefund<'_>) {
    let request_key: Token<255> =
        wanted.request_key.parse().expect("our own causes are short printable ASCII");
    let known = draft.state().refunds.iter().any(|refund| refund.request_key == request_key);
    if known || wanted.amount.is_zero() {
        return;
    }
    let refund = Refund {
        id: draft.next_id(),
        request_key,
        part: 0,
        attempt_id: Some(wanted.attempt.id),
        amount: wanted.amount,
        status: RefundStatus::Approved,
        reason: wanted.reason,
        funded_from: wanted.funded_from,
        decided_by: format!("auto:{}", wanted.code).parse().ok(),
        code: None,
        provider_ref: None,
        requested_at: draft.now(),
        settled_at: None,
        last_event_at: draft.now(),
    };
    approve_refund(draft, order, wanted.attempt, refund, wanted.code);
}

/// Sets a refund's money aside and orders it from the provider.
pub fn approve_refund(
    draft: &mut Draft,
    order: &Order,
    attempt: &Attempt,
    refund: Refund,
    code: OutcomeCode,
) {
    let (order_id, refund_id, amount) = (order.id, refund.id, refund.amount);
    let (reason, funds) = (refund.reason, refund.funded_from);
    draft.put_refund(Refund { status: RefundStatus::Approved, ..refund }, Some(code));
    draft.post(
        refund_id,
        [Leg {
            code: JournalCode::RefundReserved,
            debit: funds,
            credit: Account::RefundsPayable,
            amount,
        }],
    );
    draft.send(order_id, Body::RefundApproved { order_id, refund_id, amount, reason });
    draft.send(
        order_id,
        Body::RefundExecute {
            order_id,
            refund_id,
            attempt_id: attempt.id,
            provider: attempt.provider.clone(),
            provider_ref: attempt.provider_ref.clone(),
            amount,
        },
    );
}
