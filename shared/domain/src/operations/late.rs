//! Late money that may still pay its order: kept until the order's stock is known to be there.

use std::time::Duration;

use contracts::events::RefundReason;
use contracts::{MoneyError, Token};

use super::{give_back_excess, open_case, pay_order};
use crate::OrderState;
use crate::changes::Draft;
use crate::decision::OutcomeCode;
use crate::ledger::{Account, JournalCode, Leg};
use crate::message::Body;
use crate::order::{CloseReason, Order, OrderStatus};
use crate::payment::{Capture, Classification};
use crate::refund::{Refund, RefundStatus};
use crate::settlement::{rebook_losses, refundable_from};
use crate::timer::{TimerKind, TimerOwner};

/// The late capture that waits for its order's stock (case 87).
pub fn held_capture(state: &OrderState) -> Option<&Capture> {
    let mut captures = state.captures.iter().filter(|capture| capture.is_live());
    captures.find(|capture| capture.classification == Classification::Held)
}

/// Whether an order can still be reinstated: it expired with nothing paid, and nobody tried yet.
///
/// An order has one try, so that its stock is wanted and given back at most once more.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn may_be_reinstated(state: &OrderState, order: &Order) -> Result<bool, MoneyError> {
    let asked = state.timer(TimerKind::ReserveAnswerDue, TimerOwner::Order(order.id)).is_some();
    let expired = order.status == OrderStatus::Expired;
    Ok(expired && !asked && state.paid(order)?.is_zero())
}

/// Keeps a late capture, and asks the shop for the order's stock again (case 87).
pub fn ask_for_stock(draft: &mut Draft, order: &Order, capture: &Capture, answer_within: Duration) {
    let (order_id, reply_by) = (order.id, draft.now().plus(answer_within));
    let (reservation_id, lines) = (order.reservation_id.clone(), order.lines.clone());
    draft.put_capture(Capture { classification: Classification::Held, ..capture.clone() });
    draft.arm(TimerKind::ReserveAnswerDue, TimerOwner::Order(order_id), reply_by);
    let body = Body::InventoryReserveRequested { order_id, reservation_id, lines, reply_by };
    draft.send(order_id, body);
}

/// Lays a late capture before a person, as a refund that waits for their word (policy 2).
///
/// If they refuse the refund, the order is to be reinstated.
pub fn ask_a_person(draft: &mut Draft, order: &Order, capture: &Capture, decide_within: Duration) {
    let code = OutcomeCode::LateMoneyToDecide;
    let request_key: Token<255> = capture
        .excess_refund_key()
        .and_then(|key| key.parse().ok())
        .expect("late money has a cause, which is short printable ASCII");
    let (order_id, amount, now) = (order.id, capture.amount, draft.now());
    let refund = Refund {
        id: draft.next_id(),
        request_key,
        part: 0,
        attempt_id: Some(capture.attempt_id),
        amount,
        status: RefundStatus::PendingReview,
        reason: RefundReason::LatePayment,
        funded_from: Account::Suspense,
        decided_by: None,
        first_approver: None,
        restock: None,
        held_until: None,
        code: Some(code),
        provider_ref: None,
        requested_at: now,
        settled_at: None,
        last_event_at: now,
    };
    let refund_id = refund.id;
    draft.put_refund(refund, Some(code));
    draft.arm(TimerKind::RefundReviewDue, TimerOwner::Refund(refund_id), now.plus(decide_within));
    draft.send(order_id, Body::RefundReviewRequested { order_id, refund_id, amount, code });
    open_case(draft, order_id, code, refund_id.to_string());
}

/// Sends money back that a capture brought beyond its order, and says so.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn return_excess(
    draft: &mut Draft,
    order: &Order,
    capture: &Capture,
) -> Result<(), MoneyError> {
    let Some((code, _)) = capture.anomaly(order) else {
        return Ok(());
    };
    give_back_excess(draft, order, capture)?;
    let (order_id, attempt_id) = (order.id, capture.attempt_id);
    let (class, excess) = (capture.classification, capture.excess()?);
    draft.send(order_id, Body::PaymentAnomaly { order_id, attempt_id, class, code, excess });
    Ok(())
}

/// Sends late money back that waited for its order's stock; nothing if none waits.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn return_held(draft: &mut Draft, order: &Order) -> Result<(), MoneyError> {
    let Some(held) = held_capture(draft.state()).cloned() else { return Ok(()) };
    let late = Capture { classification: Classification::Late, ..held };
    draft.put_capture(late.clone());
    return_excess(draft, order, &late)
}

/// Pays an expired order with its late money, now that its stock is there (case 87).
///
/// Answers false, and changes nothing, if the money does not wait any more or not all of it is
/// free: it failed, was disputed, or was wanted back meanwhile.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn reinstate(
    draft: &mut Draft,
    order: &Order,
    reservation_id: Option<&Token<64>>,
) -> Result<bool, MoneyError> {
    let Some(held) = held_capture(draft.state()).cloned() else { return Ok(false) };
    let free = refundable_from(draft.state(), order, held.attempt_id, Account::Suspense)?;
    if order.status != OrderStatus::Expired || free.minor() < held.amount.minor() {
        return Ok(false);
    }
    let excess = held.amount.saturating_sub(order.total)?;
    let applied = held.amount.checked_sub(excess)?;
    let shortfall = Some(order.total.saturating_sub(applied)?).filter(|it| !it.is_zero());
    let normal = excess.is_zero();
    let classification = if normal { Classification::Normal } else { Classification::Overpaid };
    let capture = Capture { applied, classification, ..held };
    draft.put_capture(capture.clone());
    let (code, debit, credit) =
        (JournalCode::Reinstated, Account::Suspense, Account::CustomerFunds);
    draft.post(capture.reference(), [Leg { code, debit, credit, amount: applied }]);
    rebook_losses(draft, order, capture.attempt_id)?;
    let (order_id, total, expires_at) = (order.id, order.total, order.expires_at);
    let order = Order {
        closed_at: None,
        close_reason: None,
        // A new reservation, which a later end of the order gives back once, as the first one.
        stock_released_at: None,
        reservation_id: reservation_id.cloned().or_else(|| order.reservation_id.clone()),
        shortfall,
        ..order.clone()
    };
    draft.send(order_id, Body::OrderReinstated { order_id, total, expires_at });
    pay_order(draft, order.clone(), Some(OutcomeCode::Reinstated));
    return_excess(draft, &order, &capture)?;
    Ok(true)
}

/// Gives stock back that a shop set aside again for an order that cannot have it.
pub fn release_again(draft: &mut Draft, order: &Order, reservation_id: Option<&Token<64>>) {
    let (order_id, lines) = (order.id, order.lines.clone());
    let reservation_id = reservation_id.or(order.reservation_id.as_ref()).cloned();
    let reason = order.close_reason.unwrap_or(CloseReason::PaymentTimeout);
    draft.put_order(Order { stock_released_at: Some(draft.now()), ..order.clone() }, None);
    let body = Body::InventoryReleaseRequested { order_id, reservation_id, lines, reason };
    draft.send(order_id, body);
}
