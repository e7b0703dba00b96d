//! What a provider's report on a payment attempt does to its order.

mod capture;
mod contradiction;
mod late;
mod progress;
mod report;
mod reversal;
mod unapplied;

use contracts::Envelope;
use contracts::events::{PaymentAttempted, PaymentEvent, PaymentOutcome};
use domain::operations::{clamp_skew, orphan, quarantine, wait_for};
use domain::unapplied::UnappliedCause;
use domain::{
    Changes, Decision, Draft, Moment, MoneyError, OrderId, OrderState, OutcomeCode, ParkKey,
    PolicyBook, Rules, Timestamp,
};

use contradiction::{Contradiction, keep_money};
use report::{Report, reference};

/// Records attempts and captures, pays orders, and sends back money that must not be kept.
#[derive(Clone, Debug)]
pub struct PaymentRules {
    book: PolicyBook,
}

impl PaymentRules {
    /// Rules with these choices of the shops.
    pub fn new(book: impl Into<PolicyBook>) -> Self {
        Self { book: book.into() }
    }

    /// Waits for the order (case 22); money whose order never comes is kept (case 25).
    fn await_order(
        &self,
        mut draft: Draft,
        event: &PaymentAttempted,
        at: Timestamp,
        moment: Moment,
    ) -> Decision {
        if !moment.waited_out() {
            return wait_for(self.book.everyone(), ParkKey::Order(event.order_id), moment);
        }
        match event.outcome {
            PaymentOutcome::Captured => {
                keep_money(&mut draft, self.book.everyone(), event, at, UnappliedCause::Orphan);
                orphan(draft, event.order_id, reference(event))
            }
            PaymentOutcome::CaptureFailed => unapplied::lose(draft, event),
            PaymentOutcome::RequiresAction
            | PaymentOutcome::Processing
            | PaymentOutcome::Authorized
            | PaymentOutcome::Declined
            | PaymentOutcome::Failed
            | PaymentOutcome::Voided
            | PaymentOutcome::AuthorizationExpired => Decision::orphan(Changes::default()),
        }
    }

    /// What a provider's report does to its order, or to what waits for the order.
    fn attempted(
        &self,
        state: &OrderState,
        event: &PaymentAttempted,
        draft: impl Fn() -> Draft,
        moment: Moment,
    ) -> Decision {
        let (at, clock_ahead) = clamp_skew(self.book.everyone(), event.occurred_at, moment.now);
        let Some(order) = &state.order else {
            return self.await_order(draft(), event, at, moment);
        };
        let report = Report { event, order, at, clock_ahead };
        let checked = contradiction::check(state, &report);
        let decision = checked.and_then(|()| {
            if unapplied::is_known(state, event)? {
                return Ok(Decision::noop(OutcomeCode::DuplicateFact));
            }
            record(draft(), &report, &self.book)
        });
        let refuse = |it: Contradiction| it.refuse(draft(), self.book.everyone(), &report);
        decision.unwrap_or_else(refuse)
    }
}

impl Rules for PaymentRules {
    type Event = PaymentEvent;

    fn book(&self) -> &PolicyBook {
        &self.book
    }

    fn decide(
        &self,
        state: &OrderState,
        message: &Envelope<PaymentEvent>,
        moment: Moment,
    ) -> Decision {
        let patience = self.book.patience(state);
        let draft = || Draft::new(state, message, moment.now).waiting(patience);
        match &message.event {
            PaymentEvent::Attempted(event) => self.attempted(state, event, draft, moment),
            PaymentEvent::UnappliedDue(due) => self.look_again(draft(), due),
            PaymentEvent::ReserveReplied(reply) => {
                let decision = self.hear_of_stock(draft(), reply, moment);
                decision.unwrap_or_else(|error| refuse(draft(), reply.order_id, error))
            }
            PaymentEvent::ReserveAnswerDue(due) => {
                let decision = Self::stop_waiting_for_stock(draft(), due);
                decision.unwrap_or_else(|error| refuse(draft(), due.order_id, error))
            }
        }
    }
}

/// Leaves an order to a person whose money cannot be added up (case 55).
fn refuse(draft: Draft, order_id: OrderId, error: MoneyError) -> Decision {
    quarantine(draft, order_id, error.into(), order_id.to_string())
}

/// What a report that contradicts nothing says of its order.
fn record(draft: Draft, report: &Report<'_>, book: &PolicyBook) -> Result<Decision, Contradiction> {
    match report.event.outcome {
        PaymentOutcome::Captured => capture::record(draft, report, book),
        PaymentOutcome::CaptureFailed => reversal::record(draft, report),
        PaymentOutcome::RequiresAction
        | PaymentOutcome::Processing
        | PaymentOutcome::Authorized
        | PaymentOutcome::Declined
        | PaymentOutcome::Failed
        | PaymentOutcome::Voided
        | PaymentOutcome::AuthorizationExpired => progress::record(draft, report),
    }
}
