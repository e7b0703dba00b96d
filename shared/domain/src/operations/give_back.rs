//! Money that may not stay with us goes back by itself.

use contracts::events::RefundReason;
use contracts::{AttemptId, MoneyError};

use super::{OwnRefund, held_capture, open_case, refund_own};
use crate::changes::Draft;
use crate::decision::OutcomeCode;
use crate::dispute::Dispute;
use crate::ledger::Account;
use crate::order::{Order, OrderStatus};
use crate::payment::Capture;
use crate::settlement::refundable_from;

/// Orders back what a capture brought beyond its order, and was not ordered back before.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn give_back_excess(
    draft: &mut Draft,
    order: &Order,
    capture: &Capture,
) -> Result<(), MoneyError> {
    let anomaly = capture.excess_refund_key().zip(capture.anomaly(order));
    let attempt = draft.state().attempt(capture.attempt_id).cloned();
    let Some((attempt, (request_key, (code, reason)))) = attempt.zip(anomaly) else {
        return Ok(());
    };
    let (amount, funded_from) = (capture.excess()?, Account::Suspense);
    let wanted = OwnRefund { attempt: &attempt, amount, request_key, reason, funded_from, code };
    refund_own(draft, order, &wanted)
}

/// Orders back what a capture paid towards an order that is closed, and is still there (case 43).
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub(super) fn give_back_payment(
    draft: &mut Draft,
    order: &Order,
    capture: &Capture,
    code: OutcomeCode,
) -> Result<(), MoneyError> {
    let Some(attempt) = draft.state().attempt(capture.attempt_id).cloned() else {
        return Ok(());
    };
    let (request_key, reason) = (capture.closing_refund_key(), RefundReason::OrderCancelled);
    let (amount, funded_from) = (capture.applied, Account::CustomerFunds);
    let wanted = OwnRefund { attempt: &attempt, amount, request_key, reason, funded_from, code };
    refund_own(draft, order, &wanted)
}

/// Orders back what only a dispute kept from going back, now that it lets go of the money.
///
/// Money whose refund failed before is in the hands of a person, who is told that it can go now.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn give_back_released(
    draft: &mut Draft,
    order: &Order,
    dispute: &Dispute,
) -> Result<(), MoneyError> {
    let attempt_id = dispute.attempt_id;
    give_back_freed(draft, order, attempt_id)?;
    if held_capture(draft.state()).is_some_and(|held| held.attempt_id == attempt_id) {
        // It may yet pay its order, and goes back by itself otherwise (case 87).
        return Ok(());
    }
    let closing = closing_code(order.status);
    let state = draft.state();
    let excess = refundable_from(state, order, attempt_id, Account::Suspense)?;
    let payment = refundable_from(state, order, attempt_id, Account::CustomerFunds)?;
    if !excess.is_zero() || (closing.is_some() && !payment.is_zero()) {
        open_case(draft, order.id, OutcomeCode::MoneyToReturn, dispute.id.to_string());
    }
    Ok(())
}

/// Orders back what may not stay of an attempt's money, as far as nothing else holds it any more.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn give_back_freed(
    draft: &mut Draft,
    order: &Order,
    attempt_id: AttemptId,
) -> Result<(), MoneyError> {
    let closing = closing_code(order.status);
    let captures: Vec<Capture> = draft.state().live_captures().cloned().collect();
    for capture in captures.iter().filter(|capture| capture.attempt_id == attempt_id) {
        give_back_excess(draft, order, capture)?;
        if let Some(code) = closing {
            give_back_payment(draft, order, capture, code)?;
        }
    }
    Ok(())
}

/// Why the money of an order in this status may not stay; nothing while it may.
fn closing_code(status: OrderStatus) -> Option<OutcomeCode> {
    match status {
        OrderStatus::PendingPayment | OrderStatus::Paid => None,
        OrderStatus::Expired => Some(OutcomeCode::PaymentTimeout),
        OrderStatus::Cancelled => Some(OutcomeCode::CancelRequested),
    }
}
