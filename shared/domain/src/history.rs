//! Every change of a status, in order.

use contracts::{AttemptId, DisputeId, OrderId, RefundId, Timestamp};
use uuid::Uuid;

use crate::decision::OutcomeCode;
use crate::dispute::{DisputePosition, DisputeStatus};
use crate::order::OrderStatus;
use crate::payment::AttemptStatus;
use crate::refund::RefundStatus;
use crate::status::Status;

/// What changed: which row, from which status to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// An order.
    Order(OrderId, Option<OrderStatus>, OrderStatus),
    /// A payment attempt.
    Payment(AttemptId, Option<AttemptStatus>, AttemptStatus),
    /// A refund.
    Refund(RefundId, Option<RefundStatus>, RefundStatus),
    /// A dispute.
    Dispute(DisputeId, Option<DisputePosition>, DisputePosition),
}

/// The name of a beginning in `from_status`.
pub const BEGINNING: &str = "none";

impl Change {
    /// Whether the state machines allow it.
    pub fn is_legal(self) -> bool {
        match self {
            Self::Order(_, from, to) => to.can_follow(from),
            Self::Payment(_, from, to) => to.can_follow(from),
            Self::Refund(_, from, to) => to.can_follow(from),
            Self::Dispute(_, from, to) => to.can_follow(from),
        }
    }

    /// The kind of row, as stored.
    pub fn entity(self) -> &'static str {
        match self {
            Self::Order(..) => "order",
            Self::Payment(..) => "payment",
            Self::Refund(..) => "refund",
            Self::Dispute(..) => "dispute",
        }
    }

    /// The row.
    pub fn entity_id(self) -> Uuid {
        match self {
            Self::Order(id, ..) => id.into(),
            Self::Payment(id, ..) => id.into(),
            Self::Refund(id, ..) => id.into(),
            Self::Dispute(id, ..) => id.into(),
        }
    }

    /// The old and the new status, as stored.
    pub fn names(self) -> (&'static str, &'static str) {
        fn pair<S: Status>(from: Option<S>, to: S) -> (&'static str, &'static str) {
            (from.map_or(BEGINNING, S::name), to.name())
        }
        match self {
            Self::Order(_, from, to) => pair(from, to),
            Self::Payment(_, from, to) => pair(from, to),
            Self::Refund(_, from, to) => pair(from, to),
            Self::Dispute(_, from, to) => {
                (from.map_or(BEGINNING, position_name), position_name(to))
            }
        }
    }
}

/// One line of an order's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryLine {
    /// Its place in the order's history, from 1.
    pub seq: i32,
    /// What changed.
    pub change: Change,
    /// Why, where the status alone does not say it.
    pub reason: Option<OutcomeCode>,
    /// When it was recorded, by the database's clock.
    pub at: Timestamp,
}

/// Every legal edge as `(entity, from, to)`: the content of the table `transitions_allowed`.
pub fn legal_edges() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut edges = Vec::new();
    edges.extend(edges_of("order", OrderStatus::can_follow));
    edges.extend(edges_of("payment", AttemptStatus::can_follow));
    edges.extend(edges_of("refund", RefundStatus::can_follow));
    let froms = || std::iter::once(None).chain(positions().map(Some));
    for from in froms() {
        for to in positions().filter(|to| to.can_follow(from)) {
            edges.push(("dispute", from.map_or(BEGINNING, position_name), position_name(to)));
        }
    }
    edges
}

fn edges_of<S: Status>(
    entity: &'static str,
    can_follow: impl Fn(S, Option<S>) -> bool,
) -> Vec<(&'static str, &'static str, &'static str)> {
    let froms = || std::iter::once(None).chain(S::ALL.iter().copied().map(Some));
    froms()
        .flat_map(|from| S::ALL.iter().map(move |to| (from, *to)))
        .filter(|(from, to)| can_follow(*to, *from))
        .map(|(from, to)| (entity, from.map_or(BEGINNING, S::name), to.name()))
        .collect()
}

fn positions() -> impl Iterator<Item = DisputePosition> {
    use contracts::events::DisputeStage::{Arbitration, Chargeback, Inquiry, PreArbitration};
    [Inquiry, Chargeback, PreArbitration, Arbitration].into_iter().flat_map(|stage| {
        DisputeStatus::ALL.iter().map(move |status| DisputePosition { stage, status: *status })
    })
}

/// Stage and status as one stored name.
pub fn position_name(position: DisputePosition) -> &'static str {
    use DisputeStatus::{Accepted, Lost, NeedsResponse, UnderReview, Withdrawn, Won};
    use contracts::events::DisputeStage::{Arbitration, Chargeback, Inquiry, PreArbitration};
    match (position.stage, position.status) {
        (Inquiry, NeedsResponse) => "inquiry:needs_response",
        (Inquiry, UnderReview) => "inquiry:under_review",
        (Inquiry, Won) => "inquiry:won",
        (Inquiry, Lost) => "inquiry:lost",
        (Inquiry, Accepted) => "inquiry:accepted",
        (Inquiry, Withdrawn) => "inquiry:withdrawn",
        (Chargeback, NeedsResponse) => "chargeback:needs_response",
        (Chargeback, UnderReview) => "chargeback:under_review",
        (Chargeback, Won) => "chargeback:won",
        (Chargeback, Lost) => "chargeback:lost",
        (Chargeback, Accepted) => "chargeback:accepted",
        (Chargeback, Withdrawn) => "chargeback:withdrawn",
        (PreArbitration, NeedsResponse) => "pre_arbitration:needs_response",
        (PreArbitration, UnderReview) => "pre_arbitration:under_review",
        (PreArbitration, Won) => "pre_arbitration:won",
        (PreArbitration, Lost) => "pre_arbitration:lost",
        (PreArbitration, Accepted) => "pre_arbitration:accepted",
        (PreArbitration, Withdrawn) => "pre_arbitration:withdrawn",
        (Arbitration, NeedsResponse) => "arbitration:needs_response",
        (Arbitration, UnderReview) => "arbitration:under_review",
        (Arbitration, Won) => "arbitration:won",
        (Arbitration, Lost) => "arbitration:lost",
        (Arbitration, Accepted) => "arbitration:accepted",
        (Arbitration, Withdrawn) => "arbitration:withdrawn",
    }
}
