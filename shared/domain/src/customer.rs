//! Customers: what is known of them beyond the order at hand, and flags raised because of it.

mod mark;

use std::time::Duration;

use contracts::{DisputeId, FlagId, Money, OrderId, RefundId, Timestamp, Token};
use uuid::Uuid;

use crate::dispute::{Dispute, DisputeStatus};
use crate::refund::Refund;
use crate::state::put;
use crate::status::named;

pub use mark::{CustomerMark, MarkChange, MarkStep, Restriction, RestrictionLevel};

/// How far back a customer's refunds and disputes are known.
pub const KNOWN_BACK: Duration = Duration::from_hours(24 * 90);

/// From so many refunds on, a customer's orders are counted, too; finding them is work.
pub const ORDERS_COUNTED_FROM: i64 = 3;

/// What the policies need to know of a customer, the order at hand included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerRecord {
    /// Refunds that a customer asked for in the last 90 days, refused ones left out.
    pub refunds_90d: i64,
    /// Disputes opened in the last 90 days.
    pub disputes_90d: i64,
    /// Orders placed in the last 90 days, where [`ORDERS_COUNTED_FROM`] refunds are known.
    pub orders_90d: Option<i64>,
    /// These refunds, one by one.
    pub refunds: Vec<CustomerRefund>,
    /// Disputes of the last 90 days, withdrawn ones left out.
    pub disputes: Vec<CustomerDispute>,
    /// Flags raised on the customer, also those that expired or were lifted.
    pub flags: Vec<RiskFlag>,
    /// What is remembered of unpaid orders, if there is anything (policy 7).
    pub mark: Option<CustomerMark>,
}

/// A refund that a customer asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerRefund {
    /// The refund.
    pub id: RefundId,
    /// Its order.
    pub order: OrderId,
    /// When it was asked for.
    pub at: Timestamp,
}

/// A dispute of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerDispute {
    /// The dispute.
    pub id: DisputeId,
    /// How much is disputed.
    pub amount: Money,
    /// When it was opened.
    pub at: Timestamp,
}

named! {
    /// Which rule raised a flag (policy 6).
    pub enum RiskRule {
        /// Many refunds.
        RefundCount = "refund_count",
        /// Refunds of a large part of the orders.
        RefundRatio = "refund_ratio",
        /// Many disputes.
        DisputeCount = "dispute_count",
        /// Many disputes over little money.
        LowValueDisputes = "low_value_disputes",
    }
}

/// A mark on a customer: while it lives, refunds of theirs need a person (policy 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskFlag {
    /// The flag.
    pub id: FlagId,
    /// Whose.
    pub customer_ref: Token<64>,
    /// Which rule raised it.
    pub rule: RiskRule,
    /// The refunds or disputes that led to it.
    pub evidence: Vec<Uuid>,
    /// The version of the choices by which it was raised.
    pub version: Token<32>,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When a person lifted it.
    pub lifted_at: Option<Timestamp>,
}

impl RiskFlag {
    /// Whether it counts at this time.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.lifted_at.is_none() && now < self.expires_at
    }
}

impl CustomerRecord {
    /// A flag that counts at this time, if there is one.
    pub fn live_flag(&self, now: Timestamp) -> Option<&RiskFlag> {
        self.flags.iter().find(|flag| flag.is_live(now))
    }

    /// Takes over a change of the customer's mark.
    pub(crate) fn hear_mark(&mut self, change: &MarkChange) {
        let new = || CustomerMark::new(change.customer_ref.clone());
        self.mark.get_or_insert_with(new).apply(&change.step);
    }

    /// Takes over how many refunds and disputes one order has, which had others before.
    pub(crate) fn recount(&mut self, before: (i64, i64), now: (i64, i64)) {
        self.refunds_90d += now.0 - before.0;
        self.disputes_90d += now.1 - before.1;
    }

    /// Takes over how a refund stands.
    pub(crate) fn hear_refund(&mut self, order: OrderId, refund: &Refund) {
        let heard = CustomerRefund { id: refund.id, order, at: refund.requested_at };
        if refund.counts_for_customer() {
            put(&mut self.refunds, heard, |a, b| a.id == b.id);
        } else {
            self.refunds.retain(|known| known.id != refund.id);
        }
    }

    /// Takes over how a dispute stands; one that the buyer withdrew is not held against them.
    pub(crate) fn hear_dispute(&mut self, dispute: &Dispute) {
        let (id, amount, at) = (dispute.id, dispute.amount, dispute.opened_at);
        if dispute.position.status == DisputeStatus::Withdrawn {
            self.disputes.retain(|known| known.id != id);
        } else {
            put(&mut self.disputes, CustomerDispute { id, amount, at }, |a, b| a.id == b.id);
        }
    }

    /// Whether a person lifted a flag of a rule that this led to: it does not count again.
    pub(crate) fn is_forgiven(&self, rule: RiskRule, evidence: Uuid) -> bool {
        let lifted = |flag: &&RiskFlag| flag.rule == rule && flag.lifted_at.is_some();
        self.flags.iter().filter(lifted).any(|flag| flag.evidence.contains(&evidence))
    }
}
