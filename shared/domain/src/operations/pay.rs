//! The step from unpaid to paid.

use super::{cancel_payment_timers, void_if_authorized};
use crate::changes::Draft;
use crate::decision::OutcomeCode;
use crate::message::Body;
use crate::order::{Order, OrderStatus};

/// Marks an order as paid: nothing more is awaited, and what is still authorised goes back.
///
/// `order` is the image to write, new for an order that is paid from the start (case 19).
pub fn pay_order(draft: &mut Draft, order: Order, reason: Option<OutcomeCode>) {
    let (order_id, total, paid_at) = (order.id, order.total, draft.now());
    let paid = Order { status: OrderStatus::Paid, paid_at: Some(paid_at), ..order };
    draft.put_order(paid.clone(), reason);
    cancel_payment_timers(draft, &paid);
    for attempt in draft.state().attempts.clone() {
        void_if_authorized(draft, &paid, &attempt);
    }
    draft.send(order_id, Body::OrderPaid { order_id, total, paid_at });
}
