//! The sums of an order's money, per attempt: the view `attempt_money` in memory.

use domain::refund::{Refund, RefundStatus};
use domain::{AttemptId, Money, OrderState, OutcomeCode};

/// What was captured, refunded and disputed; "ever" counts what was taken back since, too.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) captured: i64,
    pub(super) ever_captured: i64,
    pub(super) applied: i64,
    pub(super) ever_applied: i64,
    pub(super) refunded: i64,
    pub(super) ever_refunded: i64,
    pub(super) settled: i64,
    /// Whether a refund is known to exceed what was there.
    pub(super) excess_known: bool,
    pub(super) disputed: i64,
    pub(super) fees: i64,
}

/// The sums of each attempt, and of the whole order.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) attempts: Vec<(AttemptId, Sum)>,
    pub(super) order: Sum,
}

impl Sums {
    pub(super) fn of(state: &OrderState) -> Self {
        let of_attempt = |id| (id, of_attempt(state, id));
        let attempts: Vec<_> =
            state.attempts.iter().map(|attempt| of_attempt(attempt.id)).collect();
        let order = attempts.iter().fold(Sum::default(), |order, (_, sum)| order.plus(*sum));
        Self { attempts, order }
    }
}

impl Sum {
    fn plus(self, other: Self) -> Self {
        Self {
            captured: self.captured + other.captured,
            ever_captured: self.ever_captured + other.ever_captured,
            applied: self.applied + other.applied,
            ever_applied: self.ever_applied + other.ever_applied,
            refunded: self.refunded + other.refunded,
            ever_refunded: self.ever_refunded + other.ever_refunded,
            settled: self.settled + other.settled,
            excess_known: self.excess_known || other.excess_known,
            disputed: self.disputed + other.disputed,
            fees: self.fees + other.fees,
        }
    }
}

fn of_attempt(state: &OrderState, id: AttemptId) -> Sum {
    let captures = || state.captures.iter().filter(|capture| capture.attempt_id == id);
    let live = || captures().filter(|capture| capture.is_live());
    let refunds = || state.refunds.iter().filter(|refund| refund.attempt_id == Some(id));
    let ever = || refunds().filter(|refund| refund.status != RefundStatus::Rejected);
    let refunded = |counts: fn(RefundStatus) -> bool| {
        total(refunds().filter(|refund| counts(refund.status)).map(|refund| refund.amount))
    };
    let exceeds = |refund: &Refund| refund.code == Some(OutcomeCode::ExceedsRefundable);
    let disputes = || state.disputes.iter().filter(|dispute| dispute.attempt_id == id);
    let holding = disputes().filter(|dispute| dispute.position.holds_money());
    Sum {
        captured: total(live().map(|capture| capture.amount)),
        ever_captured: total(captures().map(|capture| capture.amount)),
        applied: total(live().map(|capture| capture.applied)),
        ever_applied: total(captures().map(|capture| capture.applied)),
        refunded: refunded(RefundStatus::holds_money),
        ever_refunded: total(ever().map(|refund| refund.amount)),
        settled: refunded(|status| status == RefundStatus::Succeeded),
        excess_known: ever().any(exceeds),
        disputed: total(holding.map(|dispute| dispute.amount)),
        fees: total(disputes().map(|dispute| dispute.fee)),
    }
}

fn total(amounts: impl Iterator<Item = Money>) -> i64 {
    amounts.map(Money::minor).sum()
}
