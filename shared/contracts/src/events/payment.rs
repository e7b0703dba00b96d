//! Payments, as their provider reports them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::reserve::ReserveReplied;
use super::timer::PaymentTimer;
use super::unapplied::UnappliedDue;
use crate::event::{DataError, Event, OrderRef, parse};
use crate::money::{positive, positive_or_none};
use crate::number;
use crate::{AttemptId, EventKind, Money, OrderId, ProviderRef, Timestamp, Token};

/// A payment provider reports on an attempt.
#[derive(Clone, Debug, Deserialize)]
pub struct PaymentAttempted {
    /// The order.
    pub order_id: OrderId,
    /// The attempt, named by the shop.
    pub attempt_id: AttemptId,
    /// The payment provider.
    pub provider: Token<32>,
    /// The provider's reference of the attempt.
    pub provider_ref: ProviderRef,
    /// What happened.
    pub outcome: PaymentOutcome,
    /// How much: of the attempt, or of this capture when it is one.
    #[serde(deserialize_with = "positive")]
    pub amount: Money,
    /// When it happened at the provider.
    pub occurred_at: Timestamp,
    /// Whether it is about real money.
    pub livemode: bool,
    /// Who sells; checked against the order when given (case 42).
    pub merchant_id: Option<Token<64>>,
    /// The provider's reference of this capture; the attempt's own when there is only one.
    pub capture_ref: Option<ProviderRef>,
    /// Whether no further capture of this authorisation follows (case 47).
    pub final_capture: Option<bool>,
    /// How much the provider authorised.
    #[serde(default, deserialize_with = "positive_or_none")]
    pub authorized: Option<Money>,
    /// The order's revision that the buyer saw, from 1 (case 39).
    #[serde(default, deserialize_with = "number::counter_or_none")]
    pub order_revision: Option<i32>,
    /// Why it was declined.
    pub decline: Option<Decline>,
    /// What was paid with.
    pub method: Option<MethodDetails>,
    /// Result of the buyer's authentication.
    pub three_ds: Option<Token<32>>,
    /// The provider's fee.
    pub fee: Option<Money>,
}

/// What happened to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentOutcome {
    /// The buyer must do something first.
    RequiresAction,
    /// The provider has not decided yet.
    Processing,
    /// The money is set aside.
    Authorized,
    /// The money is ours.
    Captured,
    /// The issuer said no.
    Declined,
    /// It did not work for another reason.
    Failed,
    /// The authorisation was given back.
    Voided,
    /// The authorisation ran out (case 49).
    AuthorizationExpired,
    /// A capture reported earlier failed after all (case 50).
    CaptureFailed,
}

/// Why an issuer or provider declined.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decline {
    /// The provider's code.
    pub code: Token<64>,
    /// The card network's code.
    pub network_code: Option<Token<16>>,
    /// The network's advice about another try.
    pub advice: Option<Token<64>>,
    /// The provider's grouping.
    pub category: Option<Token<32>>,
}

/// What was paid with, as far as it may be known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MethodDetails {
    /// Card, wallet, transfer and so on.
    #[serde(rename = "type")]
    pub kind: Token<32>,
    /// The brand of the card.
    pub brand: Option<Token<32>>,
    /// The last four digits.
    pub last4: Option<Token<4>>,
    /// The issuer's country.
    pub country: Option<Token<2>>,
}

/// What the worker `payment-attempted` consumes.
#[derive(Clone, Debug)]
pub enum PaymentEvent {
    /// `payment.attempted`.
    Attempted(Box<PaymentAttempted>),
    /// `payment.unapplied_due`.
    UnappliedDue(UnappliedDue),
    /// `inventory.reserve_replied`.
    ReserveReplied(ReserveReplied),
    /// `inventory.reserve_due`.
    ReserveAnswerDue(PaymentTimer),
}

impl Event for PaymentEvent {
    const KINDS: &'static [EventKind] = &[
        EventKind::PaymentAttempted,
        EventKind::UnappliedDue,
        EventKind::ReserveReplied,
        EventKind::ReserveAnswerDue,
    ];

    fn from_data(kind: EventKind, data: &RawValue) -> Result<Option<Self>, DataError> {
        Ok(match kind {
            EventKind::PaymentAttempted => Some(Self::Attempted(parse(data)?)),
            EventKind::UnappliedDue => Some(Self::UnappliedDue(parse(data)?)),
            EventKind::ReserveReplied => Some(Self::ReserveReplied(parse(data)?)),
            EventKind::ReserveAnswerDue => Some(Self::ReserveAnswerDue(parse(data)?)),
            EventKind::OrderCreated
            | EventKind::OrderCancelRequested
            | EventKind::ConsentWithdrawn
            | EventKind::PaymentTimeout
            | EventKind::PaymentReminder
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
            Self::Attempted(_) => EventKind::PaymentAttempted,
            Self::UnappliedDue(_) => EventKind::UnappliedDue,
            Self::ReserveReplied(_) => EventKind::ReserveReplied,
            Self::ReserveAnswerDue(_) => EventKind::ReserveAnswerDue,
        }
    }

    fn order_ref(&self) -> OrderRef {
        OrderRef::Order(match self {
            Self::Attempted(attempted) => attempted.order_id,
            Self::UnappliedDue(due) => due.order_id,
            Self::ReserveReplied(reply) => reply.order_id,
            Self::ReserveAnswerDue(timer) => timer.order_id,
        })
    }

    fn occurred_at(&self) -> Timestamp {
        match self {
            Self::Attempted(attempted) => attempted.occurred_at,
            Self::UnappliedDue(due) => due.due_at,
            Self::ReserveReplied(reply) => reply.occurred_at,
            Self::ReserveAnswerDue(timer) => timer.due_at,
        }
    }

    fn livemode(&self) -> Option<bool> {
        match self {
            Self::Attempted(attempted) => Some(attempted.livemode),
            Self::UnappliedDue(_) | Self::ReserveReplied(_) | Self::ReserveAnswerDue(_) => None,
        }
    }
}
