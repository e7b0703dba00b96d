//! The timers that wait for an order's money.

use contracts::Timestamp;

use crate::Policies;
use crate::changes::Draft;
use crate::order::Order;
use crate::timer::{TimerKind, TimerOwner};

/// Arms the end of an order's payment window and its first reminder.
///
/// An order that comes after its own deadline first gets the payments that waited for it
/// (case 20).
pub fn arm_payment_timers(draft: &mut Draft, order: &Order, policies: &Policies) {
    let now = draft.now();
    let in_time = order.expires_at > now;
    let due_at = if in_time { order.expires_at } else { now.plus(policies.drain_grace) };
    draft.arm(TimerKind::PaymentTimeout, TimerOwner::Order(order.id), due_at);
    arm_next_reminder(draft, order, policies, now);
}

/// Arms the next reminder that is due at `not_before` or later; only one is armed at a time.
pub fn arm_next_reminder(
    draft: &mut Draft,
    order: &Order,
    policies: &Policies,
    not_before: Timestamp,
) {
    let owner = TimerOwner::Order(order.id);
    match policies.reminders.next(order.placed_at, order.expires_at, not_before) {
        Some(due_at) => draft.arm(TimerKind::PaymentReminder, owner, due_at),
        None => draft.cancel(TimerKind::PaymentReminder, owner),
    }
}

/// Cancels the timers that wait for an order's money.
pub fn cancel_payment_timers(draft: &mut Draft, order: &Order) {
    let owner = TimerOwner::Order(order.id);
    draft.cancel(TimerKind::PaymentTimeout, owner);
    draft.cancel(TimerKind::PaymentReminder, owner);
}
