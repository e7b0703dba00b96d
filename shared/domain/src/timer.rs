//! Timers: when an order, a dispute or money without an order is to be looked at again.

use contracts::{DisputeId, EventKind, MoneyId, OrderId, RefundId, Timestamp};
use uuid::Uuid;

use crate::decision::OutcomeCode;
use crate::status::named;

named! {
    /// What a timer is for.
    pub enum TimerKind {
        /// The payment window ends.
        PaymentTimeout = "payment_timeout",
        /// The buyer is reminded to pay.
        PaymentReminder = "payment_reminder",
        /// What is closed to the order's customer is open again.
        CustomerRestrictionEnds = "customer_restriction_ends",
        /// A dispute's evidence is due.
        DisputeEvidenceDue = "dispute_evidence_due",
        /// A person should have decided on a refund.
        RefundReviewDue = "refund_review_due",
        /// A provider should have said what became of a refund (case 62).
        RefundAnswerDue = "refund_answer_due",
        /// Money that fits no order has waited long enough, or a person decided on it.
        UnappliedMoneyDue = "unapplied_money_due",
        /// A shop should have said whether an expired order can have its stock again (case 87).
        ReserveAnswerDue = "reserve_answer_due",
    }
}

impl TimerKind {
    /// Whether it only reminds, again and again, of what others should do.
    pub fn waits_for_others(self) -> bool {
        match self {
            Self::PaymentTimeout
            | Self::PaymentReminder
            | Self::CustomerRestrictionEnds
            | Self::DisputeEvidenceDue
            | Self::ReserveAnswerDue => false,
            Self::RefundReviewDue | Self::RefundAnswerDue | Self::UnappliedMoneyDue => true,
        }
    }

    /// The event that a due timer becomes.
    pub fn event(self) -> EventKind {
        match self {
            // An order's time is over in either case; which one, its timers tell.
            Self::PaymentTimeout | Self::CustomerRestrictionEnds => EventKind::PaymentTimeout,
            Self::PaymentReminder => EventKind::PaymentReminder,
            Self::DisputeEvidenceDue => EventKind::DisputeDeadline,
            // Somebody should have acted on a refund: a person or its provider.
            Self::RefundReviewDue | Self::RefundAnswerDue => EventKind::RefundReviewDue,
            Self::UnappliedMoneyDue => EventKind::UnappliedDue,
            Self::ReserveAnswerDue => EventKind::ReserveAnswerDue,
        }
    }
}

named! {
    /// Where a timer stands.
    pub enum TimerStatus {
        /// It will fire.
        Armed = "armed",
        /// Its event was handled.
        Fired = "fired",
        /// It became pointless.
        Cancelled = "cancelled",
    }
}

/// What a timer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimerOwner {
    /// The order.
    Order(OrderId),
    /// One of its disputes.
    Dispute(DisputeId),
    /// One of its refunds.
    Refund(RefundId),
    /// Money whose report names the order.
    Money(MoneyId),
}

impl From<TimerOwner> for Uuid {
    fn from(owner: TimerOwner) -> Self {
        match owner {
            TimerOwner::Order(order) => order.into(),
            TimerOwner::Dispute(dispute) => dispute.into(),
            TimerOwner::Refund(refund) => refund.into(),
            TimerOwner::Money(money) => money.into(),
        }
    }
}

/// The latest arming of one timer; earlier generations are forgotten (case 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// What it is for.
    pub kind: TimerKind,
    /// What it belongs to.
    pub owner: TimerOwner,
    /// Counts its armings, from 1.
    pub generation: i32,
    /// When it is due, by the database's clock.
    pub due_at: Timestamp,
    /// Where it stands.
    pub status: TimerStatus,
    /// When it fired or was cancelled.
    pub resolved_at: Option<Timestamp>,
}

impl Timer {
    /// Whether an event of this generation finds its time come; only the row decides (case 8).
    ///
    /// # Errors
    /// Why the event counts for nothing: stale, fired before, or early (cases 8, 9, 11 and 12).
    pub fn check_due(&self, generation: i32, now: Timestamp) -> Result<(), OutcomeCode> {
        if generation != self.generation {
            return Err(OutcomeCode::StaleGeneration);
        }
        match self.status {
            TimerStatus::Fired => Err(OutcomeCode::TimerFired),
            TimerStatus::Cancelled => Err(OutcomeCode::StaleGeneration),
            TimerStatus::Armed if now < self.due_at => Err(OutcomeCode::NotDue),
            TimerStatus::Armed => Ok(()),
        }
    }
}
