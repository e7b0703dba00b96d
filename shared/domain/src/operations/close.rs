//! The end of an order that is not paid.

use contracts::MoneyError;

use super::authorization::call_off;
use super::cancel_payment_timers;
use super::give_back::give_back_payment;
use crate::changes::Draft;
use crate::decision::OutcomeCode;
use crate::message::Body;
use crate::order::{CloseReason, Order, OrderStatus};
use crate::payment::Capture;

/// Closes an unpaid or called-off order: timers, payments under way, money and stock go back.
///
/// Stock is released once in an order's life (case 86); money that pays the order is refunded
/// (case 43), money in suspense was refunded when it came.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn close_order(
    draft: &mut Draft,
    status: OrderStatus,
    reason: CloseReason,
    code: OutcomeCode,
) -> Result<(), MoneyError> {
    let order = draft.state().order.clone().expect("only a known order is closed");
    let now = draft.now();
    let release = order.stock_released_at.is_none();
    draft.put_order(
        Order {
            status,
            closed_at: Some(now),
            close_reason: Some(reason),
            stock_released_at: order.stock_released_at.or(Some(now)),
            ..order.clone()
        },
        Some(code),
    );
    cancel_payment_timers(draft, &order);
    for attempt in draft.state().attempts.clone() {
        call_off(draft, &order, &attempt);
    }
    let captures: Vec<Capture> = draft.state().live_captures().cloned().collect();
    for capture in &captures {
        give_back_payment(draft, &order, capture, code)?;
    }
    draft.send(order.id, closing_announcement(&order, status, reason));
    if release {
        let (order_id, reservation_id) = (order.id, order.reservation_id.clone());
        let lines = order.lines.clone();
        draft.send(
            order_id,
            Body::InventoryReleaseRequested { order_id, reservation_id, lines, reason },
        );
    }
    Ok(())
}

fn closing_announcement(order: &Order, status: OrderStatus, reason: CloseReason) -> Body {
    let order_id = order.id;
    match status {
        OrderStatus::Expired => {
            Body::OrderExpired { order_id, expires_at: order.expires_at, reason }
        }
        OrderStatus::Cancelled | OrderStatus::PendingPayment | OrderStatus::Paid => {
            Body::OrderCancelled { order_id, reason }
        }
    }
}
