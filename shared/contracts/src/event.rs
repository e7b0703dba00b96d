//! What every event has in common.

use serde_json::value::RawValue;

use crate::error::RuleViolation;
use crate::{EventKind, OrderId, ProviderRef, Timestamp, Token};

/// How an event names the order it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OrderRef {
    /// By the order's own id.
    Order(OrderId),
    /// By the payment it concerns: disputes may know nothing else.
    Payment {
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the payment attempt.
        payment_ref: ProviderRef,
    },
    /// By a dispute opened earlier.
    Dispute {
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        dispute_ref: ProviderRef,
    },
}

impl OrderRef {
    /// The order's own id, if the event names it.
    pub fn order(&self) -> Option<OrderId> {
        match self {
            Self::Order(order) => Some(*order),
            Self::Payment { .. } | Self::Dispute { .. } => None,
        }
    }
}

/// The event types on one worker's queue, as one enum.
pub trait Event: Sized + Send + Sync + 'static {
    /// The kinds this worker consumes; any other kind is refused with `unknown-type`.
    const KINDS: &'static [EventKind];

    /// Reads the event's data.
    ///
    /// # Errors
    /// Serde's, with the broken rule in its text; `Ok(None)` for a kind outside `KINDS`.
    fn from_data(kind: EventKind, data: &RawValue) -> Result<Option<Self>, DataError>;

    /// What no single field can say of the event as a whole.
    ///
    /// # Errors
    /// The rule that its fields break together.
    fn check(&self) -> Result<(), RuleViolation> {
        Ok(())
    }

    /// Which kind it is.
    fn kind(&self) -> EventKind;

    /// The order it belongs to.
    fn order_ref(&self) -> OrderRef;

    /// The customer, where the event may be the first to name them.
    fn customer_ref(&self) -> Option<&Token<64>> {
        None
    }

    /// When it happened, by the sender's clock.
    fn occurred_at(&self) -> Timestamp;

    /// Whether it is about real money; `None` where the event does not say (case 41).
    fn livemode(&self) -> Option<bool>;
}

/// A serde error with the path at which it happened.
pub type DataError = serde_path_to_error::Error<serde_json::Error>;

/// Reads event data.
///
/// # Errors
/// The first offence, with its path.
pub(crate) fn parse<'de, T: serde::Deserialize<'de>>(data: &'de RawValue) -> Result<T, DataError> {
    crate::strict::parse(data.get())
}
