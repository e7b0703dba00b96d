//! What becomes of money that fits no order, and the transfers of its own ledger.

use super::legs;
use crate::changes::Draft;
use crate::ledger::{Account, JournalCode, Leg};
use crate::message::Body;
use crate::policy::UnappliedPolicy;
use crate::refund::{RefundMoney, RefundStatus};
use crate::timer::{TimerKind, TimerOwner};
use crate::unapplied::{MoneyRefund, Resolution, Resolved, UnappliedMoney};

/// Takes money out of its own ledger: its order has it in the order's.
pub fn apply_unapplied(draft: &mut Draft, money: &UnappliedMoney) {
    leave(draft, money, JournalCode::UnappliedApplied, Resolution::Applied);
}

/// Takes money out of the books: its provider does not have it.
pub fn write_unapplied_off(draft: &mut Draft, money: &UnappliedMoney) {
    leave(draft, money, JournalCode::UnappliedWrittenOff, Resolution::WrittenOff);
}

fn leave(draft: &mut Draft, money: &UnappliedMoney, code: JournalCode, resolution: Resolution) {
    let (debit, credit, amount) = (Account::Suspense, Account::PspReceivable, money.amount);
    let resolved = Some(Resolved { resolution, at: draft.now() });
    let image = UnappliedMoney { resolved, ..money.clone() };
    draft.move_unapplied(image, &money.capture_ref, [Leg { code, debit, credit, amount }]);
    announce(draft, money, resolution);
}

/// Sets money aside for the buyer and orders it back from its provider.
pub fn refund_unapplied(draft: &mut Draft, money: &UnappliedMoney, policy: &UnappliedPolicy) {
    let refund = MoneyRefund {
        id: draft.next_id(),
        status: RefundStatus::Approved,
        code: None,
        provider_ref: None,
        last_event_at: draft.now(),
    };
    let begin = UnappliedMoney { refund: None, ..money.clone() };
    put_unapplied_refund(draft, &begin, refund.clone(), policy);
    order_unapplied_refund(draft, money, &refund);
    announce(draft, money, Resolution::Refunded);
}

/// Tells the provider to make the refund; its id is the idempotency key, however often it is told.
fn order_unapplied_refund(draft: &mut Draft, money: &UnappliedMoney, refund: &MoneyRefund) {
    let execute = Body::RefundExecute {
        order_id: money.claimed_order,
        refund_id: refund.id,
        attempt_id: money.attempt_id,
        provider: money.provider.clone(),
        provider_ref: money.provider_ref.clone(),
        amount: money.amount,
    };
    draft.send(money.claimed_order, execute);
}

/// Orders a refund again whose provider says nothing, and has it looked at once more (case 62).
pub fn order_unapplied_refund_again(
    draft: &mut Draft,
    money: &UnappliedMoney,
    refund: &MoneyRefund,
) {
    draft.await_answer(refund.id, refund.status);
    order_unapplied_refund(draft, money, refund);
}

/// Writes where the refund of such money stands, and moves the money.
///
/// While the refund may still reach the buyer, the money is dealt with; a failure opens it again,
/// for a person: what they decided before was done. One that reaches the buyer after the money was
/// dealt with otherwise is a loss.
pub fn put_unapplied_refund(
    draft: &mut Draft,
    money: &UnappliedMoney,
    refund: MoneyRefund,
    policy: &UnappliedPolicy,
) {
    let status = |refund: &MoneyRefund| refund.status.money();
    let from = money.refund.as_ref().map_or(RefundMoney::Untouched, status);
    let to = refund.status.money();
    let now = Resolved { resolution: Resolution::Refunded, at: draft.now() };
    let (funds, resolved) = match money.resolution() {
        Some(Resolution::Applied | Resolution::WrittenOff) => {
            (Account::DisputeLosses, money.resolved)
        }
        Some(Resolution::Refunded) | None => {
            let dealt_with = to != RefundMoney::Untouched;
            (Account::Suspense, dealt_with.then(|| money.resolved.unwrap_or(now)))
        }
    };
    let timer = (TimerKind::UnappliedMoneyDue, TimerOwner::Money(money.id));
    let opened = resolved.is_none() && money.resolved.is_some();
    if resolved.is_some() {
        draft.cancel(timer.0, timer.1);
    } else if opened {
        draft.arm(timer.0, timer.1, draft.now().plus(policy.sla));
    }
    if money.refund.as_ref().map(|known| known.status) != Some(refund.status) {
        draft.await_answer(refund.id, refund.status);
    }
    let legs = legs::of_refund(funds, money.amount, from, to);
    let id = refund.id;
    let (decision, decided_at) =
        if opened { (None, None) } else { (money.decision, money.decided_at) };
    let refund = Some(refund);
    let image = UnappliedMoney { decision, decided_at, refund, resolved, ..money.clone() };
    draft.move_unapplied(image, id, legs);
}

fn announce(draft: &mut Draft, money: &UnappliedMoney, resolution: Resolution) {
    let (order_id, money_id) = (money.claimed_order, money.id);
    draft.cancel(TimerKind::UnappliedMoneyDue, TimerOwner::Money(money_id));
    let (amount, cause) = (money.amount, money.cause);
    let body = Body::PaymentUnappliedResolved { order_id, money_id, amount, cause, resolution };
    draft.send(order_id, body);
}
