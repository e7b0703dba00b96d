//! A reminder to pay.

use contracts::events::PaymentTimer;
use contracts::{Money, MoneyError};
use domain::judgement::PolicyKind;
use domain::message::Body;
use domain::operations::arm_next_reminder;
use domain::order::{Order, OrderStatus};
use domain::payment::Attempt;
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
        let amount = draft.state().left_to_pay(order)?;
        let makes_sense = draft.now() < order.expires_at && !buyer_did_their_part(&draft);
        self.judge_reminder(&mut draft, order, amount, makes_sense);
        if makes_sense {
            draft.send(order.id, reminder(order, amount));
        }
        Ok(Decision::apply(draft.finish()))
    }

    /// Records whether the buyer was reminded (policy 1).
    fn judge_reminder(&self, draft: &mut Draft, order: &Order, amount: Money, sent: bool) {
        let reminders = &self.book.for_order(order).reminders;
        let verdict =
            if sent { OutcomeCode::ReminderSent } else { OutcomeCode::ReminderSuppressed };
        let points: Vec<_> = reminders.at.iter().map(ToString::to_string).collect();
        let awaits = |attempt: &&Attempt| attempt.status.awaits_provider();
        let under_way = draft.state().attempts.iter().filter(awaits).count();
        let quiet = reminders.quiet.map_or_else(|| "none".to_owned(), |hours| hours.to_string());
        let inputs = vec![
            ("left_to_pay", amount.to_string()),
            ("expires_at", order.expires_at.to_string()),
            ("payments_under_way", under_way.to_string()),
            ("at", points.join(" and ")),
            ("most", reminders.most.to_string()),
            ("quiet_hours", quiet),
            ("time_zone", reminders.zone.iana_name().unwrap_or("UTC").to_owned()),
        ];
        draft.judge(PolicyKind::PaymentReminder, verdict, &self.book, inputs);
    }
}

/// Whoever is asked again while the provider still works on it pays twice.
fn buyer_did_their_part(draft: &Draft) -> bool {
    draft.state().attempts.iter().any(|attempt| attempt.status.awaits_provider())
}

fn reminder(order: &Order, amount: Money) -> Body {
    Body::PaymentReminderDue {
        order_id: order.id,
        amount,
        expires_at: order.expires_at,
        locale: order.locale.clone(),
    }
}
