//! What a provider's report on a payment attempt does to its order.

mod capture;
mod contradiction;
mod progress;
mod report;
mod reversal;

use contracts::Envelope;
use contracts::events::{PaymentAttempted, PaymentEvent, PaymentOutcome};
use domain::changes::UnappliedCause;
use domain::operations::{clamp_skew, orphan, wait_for};
use domain::{Changes, Decision, Draft, Moment, OrderState, ParkKey, PolicyBook, Rules, Timestamp};

use contradiction::keep_money;
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
        if event.outcome != PaymentOutcome::Captured {
            return Decision::orphan(Changes::default());
        }
        keep_money(&mut draft, event, at, UnappliedCause::Orphan);
        orphan(draft, event.order_id, reference(event))
    }
}

impl Rules for PaymentRules {
    type Event = PaymentEvent;

    fn decide(
        &self,
        state: &OrderState,
        message: &Envelope<PaymentEvent>,
        moment: Moment,
    ) -> Decision {
        let PaymentEvent::Attempted(event) = &message.event;
        let draft = || Draft::new(state, message, moment.now);
        let (at, clock_ahead) = clamp_skew(self.book.everyone(), event.occurred_at, moment.now);
        let Some(order) = &state.order else {
            return self.await_order(draft(), event, at, moment);
        };
        let report = Report { event, order, at, clock_ahead };
        let decision = contradiction::check(state, &report).and_then(|()| match event.outcome {
            PaymentOutcome::Captured => capture::record(draft(), &report),
            PaymentOutcome::CaptureFailed => reversal::record(draft(), &report),
            PaymentOutcome::RequiresAction
            | PaymentOutcome::Processing
            | PaymentOutcome::Authorized
            | PaymentOutcome::Declined
            | PaymentOutcome::Failed
            | PaymentOutcome::Voided
            | PaymentOutcome::AuthorizationExpired => progress::record(draft(), &report),
        });
        decision.unwrap_or_else(|contradiction| contradiction.refuse(draft(), &report))
    }
}
