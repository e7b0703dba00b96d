//! Orders: placed, and wanted back.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{RuleCode, RuleViolation};
use crate::event::{DataError, Event, OrderRef, parse};
use crate::number;
use crate::{BoundedText, EventKind, Money, OrderId, Timestamp, Token};

/// A shop placed an order.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderCreated {
    /// The order.
    pub order_id: OrderId,
    /// Who sells.
    pub merchant_id: Token<64>,
    /// Who buys: a pseudonym, never a name, address, e-mail or phone.
    pub customer_ref: Token<64>,
    /// What is to be paid; zero is paid at once (case 19).
    pub total: Money,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Counts the shop's changes to the order, from 1 (case 39).
    #[serde(deserialize_with = "number::counter")]
    pub revision: i32,
    /// Whether it is about real money.
    pub livemode: bool,
    /// End of the payment window, if the shop sets it; after `placed_at`.
    pub expires_at: Option<Timestamp>,
    /// Length of the payment window in seconds, if the shop sets it so.
    #[serde(default, deserialize_with = "window_seconds")]
    pub payment_window_s: Option<u32>,
    /// How the buyer means to pay; chooses the payment window (case 18).
    pub payment_method_hint: Option<PaymentMethod>,
    /// The buyer's language, BCP 47.
    pub locale: Option<Token<35>>,
    /// What was bought; handed back with the release of stock.
    #[serde(default, deserialize_with = "lines")]
    pub lines: Vec<OrderLine>,
    /// The shop's reservation of stock.
    pub reservation_id: Option<Token<64>>,
    /// What the buyer agreed to.
    pub consent: Option<Consent>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The article.
    pub sku: Token<64>,
    /// How many, from 1 to 1,000,000.
    #[serde(deserialize_with = "quantity")]
    pub qty: u32,
    /// Price of one.
    pub unit: Money,
}

/// What the buyer agreed to, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Messages beyond the order itself.
    pub marketing: bool,
    /// Reminders to come back and pay; as `marketing` when absent.
    pub recovery: Option<bool>,
    /// When it was given.
    pub at: Timestamp,
    /// Which text was agreed to.
    pub version: Token<32>,
}

/// How an order is to be paid, as far as windows differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// A card.
    Card,
    /// A wallet.
    Wallet,
    /// A bank transfer, which takes days.
    BankTransfer,
    /// Any other method; the list is open and nothing about money depends on it.
    Other,
}

impl PaymentMethod {
    /// Every method that is told apart.
    pub const ALL: [Self; 4] = [Self::Card, Self::Wallet, Self::BankTransfer, Self::Other];

    /// Its name in events, such as `bank_transfer`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Wallet => "wallet",
            Self::BankTransfer => "bank_transfer",
            Self::Other => "other",
        }
    }
}

impl<'de> Deserialize<'de> for PaymentMethod {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Token::<32>::deserialize(deserializer)?.as_str() {
            "card" => Self::Card,
            "wallet" => Self::Wallet,
            "bank_transfer" => Self::BankTransfer,
            _ => Self::Other,
        })
    }
}

/// Somebody wants the order cancelled.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderCancelRequested {
    /// The order.
    pub order_id: OrderId,
    /// Who wants it.
    pub actor: CancelActor,
    /// When.
    pub occurred_at: Timestamp,
    /// Why, in the actor's words.
    pub reason: Option<BoundedText<500>>,
}

/// Who may ask for a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelActor {
    /// The buyer.
    Buyer,
    /// The merchant.
    Merchant,
    /// A fraud check.
    Fraud,
    /// One of our operators.
    Operator,
}

/// A customer took back what they had agreed to.
#[derive(Clone, Debug, Deserialize)]
pub struct ConsentWithdrawn {
    /// Any order of the customer.
    pub order_id: OrderId,
    /// Who took it back, a pseudonym.
    pub customer_ref: Token<64>,
    /// What it had been given for.
    pub purpose: ConsentPurpose,
    /// Which text had been agreed to.
    pub version: Option<Token<32>>,
    /// When.
    pub occurred_at: Timestamp,
}

/// What a customer can agree to beyond messages about the order itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPurpose {
    /// Advertising, and with it reminders: whoever withdraws this wants neither.
    Marketing,
    /// Reminders to come back and pay.
    Recovery,
}

impl ConsentPurpose {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Marketing, Self::Recovery];

    /// Its name in events, such as `recovery`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Recovery => "recovery",
        }
    }
}

/// What the worker `order-created` consumes.
#[derive(Clone, Debug)]
pub enum OrderEvent {
    /// `order.created`.
    Created(Box<OrderCreated>),
    /// `order.cancel_requested`.
    CancelRequested(OrderCancelRequested),
    /// `customer.consent_withdrawn`.
    ConsentWithdrawn(ConsentWithdrawn),
}

impl Event for OrderEvent {
    const KINDS: &'static [EventKind] =
        &[EventKind::OrderCreated, EventKind::OrderCancelRequested, EventKind::ConsentWithdrawn];

    fn from_data(kind: EventKind, data: &RawValue) -> Result<Option<Self>, DataError> {
        Ok(match kind {
            EventKind::OrderCreated => Some(Self::Created(parse(data)?)),
            EventKind::OrderCancelRequested => Some(Self::CancelRequested(parse(data)?)),
            EventKind::ConsentWithdrawn => Some(Self::ConsentWithdrawn(parse(data)?)),
            EventKind::PaymentAttempted
            | EventKind::UnappliedDue
            | EventKind::ReserveReplied
            | EventKind::ReserveAnswerDue
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

    fn check(&self) -> Result<(), RuleViolation> {
        match self {
            Self::Created(created)
                if created.expires_at.is_some_and(|at| at <= created.placed_at) =>
            {
                let rule = "must have its `expires_at` after its `placed_at`";
                Err(RuleViolation::new(RuleCode::Inconsistent, rule))
            }
            Self::Created(_) | Self::CancelRequested(_) | Self::ConsentWithdrawn(_) => Ok(()),
        }
    }

    fn kind(&self) -> EventKind {
        match self {
            Self::Created(_) => EventKind::OrderCreated,
            Self::CancelRequested(_) => EventKind::OrderCancelRequested,
            Self::ConsentWithdrawn(_) => EventKind::ConsentWithdrawn,
        }
    }

    fn customer_ref(&self) -> Option<&Token<64>> {
        match self {
            Self::Created(created) => Some(&created.customer_ref),
            Self::CancelRequested(_) | Self::ConsentWithdrawn(_) => None,
        }
    }

    fn order_ref(&self) -> OrderRef {
        OrderRef::Order(match self {
            Self::Created(created) => created.order_id,
            Self::CancelRequested(request) => request.order_id,
            Self::ConsentWithdrawn(withdrawal) => withdrawal.order_id,
        })
    }

    fn occurred_at(&self) -> Timestamp {
        match self {
            Self::Created(created) => created.placed_at,
            Self::CancelRequested(request) => request.occurred_at,
            Self::ConsentWithdrawn(withdrawal) => withdrawal.occurred_at,
        }
    }

    fn livemode(&self) -> Option<bool> {
        match self {
            Self::Created(created) => Some(created.livemode),
            Self::CancelRequested(_) | Self::ConsentWithdrawn(_) => None,
        }
    }
}

fn quantity<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number::in_range(deserializer, 1..=1_000_000)
}

fn window_seconds<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    // A year is far beyond any payment method and keeps arithmetic with times safe.
    number::in_range_or_none(d, 1..=31_536_000)
}

fn lines<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<OrderLine>, D::Error> {
    let lines = Option::<Vec<OrderLine>>::deserialize(deserializer)?.unwrap_or_default();
    number::at_most(lines, 200, "lines")
}
