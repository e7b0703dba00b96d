//! Refunds: asked for, and reported on by their provider.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::refund_key;
use super::timer::RefundReviewDue;
use crate::error::{RuleCode, RuleViolation};
use crate::event::{DataError, Event, OrderRef, parse};
use crate::money::positive_or_none;
use crate::{
    AttemptId, BoundedText, EventKind, Money, OrderId, ProviderRef, RefundId, Timestamp, Token,
};

/// Somebody asks for money back.
#[derive(Clone, Debug, Deserialize)]
pub struct RefundRequested {
    /// Names the request; the same key is the same refund (case 60). Never one of ours.
    #[serde(deserialize_with = "refund_key::of_a_shop")]
    pub request_key: Token<255>,
    /// The order.
    pub order_id: OrderId,
    /// How much; absent or null when `full`.
    #[serde(default, deserialize_with = "positive_or_none")]
    amount: Option<Money>,
    /// Whether all that is left to refund is wanted.
    full: Option<bool>,
    /// Why.
    pub reason_code: RefundReason,
    /// Who asks.
    pub requested_by: RequestedBy,
    /// When.
    pub requested_at: Timestamp,
    /// When the goods came to the buyer, if the shop knows; the time for a wish counts from then.
    pub delivered_at: Option<Timestamp>,
    /// Which attempt's money; the newest first when absent.
    pub attempt_id: Option<AttemptId>,
    /// Whether the goods go back on the shelf; we only pass it on (case 88).
    pub restock: Option<bool>,
}

impl RefundRequested {
    /// How much is wanted.
    pub fn wanted(&self) -> RefundAmount {
        self.amount.map_or(RefundAmount::Full, RefundAmount::Exactly)
    }
}

/// How much to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundAmount {
    /// This much.
    Exactly(Money),
    /// Whatever is left to refund.
    Full,
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The buyer asked.
    RequestedByCustomer,
    /// It was paid twice.
    Duplicate,
    /// The payment was fraud.
    Fraudulent,
    /// The goods did not arrive.
    NotReceived,
    /// The goods are broken.
    Defective,
    /// The money came after the order had expired.
    LatePayment,
    /// More was paid than asked.
    Overpaid,
    /// The order was cancelled.
    OrderCancelled,
    /// A kindness.
    Goodwill,
}

impl RefundReason {
    /// Every reason there is.
    pub const ALL: [RefundReason; 9] = [
        Self::RequestedByCustomer,
        Self::Duplicate,
        Self::Fraudulent,
        Self::NotReceived,
        Self::Defective,
        Self::LatePayment,
        Self::Overpaid,
        Self::OrderCancelled,
        Self::Goodwill,
    ];

    /// Its name, as in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::RequestedByCustomer => "requested_by_customer",
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::NotReceived => "not_received",
            Self::Defective => "defective",
            Self::LatePayment => "late_payment",
            Self::Overpaid => "overpaid",
            Self::OrderCancelled => "order_cancelled",
            Self::Goodwill => "goodwill",
        }
    }
}

/// Who asks for a refund.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestedBy {
    /// What kind of party, such as `customer` or `operator`.
    #[serde(rename = "type")]
    pub kind: Token<32>,
    /// The party's pseudonymous id.
    pub id: Token<64>,
}

/// A payment provider reports on a refund.
#[derive(Clone, Debug, Deserialize)]
pub struct RefundUpdated {
    /// The order.
    pub order_id: OrderId,
    /// The refund, as named by our `refund.execute` command.
    pub refund_id: Option<RefundId>,
    /// The provider's reference of the refund.
    pub provider_ref: Option<ProviderRef>,
    /// What happened.
    pub status: RefundResult,
    /// When it happened at the provider.
    pub occurred_at: Timestamp,
    /// How much, if the provider says so; checked against the refund.
    #[serde(default, deserialize_with = "positive_or_none")]
    pub amount: Option<Money>,
    /// Whose money, of a refund that was made at the provider without our command.
    pub attempt_id: Option<AttemptId>,
    /// Why it failed, in the provider's words.
    pub failure_reason: Option<BoundedText<500>>,
    /// The acquirer's reference, by which the buyer's bank finds the money.
    pub arn: Option<Token<64>>,
}

/// What a provider says of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundResult {
    /// The provider has it and works on it.
    Submitted,
    /// Somebody must do something first.
    RequiresAction,
    /// The money is back with the buyer.
    Succeeded,
    /// It did not work.
    Failed,
    /// It was taken back before it was done.
    Cancelled,
    /// It had succeeded and came back after all (case 64).
    Reversed,
}

/// A person decided on a refund that was laid before them.
#[derive(Clone, Debug, Deserialize)]
pub struct RefundReviewed {
    /// The order.
    pub order_id: OrderId,
    /// The refund, as named by our `refund.review_requested`.
    pub refund_id: RefundId,
    /// What was decided.
    pub verdict: ReviewVerdict,
    /// Who decided; large refunds need two of them.
    pub reviewed_by: RequestedBy,
    /// When.
    pub reviewed_at: Timestamp,
    /// Why, in the reviewer's words.
    pub note: Option<BoundedText<500>>,
}

/// A person's decision on a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewVerdict {
    /// The money goes back.
    Approved,
    /// It does not.
    Rejected,
}

/// What the worker `refund-requested` consumes.
#[derive(Clone, Debug)]
pub enum RefundEvent {
    /// `refund.requested`.
    Requested(Box<RefundRequested>),
    /// `refund.updated`.
    Updated(Box<RefundUpdated>),
    /// `refund.reviewed`.
    Reviewed(Box<RefundReviewed>),
    /// `refund.review_due`.
    ReviewDue(RefundReviewDue),
}

impl Event for RefundEvent {
    const KINDS: &'static [EventKind] = &[
        EventKind::RefundRequested,
        EventKind::RefundUpdated,
        EventKind::RefundReviewed,
        EventKind::RefundReviewDue,
    ];

    fn from_data(kind: EventKind, data: &RawValue) -> Result<Option<Self>, DataError> {
        Ok(match kind {
            EventKind::RefundRequested => Some(Self::Requested(parse(data)?)),
            EventKind::RefundUpdated => Some(Self::Updated(parse(data)?)),
            EventKind::RefundReviewed => Some(Self::Reviewed(parse(data)?)),
            EventKind::RefundReviewDue => Some(Self::ReviewDue(parse(data)?)),
            EventKind::OrderCreated
            | EventKind::OrderCancelRequested
            | EventKind::ConsentWithdrawn
            | EventKind::PaymentAttempted
            | EventKind::UnappliedDue
            | EventKind::ReserveReplied
            | EventKind::ReserveAnswerDue
            | EventKind::PaymentTimeout
            | EventKind::PaymentReminder
            | EventKind::DisputeOpened
            | EventKind::DisputeUpdated
            | EventKind::EvidenceSubmitted
            | EventKind::DisputeMediated
            | EventKind::DisputeDeadline => None,
        })
    }

    fn check(&self) -> Result<(), RuleViolation> {
        let (consistent, rule) = match self {
            Self::Requested(request) => (
                request.amount.is_some() != (request.full == Some(true)),
                "must have either an `amount` or `full`: true",
            ),
            Self::Updated(update) => (
                update.refund_id.is_some() || update.provider_ref.is_some(),
                "must have a `refund_id` or a `provider_ref`",
            ),
            Self::Reviewed(_) | Self::ReviewDue(_) => return Ok(()),
        };
        consistent.then_some(()).ok_or(RuleViolation::new(RuleCode::Inconsistent, rule))
    }

    fn kind(&self) -> EventKind {
        match self {
            Self::Requested(_) => EventKind::RefundRequested,
            Self::Updated(_) => EventKind::RefundUpdated,
            Self::Reviewed(_) => EventKind::RefundReviewed,
            Self::ReviewDue(_) => EventKind::RefundReviewDue,
        }
    }

    fn order_ref(&self) -> OrderRef {
        OrderRef::Order(match self {
            Self::Requested(request) => request.order_id,
            Self::Updated(update) => update.order_id,
            Self::Reviewed(review) => review.order_id,
            Self::ReviewDue(due) => due.order_id,
        })
    }

    fn occurred_at(&self) -> Timestamp {
        match self {
            Self::Requested(request) => request.requested_at,
            Self::Updated(update) => update.occurred_at,
            Self::Reviewed(review) => review.reviewed_at,
            Self::ReviewDue(due) => due.due_at,
        }
    }

    fn livemode(&self) -> Option<bool> {
        None
    }
}
