//! The end of a payment window.

use contracts::events::PaymentTimer;
use contracts::{MoneyError, Timestamp};
use domain::judgement::PolicyKind;
use domain::message::Body;
use domain::operations::close_order;
use domain::order::{CloseReason, Order, OrderStatus};
use domain::payment::Attempt;
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, OutcomeCode};

use super::unpaid::lift;
use super::{TimeoutRules, check_due};

impl TimeoutRules {
    /// Expires the order, or waits for a payment under way (cases 1, 6 to 12, 16, 17 and 43).
    pub(super) fn time_out(
        &self,
        mut draft: Draft,
        order: &Order,
        timer: &PaymentTimer,
    ) -> Result<Decision, MoneyError> {
        let (restriction, owner) =
            (TimerKind::CustomerRestrictionEnds, TimerOwner::Order(order.id));
        let restricting = order.status != OrderStatus::PendingPayment
            && draft.state().check_due(restriction, owner, timer.generation, draft.now()).is_ok();
        if restricting {
            return Ok(lift(draft, order));
        }
        match order.status {
            OrderStatus::PendingPayment => {}
            OrderStatus::Paid => return Ok(Decision::noop(OutcomeCode::AlreadyPaid)),
            OrderStatus::Expired | OrderStatus::Cancelled => {
                return Ok(Decision::noop(OutcomeCode::AlreadyClosed));
            }
        }
        if let Err(code) = check_due(&draft, order, TimerKind::PaymentTimeout, timer) {
            return Ok(Decision::noop(code));
        }
        let held_since = order.held_since.unwrap_or(draft.now());
        let hold_ends = held_since.plus(self.book.for_order(order).max_hold);
        let in_flight = draft.state().payment_in_flight();
        if in_flight && draft.now() < hold_ends {
            self.judge_hold(&mut draft, OutcomeCode::HeldForPayment, order, hold_ends);
            self.hold(&mut draft, order, held_since, hold_ends);
        } else {
            let code =
                if in_flight { OutcomeCode::HoldExhausted } else { OutcomeCode::PaymentTimeout };
            if in_flight {
                self.judge_hold(&mut draft, code, order, hold_ends);
            }
            draft.fire(TimerKind::PaymentTimeout, TimerOwner::Order(order.id));
            let before = draft.state().clone();
            close_order(&mut draft, OrderStatus::Expired, CloseReason::PaymentTimeout, code)?;
            self.count_unpaid(&mut draft, &before, order);
        }
        Ok(Decision::apply(draft.finish()))
    }

    /// Records whether a payment under way kept the order open (policy 3).
    fn judge_hold(
        &self,
        draft: &mut Draft,
        verdict: OutcomeCode,
        order: &Order,
        hold_ends: Timestamp,
    ) {
        let in_flight = |attempt: &&Attempt| attempt.status.in_flight();
        let attempts = draft.state().attempts.iter().filter(in_flight).count();
        let inputs = vec![
            ("expires_at", order.expires_at.to_string()),
            ("hold_ends", hold_ends.to_string()),
            ("payments_under_way", attempts.to_string()),
        ];
        draft.judge(PolicyKind::PaymentHold, verdict, &self.book, inputs);
    }

    /// Looks at the order again later, and asks the provider: silence is no answer (case 7).
    fn hold(&self, draft: &mut Draft, order: &Order, held_since: Timestamp, hold_ends: Timestamp) {
        draft.put_order(Order { held_since: Some(held_since), ..order.clone() }, None);
        let look_every = self.book.for_order(order).hold_interval;
        let next_look = draft.now().plus(look_every).min(hold_ends);
        draft.arm(TimerKind::PaymentTimeout, TimerOwner::Order(order.id), next_look);
        let attempts = draft.state().attempts.clone();
        for attempt in attempts.iter().filter(|attempt| attempt.status.in_flight()) {
            draft.send(order.id, status_check(order, attempt));
        }
    }
}

fn status_check(order: &Order, attempt: &Attempt) -> Body {
    Body::PaymentStatusCheckRequested {
        order_id: order.id,
        attempt_id: attempt.id,
        provider: attempt.provider.clone(),
        provider_ref: attempt.provider_ref.clone(),
    }
}
