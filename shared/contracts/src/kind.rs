//! Every kind of event the workers consume.

use std::fmt;

/// A kind of event, in its only supported major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A shop placed an order.
    OrderCreated,
    /// A buyer, merchant or fraud check wants an order cancelled.
    OrderCancelRequested,
    /// A customer took back what they had agreed to.
    ConsentWithdrawn,
    /// A payment provider reports on an attempt.
    PaymentAttempted,
    /// Ours: money that fits no order is to be looked at again.
    UnappliedDue,
    /// A shop answers whether an order can have its stock again.
    ReserveReplied,
    /// Ours: the time for that answer is over.
    ReserveAnswerDue,
    /// Ours: an order's payment window ends.
    PaymentTimeout,
    /// Ours: an unpaid order is due a reminder.
    PaymentReminder,
    /// Somebody asks for money back.
    RefundRequested,
    /// A payment provider reports on a refund.
    RefundUpdated,
    /// A person decided on a refund that was laid before them.
    RefundReviewed,
    /// Ours: a refund's review is due.
    RefundReviewDue,
    /// A payment is disputed.
    DisputeOpened,
    /// A payment provider reports on a dispute.
    DisputeUpdated,
    /// A shop's people have evidence against a dispute.
    EvidenceSubmitted,
    /// The shop's mediators decided on an inquiry.
    DisputeMediated,
    /// Ours: a dispute's evidence is due.
    DisputeDeadline,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [EventKind; 18] = [
        Self::OrderCreated,
        Self::OrderCancelRequested,
        Self::ConsentWithdrawn,
        Self::PaymentAttempted,
        Self::UnappliedDue,
        Self::ReserveReplied,
        Self::ReserveAnswerDue,
        Self::PaymentTimeout,
        Self::PaymentReminder,
        Self::RefundRequested,
        Self::RefundUpdated,
        Self::RefundReviewed,
        Self::RefundReviewDue,
        Self::DisputeOpened,
        Self::DisputeUpdated,
        Self::EvidenceSubmitted,
        Self::DisputeMediated,
        Self::DisputeDeadline,
    ];

    /// The event's name: routing key and metric label, such as `order.created`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OrderCreated => "order.created",
            Self::OrderCancelRequested => "order.cancel_requested",
            Self::ConsentWithdrawn => "customer.consent_withdrawn",
            Self::PaymentAttempted => "payment.attempted",
            Self::UnappliedDue => "payment.unapplied_due",
            Self::ReserveReplied => "inventory.reserve_replied",
            Self::ReserveAnswerDue => "inventory.reserve_due",
            Self::PaymentTimeout => "payment.timeout",
            Self::PaymentReminder => "payment.reminder",
            Self::RefundRequested => "refund.requested",
            Self::RefundUpdated => "refund.updated",
            Self::RefundReviewed => "refund.reviewed",
            Self::RefundReviewDue => "refund.review_due",
            Self::DisputeOpened => "dispute.opened",
            Self::DisputeUpdated => "dispute.updated",
            Self::EvidenceSubmitted => "dispute.evidence_submitted",
            Self::DisputeMediated => "dispute.mediated",
            Self::DisputeDeadline => "dispute.deadline",
        }
    }

    /// The CloudEvents `type`, such as `shop.order.created.v1`.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::OrderCreated => "shop.order.created.v1",
            Self::OrderCancelRequested => "shop.order.cancel_requested.v1",
            Self::ConsentWithdrawn => "shop.customer.consent_withdrawn.v1",
            Self::PaymentAttempted => "shop.payment.attempted.v1",
            Self::UnappliedDue => "orderflow.payment.unapplied_due.v1",
            Self::ReserveReplied => "shop.inventory.reserve_replied.v1",
            Self::ReserveAnswerDue => "orderflow.inventory.reserve_due.v1",
            Self::PaymentTimeout => "orderflow.payment.timeout.v1",
            Self::PaymentReminder => "orderflow.payment.reminder.v1",
            Self::RefundRequested => "shop.refund.requested.v1",
            Self::RefundUpdated => "shop.refund.updated.v1",
            Self::RefundReviewed => "shop.refund.reviewed.v1",
            Self::RefundReviewDue => "orderflow.refund.review_due.v1",
            Self::DisputeOpened => "shop.dispute.opened.v1",
            Self::DisputeUpdated => "shop.dispute.updated.v1",
            Self::EvidenceSubmitted => "shop.dispute.evidence_submitted.v1",
            Self::DisputeMediated => "shop.dispute.mediated.v1",
            Self::DisputeDeadline => "orderflow.dispute.deadline.v1",
        }
    }

    /// Whether shops publish it; the others are ours and come back through the delayed exchange.
    pub fn from_shop(self) -> bool {
        self.type_name().starts_with("shop.")
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
