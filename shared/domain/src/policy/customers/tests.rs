use contracts::{Money, OrderId};

use super::*;
use crate::customer::{CustomerDispute, CustomerRefund, RiskFlag};

fn now() -> Timestamp {
    Timestamp::EPOCH.plus(400 * DAY)
}

fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

/// Refunds of that many orders, all asked for so long ago.
fn refunded(orders: u128, ago: Duration) -> CustomerRecord {
    let at = now().minus(ago);
    let refund = |number| CustomerRefund { id: id(number), order: id::<OrderId>(number), at };
    CustomerRecord { refunds: (1..=orders).map(refund).collect(), ..CustomerRecord::default() }
}

/// So many disputes over such an amount, all opened so long ago.
fn disputed(count: u128, minor: i64, ago: Duration) -> CustomerRecord {
    let amount = Money::new(minor, "EUR".parse().expect("it is known")).expect("it is an amount");
    let at = now().minus(ago);
    let dispute = |number| CustomerDispute { id: id(number), amount, at };
    CustomerRecord { disputes: (1..=count).map(dispute).collect(), ..CustomerRecord::default() }
}

fn rules(record: &CustomerRecord) -> Vec<RiskRule> {
    FlagPolicy::default().findings(record, now()).into_iter().map(|it| it.rule).collect()
}

fn flag(rule: RiskRule, evidence: impl Iterator<Item = u128>, lifted: bool) -> RiskFlag {
    RiskFlag {
        id: id(1_000),
        customer_ref: "c-1".parse().expect("it is short"),
        rule,
        evidence: evidence.map(id).collect(),
        version: "v-1".parse().expect("it is short"),
        raised_at: now().minus(DAY),
        expires_at: now().plus(DAY),
        lifted_at: lifted.then_some(now()),
    }
}

#[test]
fn one_refund_less_than_the_limit_is_no_flag() {
    assert_eq!(rules(&refunded(7, DAY)), []);
    assert_eq!(rules(&refunded(8, DAY)), [RiskRule::RefundCount]);
}

#[test]
fn what_happened_exactly_the_window_ago_is_out() {
    let within = FlagPolicy::default().refunds.within;
    let mut record = refunded(8, within);
    assert_eq!(rules(&record), []);
    record.refunds.iter_mut().for_each(|it| it.at = it.at.plus(Duration::from_micros(1)));
    assert_eq!(rules(&record), [RiskRule::RefundCount]);
}

#[test]
fn a_large_part_of_few_orders_says_nothing() {
    let policy = FlagPolicy::default();
    let judged = |orders| CustomerRecord { orders_90d: orders, ..refunded(4, DAY) };
    assert_eq!(rules(&judged(None)), [], "the orders were not counted");
    assert_eq!(rules(&judged(Some(policy.refund_ratio.min_orders - 1))), []);
    assert_eq!(rules(&judged(Some(policy.refund_ratio.min_orders))), [RiskRule::RefundRatio]);
    assert_eq!(rules(&judged(Some(6))), [RiskRule::RefundRatio], "66 percent");
    assert_eq!(rules(&judged(Some(7))), [], "57 percent");
}

#[test]
fn several_refunds_of_one_order_are_one_order_with_a_refund() {
    let mut record = CustomerRecord { orders_90d: Some(5), ..refunded(6, DAY) };
    record.refunds.iter_mut().for_each(|refund| refund.order = id(1));
    assert_eq!(rules(&record), []);
}

#[test]
fn disputes_count_and_those_over_little_money_count_sooner() {
    let small = FlagPolicy::default().low_value.other;
    assert_eq!(rules(&disputed(3, small, DAY)), []);
    assert_eq!(rules(&disputed(3, small - 1, DAY)), [RiskRule::LowValueDisputes]);
    assert_eq!(rules(&disputed(4, small, DAY)), [RiskRule::DisputeCount]);
    let both = [RiskRule::DisputeCount, RiskRule::LowValueDisputes];
    assert_eq!(rules(&disputed(4, small - 1, DAY)), both);
}

#[test]
fn a_rule_with_a_live_flag_raises_no_second_one() {
    let mut record = refunded(8, DAY);
    record.flags = vec![flag(RiskRule::RefundCount, 1..=8, false)];
    assert_eq!(rules(&record), []);
    record.flags[0].expires_at = now();
    assert_eq!(rules(&record), [RiskRule::RefundCount], "it expired");
}

#[test]
fn what_a_lifted_flag_rested_on_is_not_held_against_the_customer_again() {
    let mut record = refunded(15, DAY);
    record.flags = vec![flag(RiskRule::RefundCount, 1..=8, true)];
    assert_eq!(rules(&record), [], "seven are new");
    record.refunds.extend(refunded(16, DAY).refunds.last());
    assert_eq!(rules(&record), [RiskRule::RefundCount], "eight are new");
}

#[test]
fn zero_switches_a_rule_off() {
    let off = CountLimit { count: 0, within: DAY };
    let policy = FlagPolicy {
        refunds: off,
        disputes: off,
        low_value_disputes: off,
        refund_ratio: RatioLimit { percent: 0, min_orders: 1 },
        ..FlagPolicy::default()
    };
    let record = CustomerRecord {
        disputes: disputed(100, 1, DAY).disputes,
        orders_90d: Some(100),
        ..refunded(100, DAY)
    };
    assert_eq!(policy.findings(&record, now()), []);
}
