//! Ours: money that fits no order falls due.

use serde::{Deserialize, Serialize};

use super::timer::generation;
use crate::{MoneyId, OrderId, Timestamp};

/// A timer of money that fits no order came back; only a hint that something may be due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnappliedDue {
    /// The order that the money's report names.
    pub order_id: OrderId,
    /// The money.
    pub money_id: MoneyId,
    /// Which arming of the timer this is.
    #[serde(deserialize_with = "generation")]
    pub generation: i32,
    /// When it is due, by the database's clock.
    pub due_at: Timestamp,
}
