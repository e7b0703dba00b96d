//! Disputes: opened, and reported on by their provider.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::refund::RequestedBy;
use super::timer::DisputeDeadline;
use crate::event::{DataError, Event, OrderRef, parse};
use crate::money::{positive, positive_or_none};
use crate::number;
use crate::{BoundedText, DisputeId, EventKind, Money, OrderId, ProviderRef, Timestamp, Token};

/// A payment is disputed.
#[derive(Clone, Debug, Deserialize)]
pub struct DisputeOpened {
    /// The dispute.
    pub dispute_id: DisputeId,
    /// The payment provider.
    pub provider: Token<32>,
    /// The provider's reference of the dispute.
    pub provider_ref: ProviderRef,
    /// The provider's reference of the payment attempt that is disputed.
    pub payment_ref: ProviderRef,
    /// How much is disputed.
    #[serde(deserialize_with = "positive")]
    pub amount: Money,
    /// How far it has gone.
    pub stage: DisputeStage,
    /// What the buyer says.
    pub reason_category: DisputeReason,
    /// When it was opened at the provider.
    pub opened_at: Timestamp,
    /// The order, if the shop knows it; found by the payment otherwise.
    pub order_id: Option<OrderId>,
    /// The card network.
    pub network: Option<Token<32>>,
    /// The network's code of the reason.
    pub network_reason_code: Option<Token<32>>,
    /// Until when evidence is taken; absent when no answer is possible (case 79).
    pub evidence_due_at: Option<Timestamp>,
    /// What the provider charges for the dispute.
    pub fee: Option<Money>,
    /// Whether a refund still settles it.
    pub is_charge_refundable: Option<bool>,
    /// Whether the provider has taken the money already.
    pub funds_withdrawn: Option<bool>,
}

/// How far a dispute has gone; it only advances (case 76).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStage {
    /// A question; no money moves.
    Inquiry,
    /// The issuer takes the money back.
    Chargeback,
    /// The second round.
    PreArbitration,
    /// The network decides.
    Arbitration,
}

/// What the buyer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeReason {
    /// It was not the buyer.
    Fraudulent,
    /// Nothing came.
    ProductNotReceived,
    /// What came is not what was sold.
    ProductUnacceptable,
    /// It was paid twice.
    Duplicate,
    /// A promised refund did not come.
    CreditNotProcessed,
    /// A subscription was cancelled.
    SubscriptionCanceled,
    /// The buyer does not know the charge.
    Unrecognized,
    /// The amount is wrong.
    IncorrectAmount,
    /// Anything else.
    General,
}

impl DisputeReason {
    /// Every reason there is.
    pub const ALL: [DisputeReason; 9] = [
        Self::Fraudulent,
        Self::ProductNotReceived,
        Self::ProductUnacceptable,
        Self::Duplicate,
        Self::CreditNotProcessed,
        Self::SubscriptionCanceled,
        Self::Unrecognized,
        Self::IncorrectAmount,
        Self::General,
    ];

    /// Its name, as in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fraudulent => "fraudulent",
            Self::ProductNotReceived => "product_not_received",
            Self::ProductUnacceptable => "product_unacceptable",
            Self::Duplicate => "duplicate",
            Self::CreditNotProcessed => "credit_not_processed",
            Self::SubscriptionCanceled => "subscription_canceled",
            Self::Unrecognized => "unrecognized",
            Self::IncorrectAmount => "incorrect_amount",
            Self::General => "general",
        }
    }
}

/// A payment provider reports on a dispute.
#[derive(Clone, Debug, Deserialize)]
pub struct DisputeUpdated {
    /// The dispute; found by the payment and the provider's reference otherwise.
    pub dispute_id: Option<DisputeId>,
    /// The payment provider.
    pub provider: Token<32>,
    /// The provider's reference of the dispute.
    pub provider_ref: ProviderRef,
    /// The provider's reference of the payment attempt.
    pub payment_ref: Option<ProviderRef>,
    /// The order, if the shop knows it.
    pub order_id: Option<OrderId>,
    /// How far it has gone.
    pub stage: DisputeStage,
    /// Where it stands in that stage.
    pub status: DisputeVerdict,
    /// When it happened at the provider.
    pub occurred_at: Timestamp,
    /// How much is disputed, for a dispute not seen before (case 82).
    #[serde(default, deserialize_with = "positive_or_none")]
    pub amount: Option<Money>,
    /// What the buyer says, for a dispute not seen before (case 82).
    pub reason_category: Option<DisputeReason>,
    /// The next deadline for evidence.
    pub evidence_due_at: Option<Timestamp>,
    /// What the provider charges for this stage.
    pub fee: Option<Money>,
}

/// Where a dispute stands within its stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeVerdict {
    /// Evidence is awaited from us.
    NeedsResponse,
    /// Evidence was handed in; the other side looks at it.
    UnderReview,
    /// Decided for the merchant.
    Won,
    /// Decided for the buyer.
    Lost,
    /// The merchant gave in.
    Accepted,
    /// The buyer gave in.
    Withdrawn,
}

/// A shop's people have evidence against a dispute, to be handed in at its provider.
#[derive(Clone, Debug, Deserialize)]
pub struct EvidenceSubmitted {
    /// The dispute, as named by our `dispute.evidence_requested`.
    pub dispute_id: Option<DisputeId>,
    /// The payment provider.
    pub provider: Token<32>,
    /// The provider's reference of the dispute.
    pub provider_ref: ProviderRef,
    /// The order, if the shop knows it.
    pub order_id: Option<OrderId>,
    /// Which stage it answers; the one that the dispute is in when absent.
    pub stage: Option<DisputeStage>,
    /// Who has the evidence.
    pub submitted_by: EvidenceSubmitter,
    /// When it was complete.
    pub submitted_at: Timestamp,
    /// What to hand in, by the shop's names for it; what is at hand when absent.
    #[serde(default, deserialize_with = "evidence_refs")]
    pub evidence_refs: Vec<Token<64>>,
}

/// Who hands evidence in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceSubmitter {
    /// Who sold.
    Seller,
    /// Who runs the platform.
    Operator,
    /// A program of the shop.
    Automation,
}

/// The shop's mediators decided on an inquiry, which buyer and seller could not settle.
#[derive(Clone, Debug, Deserialize)]
pub struct DisputeMediated {
    /// The dispute, as named by our `dispute.evidence_requested`.
    pub dispute_id: Option<DisputeId>,
    /// The payment provider.
    pub provider: Token<32>,
    /// The provider's reference of the dispute.
    pub provider_ref: ProviderRef,
    /// The order, if the shop knows it.
    pub order_id: Option<OrderId>,
    /// Whom it was decided for; binding for both.
    pub decided_for: DisputeParty,
    /// Who decided.
    pub decided_by: RequestedBy,
    /// When.
    pub decided_at: Timestamp,
    /// Why, in the mediator's words.
    pub note: Option<BoundedText<500>>,
}

/// Who argues over a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeParty {
    /// Who bought.
    Buyer,
    /// Who sold.
    Seller,
}

/// What the worker `dispute-opened` consumes.
#[derive(Clone, Debug)]
pub enum DisputeEvent {
    /// `dispute.opened`.
    Opened(Box<DisputeOpened>),
    /// `dispute.updated`.
    Updated(Box<DisputeUpdated>),
    /// `dispute.evidence_submitted`.
    Evidence(Box<EvidenceSubmitted>),
    /// `dispute.mediated`.
    Mediated(Box<DisputeMediated>),
    /// `dispute.deadline`.
    Deadline(DisputeDeadline),
}

impl Event for DisputeEvent {
    const KINDS: &'static [EventKind] = &[
        EventKind::DisputeOpened,
        EventKind::DisputeUpdated,
        EventKind::EvidenceSubmitted,
        EventKind::DisputeMediated,
        EventKind::DisputeDeadline,
    ];

    fn from_data(kind: EventKind, data: &RawValue) -> Result<Option<Self>, DataError> {
        Ok(match kind {
            EventKind::DisputeOpened => Some(Self::Opened(parse(data)?)),
            EventKind::DisputeUpdated => Some(Self::Updated(parse(data)?)),
            EventKind::EvidenceSubmitted => Some(Self::Evidence(parse(data)?)),
            EventKind::DisputeMediated => Some(Self::Mediated(parse(data)?)),
            EventKind::DisputeDeadline => Some(Self::Deadline(parse(data)?)),
            EventKind::OrderCreated
            | EventKind::OrderCancelRequested
            | EventKind::ConsentWithdrawn
            | EventKind::PaymentAttempted
            | EventKind::UnappliedDue
            | EventKind::ReserveReplied
            | EventKind::ReserveAnswerDue
            | EventKind::PaymentTimeout
            | EventKind::PaymentReminder
            | EventKind::RefundRequested
            | EventKind::RefundUpdated
            | EventKind::RefundReviewed
            | EventKind::RefundReviewDue => None,
        })
    }

    fn kind(&self) -> EventKind {
        match self {
            Self::Opened(_) => EventKind::DisputeOpened,
            Self::Updated(_) => EventKind::DisputeUpdated,
            Self::Evidence(_) => EventKind::EvidenceSubmitted,
            Self::Mediated(_) => EventKind::DisputeMediated,
            Self::Deadline(_) => EventKind::DisputeDeadline,
        }
    }

    fn order_ref(&self) -> OrderRef {
        match self {
            Self::Opened(opened) => opened.order_id.map_or_else(
                || OrderRef::Payment {
                    provider: opened.provider.clone(),
                    payment_ref: opened.payment_ref.clone(),
                },
                OrderRef::Order,
            ),
            Self::Updated(update) => update.order_ref(),
            Self::Evidence(evidence) => evidence.order_ref(),
            Self::Mediated(mediated) => mediated.order_ref(),
            Self::Deadline(deadline) => OrderRef::Order(deadline.order_id),
        }
    }

    fn occurred_at(&self) -> Timestamp {
        match self {
            Self::Opened(opened) => opened.opened_at,
            Self::Updated(update) => update.occurred_at,
            Self::Evidence(evidence) => evidence.submitted_at,
            Self::Mediated(mediated) => mediated.decided_at,
            Self::Deadline(deadline) => deadline.due_at,
        }
    }

    fn livemode(&self) -> Option<bool> {
        None
    }
}

fn evidence_refs<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Token<64>>, D::Error> {
    let refs = Option::<Vec<Token<64>>>::deserialize(deserializer)?.unwrap_or_default();
    number::at_most(refs, 50, "evidence_refs")
}

impl EvidenceSubmitted {
    /// The order if known, else the dispute itself.
    fn order_ref(&self) -> OrderRef {
        let (provider, dispute_ref) = (self.provider.clone(), self.provider_ref.clone());
        self.order_id.map_or(OrderRef::Dispute { provider, dispute_ref }, OrderRef::Order)
    }
}

impl DisputeMediated {
    /// The order if known, else the dispute itself.
    fn order_ref(&self) -> OrderRef {
        let (provider, dispute_ref) = (self.provider.clone(), self.provider_ref.clone());
        self.order_id.map_or(OrderRef::Dispute { provider, dispute_ref }, OrderRef::Order)
    }
}

impl DisputeUpdated {
    /// The order if known, else the payment, else the dispute itself.
    fn order_ref(&self) -> OrderRef {
        let provider = self.provider.clone();
        match (self.order_id, &self.payment_ref) {
            (Some(order_id), _) => OrderRef::Order(order_id),
            (None, Some(payment_ref)) => {
                OrderRef::Payment { provider, payment_ref: payment_ref.clone() }
            }
            (None, None) => OrderRef::Dispute { provider, dispute_ref: self.provider_ref.clone() },
        }
    }
}
