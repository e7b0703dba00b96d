//! A shop's answer whether an order can have its stock again.

use serde::{Deserialize, Serialize};

use crate::{OrderId, Timestamp, Token};

/// A shop answers `inventory.reserve_requested` (case 87).
#[derive(Clone, Debug, Deserialize)]
pub struct ReserveReplied {
    /// The order.
    pub order_id: OrderId,
    /// Whether there is stock for it.
    pub outcome: ReserveOutcome,
    /// The shop's new reservation, if it has another name than the one before.
    pub reservation_id: Option<Token<64>>,
    /// When the shop decided.
    pub occurred_at: Timestamp,
}

/// What a shop can do for an order that wants its stock again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReserveOutcome {
    /// The stock is set aside.
    Reserved,
    /// It is sold, or not to be had.
    Refused,
}
