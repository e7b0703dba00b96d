//! When customers are flagged.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::Timestamp;
use uuid::Uuid;

use super::section::Section;
use super::{AmountLimits, DAY, HOUR};
use crate::customer::{CustomerRecord, KNOWN_BACK, ORDERS_COUNTED_FROM, RiskRule};

/// Flags end at the latest after so long.
const LONGEST_FLAG: Duration = Duration::from_hours(24 * 366);

/// When a customer's refunds and disputes raise a flag (policy 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagPolicy {
    /// So many refunds.
    pub refunds: CountLimit,
    /// Refunds of so large a part of the orders.
    pub refund_ratio: RatioLimit,
    /// So many disputes.
    pub disputes: CountLimit,
    /// So many disputes below `low_value`.
    pub low_value_disputes: CountLimit,
    /// Disputes below so many minor units are of low value.
    pub low_value: AmountLimits,
    /// How long a flag lives.
    pub expire_after: Duration,
}

/// So many within so long; 0 switches the rule off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountLimit {
    /// How many raise the flag.
    pub count: usize,
    /// How far back they are counted.
    pub within: Duration,
}

/// Such a part of the orders within so long; 0 switches the rule off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatioLimit {
    /// Percent of the orders with a refund that raise the flag.
    pub percent: i64,
    /// Customers with fewer orders are not judged: two refunds of two orders say nothing yet.
    pub min_orders: i64,
}

/// A rule that holds, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which one.
    pub rule: RiskRule,
    /// The refunds or disputes that led to it.
    pub evidence: Vec<Uuid>,
    /// What was compared, by name.
    pub inputs: Vec<(&'static str, String)>,
}

impl Default for FlagPolicy {
    fn default() -> Self {
        Self {
            refunds: CountLimit { count: 8, within: 90 * DAY },
            refund_ratio: RatioLimit { percent: 60, min_orders: 5 },
            disputes: CountLimit { count: 4, within: 90 * DAY },
            low_value_disputes: CountLimit { count: 3, within: 90 * DAY },
            low_value: AmountLimits::everywhere(2_000),
            expire_after: 90 * DAY,
        }
    }
}

impl FlagPolicy {
    /// Every rule that holds and has no live flag yet; what a lifted flag rested on is left out.
    pub fn findings(&self, record: &CustomerRecord, now: Timestamp) -> Vec<Finding> {
        let flagged = |rule| record.flags.iter().any(|it| it.rule == rule && it.is_live(now));
        [
            self.many_refunds(record, now),
            self.large_part(record, now),
            self.many_disputes(record, now),
        ]
        .into_iter()
        .chain([self.many_small_disputes(record, now)])
        .flatten()
        .filter(|finding| !flagged(finding.rule))
        .collect()
    }

    fn many_refunds(&self, record: &CustomerRecord, now: Timestamp) -> Option<Finding> {
        let refunds = record.refunds.iter().map(|refund| (refund.id.into(), refund.at));
        self.refunds.finding(RiskRule::RefundCount, record, refunds, now)
    }

    fn many_disputes(&self, record: &CustomerRecord, now: Timestamp) -> Option<Finding> {
        let disputes = record.disputes.iter().map(|dispute| (dispute.id.into(), dispute.at));
        self.disputes.finding(RiskRule::DisputeCount, record, disputes, now)
    }

    fn many_small_disputes(&self, record: &CustomerRecord, now: Timestamp) -> Option<Finding> {
        let small = record.disputes.iter();
        let small = small.filter(|it| it.amount.minor() < self.low_value.of(it.amount.currency()));
        let small = small.map(|dispute| (dispute.id.into(), dispute.at));
        self.low_value_disputes.finding(RiskRule::LowValueDisputes, record, small, now)
    }

    /// Counts orders with a refund, not refunds: several of one order are one bad experience.
    fn large_part(&self, record: &CustomerRecord, now: Timestamp) -> Option<Finding> {
        let RatioLimit { percent, min_orders } = self.refund_ratio;
        let orders = record.orders_90d.filter(|orders| *orders >= min_orders)?;
        let rule = RiskRule::RefundRatio;
        let counts = |id, at| is_within(at, KNOWN_BACK, now) && !record.is_forgiven(rule, id);
        let refunds = record.refunds.iter().filter(|it| counts(it.id.into(), it.at));
        let (evidence, refunded): (Vec<Uuid>, BTreeSet<_>) =
            refunds.map(|refund| (Uuid::from(refund.id), refund.order)).unzip();
        let refunded = i64::try_from(refunded.len()).unwrap_or(i64::MAX);
        let holds = percent > 0
            && refunded >= ORDERS_COUNTED_FROM
            && refunded.saturating_mul(100) >= orders.saturating_mul(percent);
        holds.then(|| Finding {
            rule,
            evidence,
            inputs: vec![
                ("rule", rule.to_string()),
                ("orders", orders.to_string()),
                ("orders_with_refund", refunded.to_string()),
                ("refund_ratio", format!("{percent} percent")),
                ("min_orders", min_orders.to_string()),
            ],
        })
    }

    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        self.refunds.overlay(section, ["refunds", "refunds_within"]);
        section.count("refund_ratio", 0..=100, &mut self.refund_ratio.percent);
        section.count("min_orders", 1..=1_000, &mut self.refund_ratio.min_orders);
        self.disputes.overlay(section, ["disputes", "disputes_within"]);
        let keys = ["low_value_disputes", "low_value_disputes_within"];
        self.low_value_disputes.overlay(section, keys);
        section.value("low_value", |value| self.low_value.overlay(value));
        section.time("expire_after", HOUR..=LONGEST_FLAG, &mut self.expire_after);
    }
}

impl CountLimit {
    fn finding(
        self,
        rule: RiskRule,
        record: &CustomerRecord,
        rows: impl Iterator<Item = (Uuid, Timestamp)>,
        now: Timestamp,
    ) -> Option<Finding> {
        let counts = |id, at| is_within(at, self.within, now) && !record.is_forgiven(rule, id);
        let evidence: Vec<Uuid> =
            rows.filter(|(id, at)| counts(*id, *at)).map(|(id, _)| id).collect();
        (self.count > 0 && evidence.len() >= self.count).then(|| Finding {
            rule,
            inputs: vec![
                ("rule", rule.to_string()),
                ("count", evidence.len().to_string()),
                ("limit", self.count.to_string()),
                ("within", humantime::format_duration(self.within).to_string()),
            ],
            evidence,
        })
    }

    fn overlay(&mut self, section: &mut Section<'_>, [count, within]: [&'static str; 2]) {
        section.count(count, 0..=1_000, &mut self.count);
        section.time(within, DAY..=KNOWN_BACK, &mut self.within);
    }
}

/// Whether something happened so long ago or later; exactly so long ago is out.
fn is_within(at: Timestamp, within: Duration, now: Timestamp) -> bool {
    now.since(at) < within
}

#[cfg(test)]
mod tests;
