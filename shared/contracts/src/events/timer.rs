//! Timers of ours, as they come back through the delayed exchange.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::{DataError, Event, OrderRef, parse};
use crate::{DisputeId, EventKind, OrderId, RefundId, Timestamp};

/// A timer of an order's payment came back; only a hint that something may be due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentTimer {
    /// The order.
    pub order_id: OrderId,
    /// Which arming of the timer this is; an older one is stale (case 12).
    #[serde(deserialize_with = "generation")]
    pub generation: i32,
    /// When it is due, by the database's clock.
    pub due_at: Timestamp,
}

/// A dispute's deadline came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeDeadline {
    /// The order.
    pub order_id: OrderId,
    /// The dispute.
    pub dispute_id: DisputeId,
    /// Which arming of the timer this is.
    #[serde(deserialize_with = "generation")]
    pub generation: i32,
    /// When it is due, by the database's clock.
    pub due_at: Timestamp,
}

/// The time for a person's decision on a refund, or for its provider's answer, is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundReviewDue {
    /// The order.
    pub order_id: OrderId,
    /// The refund.
    pub refund_id: RefundId,
    /// Which arming of the timer this is.
    #[serde(deserialize_with = "generation")]
    pub generation: i32,
    /// When it is due, by the database's clock.
    pub due_at: Timestamp,
}

/// What the worker `payment-timeout` consumes.
#[derive(Clone, Debug)]
pub enum TimerEvent {
    /// `payment.timeout`.
    Timeout(PaymentTimer),
    /// `payment.reminder`.
    Reminder(PaymentTimer),
}

impl TimerEvent {
    fn timer(&self) -> &PaymentTimer {
        match self {
            Self::Timeout(timer) | Self::Reminder(timer) => timer,
        }
    }
}

impl Event for TimerEvent {
    const KINDS: &'static [EventKind] = &[EventKind::PaymentTimeout, EventKind::PaymentReminder];

    fn from_data(kind: EventKind, data: &RawValue) -> Result<Option<Self>, DataError> {
        Ok(match kind {
            EventKind::PaymentTimeout => Some(Self::Timeout(parse(data)?)),
            EventKind::PaymentReminder => Some(Self::Reminder(parse(data)?)),
            EventKind::OrderCreated
            | EventKind::OrderCancelRequested
            | EventKind::ConsentWithdrawn
            | EventKind::PaymentAttempted
            | EventKind::UnappliedDue
            | EventKind::ReserveReplied
            | EventKind::ReserveAnswerDue
            | EventKind::RefundRequested
            | EventKind::RefundUpdated
            | EventKind::RefundReviewed
            | EventKind::RefundReviewDue
            | EventKind::DisputeOpened
            | EventKind::DisputeUpdated
            | EventKind::EvidenceSubmitted
            | EventKind::DisputeMediated
            | EventKind::DisputeDeadline => None,
        })
    }

    fn kind(&self) -> EventKind {
        match self {
            Self::Timeout(_) => EventKind::PaymentTimeout,
            Self::Reminder(_) => EventKind::PaymentReminder,
        }
    }

    fn order_ref(&self) -> OrderRef {
        OrderRef::Order(self.timer().order_id)
    }

    fn occurred_at(&self) -> Timestamp {
        self.timer().due_at
    }

    fn livemode(&self) -> Option<bool> {
        None
    }
}

pub(super) fn generation<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<i32, D::Error> {
    crate::number::in_range(deserializer, 0..=i32::MAX)
}
