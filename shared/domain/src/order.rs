//! Orders: placed, then paid, expired or cancelled.

use contracts::events::{CancelActor, Consent, OrderLine, PaymentMethod};
use contracts::{Money, OrderId, Timestamp, Token};

use crate::status::named;

named! {
    /// Where an order stands; how far it is paid is derived from its captures.
    pub enum OrderStatus {
        /// Waiting for its money.
        PendingPayment = "pending_payment",
        /// Covered by its captures.
        Paid = "paid",
        /// Its payment window ended without the money.
        Expired = "expired",
        /// Called off.
        Cancelled = "cancelled",
    }
}

impl OrderStatus {
    /// Whether the order is over without having been paid.
    pub fn is_closed(self) -> bool {
        match self {
            Self::PendingPayment | Self::Paid => false,
            Self::Expired | Self::Cancelled => true,
        }
    }

    /// Legal edges, `None` standing for the order's beginning; what is not listed is illegal.
    pub fn can_follow(self, from: Option<OrderStatus>) -> bool {
        matches!(
            (from, self),
            (None, Self::PendingPayment | Self::Paid)
                | (Some(Self::PendingPayment), Self::Paid | Self::Expired | Self::Cancelled)
                | (Some(Self::Paid), Self::Cancelled)
                // Reinstated after a late notification, where the policy allows it.
                | (Some(Self::Expired), Self::Paid)
        )
    }
}

named! {
    /// Why an order was closed.
    pub enum CloseReason {
        /// The payment window ended.
        PaymentTimeout = "payment_timeout",
        /// The buyer asked.
        Buyer = "buyer",
        /// The merchant asked.
        Merchant = "merchant",
        /// A fraud check asked.
        Fraud = "fraud",
        /// An operator asked.
        Operator = "operator",
        /// The customer has as many unpaid orders as they may have (policy 7).
        CustomerRestricted = "customer_restricted",
        /// All of its money is back with the buyer.
        Refunded = "refunded",
    }
}

impl From<CancelActor> for CloseReason {
    fn from(actor: CancelActor) -> Self {
        match actor {
            CancelActor::Buyer => Self::Buyer,
            CancelActor::Merchant => Self::Merchant,
            CancelActor::Fraud => Self::Fraud,
            CancelActor::Operator => Self::Operator,
        }
    }
}

/// An order's own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// Who sells.
    pub merchant_id: Token<64>,
    /// Who buys, a pseudonym.
    pub customer_ref: Token<64>,
    /// What is to be paid.
    pub total: Money,
    /// Where it stands.
    pub status: OrderStatus,
    /// The shop's revision of the order that is in force (case 39).
    pub revision: i32,
    /// Whether a later revision was refused because a payment was under way (case 39).
    pub amount_changed: bool,
    /// When it was placed, by the shop's clock.
    pub placed_at: Timestamp,
    /// When its payment window ends.
    pub expires_at: Timestamp,
    /// How the buyer means to pay.
    pub method: Option<PaymentMethod>,
    /// The shop's choices by which its payment window was set.
    pub policy_version: Token<32>,
    /// The buyer's language.
    pub locale: Option<Token<35>>,
    /// The shop's reservation of stock.
    pub reservation_id: Option<Token<64>>,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What the buyer agreed to, when and by which text.
    pub consent: Option<Consent>,
    /// When it was covered.
    pub paid_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Why it was closed.
    pub close_reason: Option<CloseReason>,
    /// Since when expiry waits for a payment under way (case 6).
    pub held_since: Option<Timestamp>,
    /// By how much less than its total it counts as paid (case 43); nothing for most orders.
    pub shortfall: Option<Money>,
    /// When its stock was given back; once for each reservation of it (cases 86 and 87).
    pub stock_released_at: Option<Timestamp>,
    /// How many lines of history it has.
    pub history_len: i32,
    /// How many transfers it has.
    pub ledger_len: i32,
    /// How often it was written; guards against lost updates (case 38).
    pub version: i64,
}
