//! Every choice that may differ is read for whom it stands, setting by setting.

use std::collections::BTreeSet;

use super::super::*;
use super::{book, merchant};
use crate::policy::TEMPLATE;

/// Settings, and four values of each: everyone's, the method's, the merchant's, and both's.
const SETTINGS: &[(&str, [&str; 4])] = &[
    ("window.card", ["'31m'", "'32m'", "'33m'", "'34m'"]),
    ("window.wallet", ["'31m'", "'32m'", "'33m'", "'34m'"]),
    ("window.bank_transfer", ["'8d'", "'9d'", "'10d'", "'11d'"]),
    ("window.other", ["'2h'", "'3h'", "'4h'", "'5h'"]),
    ("reminders.at", ["['10%']", "['20%']", "['30%']", "['40%']"]),
    ("reminders.min_gap", ["'6m'", "'7m'", "'8m'", "'9m'"]),
    ("reminders.most", ["3", "4", "5", "6"]),
    ("reminders.quiet_hours", ["'21:00-07:00'", "'21:00-08:00'", "'22:00-07:00'", "'22:00-08:00'"]),
    ("reminders.time_zone", ["'Europe/Berlin'", "'Asia/Tokyo'", "'Asia/Seoul'", "'Asia/Dubai'"]),
    (
        "reminders.pay_link",
        [
            "'https://a/{order}'",
            "'https://b/{order}'",
            "'https://c/{order}'",
            "'https://d/{order}'",
        ],
    ),
    ("reminders.other_methods", ["['card']", "['wallet']", "['bank_transfer']", "['other']"]),
    ("hold.longest", ["'1h'", "'2h'", "'3h'", "'4h'"]),
    ("hold.look_every", ["'1m'", "'2m'", "'3m'", "'4m'"]),
    ("late_money.reinstate_grace", ["'1m'", "'2m'", "'3m'", "'4m'"]),
    ("late_money.reserve_answer_within", ["'1m'", "'2m'", "'3m'", "'4m'"]),
    ("late_money.auto_refund_delay", ["'1m'", "'2m'", "'3m'", "'4m'"]),
    ("late_money.tolerance", ["1", "2", "3", "4"]),
    ("refunds.window", ["'1d'", "'2d'", "'3d'", "'4d'"]),
    ("refunds.window_of.defective", ["'1d'", "'2d'", "'3d'", "'4d'"]),
    ("refunds.hard_age", ["'301d'", "'302d'", "'303d'", "'304d'"]),
    ("refunds.auto_limit", ["1", "2", "3", "4"]),
    ("refunds.four_eyes_above", ["1", "2", "3", "4"]),
    ("refunds.review_sla", ["'2d'", "'3d'", "'4d'", "'5d'"]),
    ("refunds.answer_within", ["'2d'", "'3d'", "'4d'", "'5d'"]),
    ("refunds.settle_within", ["'2d'", "'3d'", "'4d'", "'5d'"]),
    ("refunds.max_per_payment", ["1", "2", "3", "4"]),
    ("refunds.max_per_customer", ["1", "2", "3", "4"]),
    ("customers.flags.refunds", ["11", "12", "13", "14"]),
    ("customers.flags.refunds_within", ["'1d'", "'2d'", "'3d'", "'4d'"]),
    ("customers.flags.refund_ratio", ["11", "12", "13", "14"]),
    ("customers.flags.min_orders", ["11", "12", "13", "14"]),
    ("customers.flags.disputes", ["11", "12", "13", "14"]),
    ("customers.flags.disputes_within", ["'1d'", "'2d'", "'3d'", "'4d'"]),
    ("customers.flags.low_value_disputes", ["11", "12", "13", "14"]),
    ("customers.flags.low_value_disputes_within", ["'1d'", "'2d'", "'3d'", "'4d'"]),
    ("customers.flags.low_value", ["1", "2", "3", "4"]),
    ("customers.flags.expire_after", ["'1d'", "'2d'", "'3d'", "'4d'"]),
    ("customers.unpaid.within", ["'2d'", "'3d'", "'4d'", "'5d'"]),
    ("customers.unpaid.limit_from", ["6", "7", "8", "9"]),
    ("customers.unpaid.prepaid_from", ["11", "12", "13", "14"]),
    ("customers.unpaid.decay", ["2", "3", "4", "5"]),
    ("customers.unpaid.max_open", ["2", "3", "4", "5"]),
    ("customers.unpaid.limited_window", ["'16m'", "'17m'", "'18m'", "'19m'"]),
    ("customers.unpaid.prepaid_window", ["'2m'", "'3m'", "'4m'", "'5m'"]),
    ("customers.unpaid.restrict_for", ["'1d'", "'2d'", "'3d'", "'4d'"]),
    ("disputes.remind_before_due", ["['1d']", "['2d']", "['3d']", "['4d']"]),
    ("disputes.submit_before_due", ["'1h'", "'2h'", "'3h'", "'4h'"]),
    ("disputes.mediation_sla", ["'1h'", "'2h'", "'3h'", "'4h'"]),
    ("disputes.inquiry_due_after", ["'1d'", "'2d'", "'3d'", "'4d'"]),
    ("disputes.accept_below", ["1", "2", "3", "4"]),
    ("disputes.win_rate.other", ["1", "2", "3", "4"]),
    ("disputes.win_rate.fraudulent", ["1", "2", "3", "4"]),
    ("notifications.channels", ["['a']", "['b']", "['c']", "['d']"]),
    ("notifications.merchant_locale", ["'de'", "'es'", "'fr'", "'zh-Hans'"]),
    ("thresholds.warn_at", ["['10%']", "['20%']", "['30%']", "['40%']"]),
    ("thresholds.unpaid", ["'11%'", "'12%'", "'13%'", "'14%'"]),
    ("thresholds.late_payments", ["11", "12", "13", "14"]),
    ("thresholds.refunds", ["'11%'", "'12%'", "'13%'", "'14%'"]),
    ("thresholds.dispute_cases", ["11", "12", "13", "14"]),
    ("thresholds.dispute_ratio", ["'2%'", "'3%'", "'4%'", "'5%'"]),
    ("thresholds.unanswered", ["'11%'", "'12%'", "'13%'", "'14%'"]),
    ("thresholds.double_losses", ["11", "12", "13", "14"]),
];

/// Choices that have fewer than four values: two scopes each, the weaker first.
const PAIRS: &[(&str, [&str; 2])] = &[
    ("late_money.choice", ["'manual'", "'reinstate'"]),
    ("cancellation.paid_orders", ["'staff'", "'anybody'"]),
    ("cancellation.on_full_refund", ["true", "false"]),
    ("customers.unpaid.warn_from", ["4", "5"]),
    ("notifications.send", ["['order-paid']", "['order-expired']"]),
];

/// The tables that hold for everyone alike.
const FOR_EVERYONE: &[&str] = &["name", "events", "monitoring", "unapplied_money"];

const SCOPES: [&str; 4] = ["", "method.card.", "merchant.shop-1.", "merchant.shop-1.method.card."];

fn line(scope: &str, setting: &str, value: &str) -> String {
    format!("{scope}{setting} = {value}\n")
}

/// What holds where a value is everyone's.
fn alone(setting: &str, value: &str) -> Policies {
    book(&line("", setting, value)).everyone().clone()
}

#[test]
fn both_beat_the_merchant_that_beats_the_method_that_beats_everyone() {
    let card = Some(PaymentMethod::Card);
    for (setting, values) in SETTINGS {
        let [everyone, method, merchants, both] = values.map(|value| alone(setting, value));
        let lines: Vec<String> =
            SCOPES.iter().zip(values).map(|(scope, value)| line(scope, setting, value)).collect();
        let of = |text: &str, name, by| book(text).of(&merchant(name), by).clone();
        let all = lines.concat();
        assert_eq!(of(&all, "shop-2", None), everyone, "{setting}");
        assert_eq!(of(&all, "shop-2", card), method, "{setting}");
        assert_eq!(of(&all, "shop-1", Some(PaymentMethod::Wallet)), merchants, "{setting}");
        assert_eq!(of(&all, "shop-1", card), both, "{setting}");
        assert_eq!(of(&lines[..3].concat(), "shop-1", card), merchants, "{setting}");
        assert_ne!(everyone, Policies::default(), "{setting} is read");
    }
}

#[test]
fn choices_of_two_values_differ_by_scope_as_well() {
    for (setting, [weak, strong]) in PAIRS {
        for (place, stronger) in SCOPES.iter().enumerate().skip(1) {
            let text = line(SCOPES[place - 1], setting, weak) + &line(stronger, setting, strong);
            let found = book(&text).of(&merchant("shop-1"), Some(PaymentMethod::Card)).clone();
            assert_eq!(found, alone(setting, strong), "{stronger}{setting}");
        }
    }
}

#[test]
fn every_setting_of_the_documented_file_is_tried() {
    let table: Table = TEMPLATE.parse().unwrap();
    let mut documented = BTreeSet::new();
    collect("", &table, &mut documented);
    let tried = SETTINGS.iter().map(|it| it.0).chain(PAIRS.iter().map(|it| it.0));
    let tried: BTreeSet<String> = tried.map(str::to_owned).collect();
    let missing: Vec<_> = documented.difference(&tried).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn collect(path: &str, table: &Table, found: &mut BTreeSet<String>) {
    for (key, value) in table.iter().filter(|(key, _)| !FOR_EVERYONE.contains(&key.as_str())) {
        match value.as_table() {
            Some(inner) => collect(&format!("{path}{key}."), inner, found),
            None => {
                found.insert(format!("{path}{key}"));
            }
        }
    }
}
