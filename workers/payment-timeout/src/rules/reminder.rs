//! A reminder to pay.

use contracts::MoneyError;
use contracts::events::PaymentTimer;
use domain::message::Body;
use domain::operations::arm_next_reminder;
use domain::order::{Order, OrderStatus};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, OutcomeCode};

use super::{TimeoutRules, check_due};

impl TimeoutRules {
    /// Reminds the buyer, if that still makes sense now (case 21), and arms the next reminder.
    pub(super) fn remind(
        &self,
        mut draft: Draft,
        order: &Order,
        timer: &PaymentTimer,
    ) -> Result<Decision, MoneyError> {
        if order.status != OrderStatus::PendingPayment {
            return Ok(Decision::noop(OutcomeCode::ReminderSuppressed));
        }
        if let Err(code) = check_due(&draft, order, TimerKind::PaymentReminder, timer) {
            return Ok(Decision::noop(code));
        }
        let policies = self.book.for_order(order);
        let not_before = draft.now().plus(policies.reminders.min_gap);
        draft.fire(TimerKind::PaymentReminder, TimerOwner::Order(order.id));
        arm_next_reminder(&mut draft, order, policies, not_before);
        if draft.now() < order.expires_at && !buyer_did_their_part(&draft) {
            let amount = draft.state().left_to_pay(order)?;
            draft.send(order.id, reminder(order, amount));
        }
        Ok(Decision::apply(draft.finish()))
    }
}

/// Whoever is asked again while the provider still works on it pays twice.
fn buyer_did_their_part(draft: &Draft) -> bool {
    draft.state().attempts.iter().any(|attempt| attempt.status.awaits_provider())
}

fn reminder(order: &Order, amount: domain::Money) -> Body {
    Body::PaymentReminderDue {
        order_id: order.id,
        amount,
        expires_at: order.expires_at,
        locale: order.locale.clone(),
    }
}
