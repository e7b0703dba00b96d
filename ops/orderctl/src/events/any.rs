//! An event of whichever worker.

use contracts::events::{DisputeEvent, OrderEvent, PaymentEvent, RefundEvent, TimerEvent};
use contracts::{DataError, Event, EventKind, OrderRef, RuleViolation, Timestamp};
use serde_json::value::RawValue;

/// An event of any kind that the contract knows.
#[derive(Clone, Debug)]
pub(crate) enum AnyEvent {
    /// One that order-created takes.
    Order(OrderEvent),
    /// One that payment-attempted takes.
    Payment(PaymentEvent),
    /// One that payment-timeout takes.
    Timer(TimerEvent),
    /// One that refund-requested takes.
    Refund(RefundEvent),
    /// One that dispute-opened takes.
    Dispute(DisputeEvent),
}

/// Does the same to the event inside, whichever it is.
macro_rules! inside {
    ($any:ident, $event:ident => $do:expr) => {
        match $any {
            AnyEvent::Order($event) => $do,
            AnyEvent::Payment($event) => $do,
            AnyEvent::Timer($event) => $do,
            AnyEvent::Refund($event) => $do,
            AnyEvent::Dispute($event) => $do,
        }
    };
}

impl Event for AnyEvent {
    const KINDS: &'static [EventKind] = &EventKind::ALL;

    fn from_data(kind: EventKind, data: &RawValue) -> Result<Option<Self>, DataError> {
        Ok(match kind {
            EventKind::OrderCreated
            | EventKind::OrderCancelRequested
            | EventKind::ConsentWithdrawn => OrderEvent::from_data(kind, data)?.map(Self::Order),
            EventKind::PaymentAttempted
            | EventKind::UnappliedDue
            | EventKind::ReserveReplied
            | EventKind::ReserveAnswerDue => {
                PaymentEvent::from_data(kind, data)?.map(Self::Payment)
            }
            EventKind::PaymentTimeout | EventKind::PaymentReminder => {
                TimerEvent::from_data(kind, data)?.map(Self::Timer)
            }
            EventKind::RefundRequested
            | EventKind::RefundUpdated
            | EventKind::RefundReviewed
            | EventKind::RefundReviewDue => RefundEvent::from_data(kind, data)?.map(Self::Refund),
            EventKind::DisputeOpened
            | EventKind::DisputeUpdated
            | EventKind::EvidenceSubmitted
            | EventKind::DisputeMediated
            | EventKind::DisputeDeadline => DisputeEvent::from_data(kind, data)?.map(Self::Dispute),
        })
    }

    fn check(&self) -> Result<(), RuleViolation> {
        inside!(self, event => event.check())
    }

    fn kind(&self) -> EventKind {
        inside!(self, event => event.kind())
    }

    fn order_ref(&self) -> OrderRef {
        inside!(self, event => event.order_ref())
    }

    fn occurred_at(&self) -> Timestamp {
        inside!(self, event => event.occurred_at())
    }

    fn livemode(&self) -> Option<bool> {
        inside!(self, event => event.livemode())
    }
}
