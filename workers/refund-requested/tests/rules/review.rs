//! Refunds that need a person, at the boundaries of each rule.

use std::time::Duration;

use contracts::events::RefundReason;
use domain::customer::CustomerRecord;
use domain::ledger::Account;
use domain::refund::RefundStatus;
use domain::{Outcome, OutcomeCode, Policies};
use refund_requested::RefundRules;
use testkit::shop::refund_requested;
use testkit::world::World;

use crate::scene::{ask, one, order, owed, paid, status, tell};

fn check_review(world: &World, key: &str, code: OutcomeCode) {
    let refund = one(world, key);
    assert_eq!((refund.status, refund.code), (RefundStatus::PendingReview, Some(code)), "{key}");
    assert_eq!(world.sent.last().unwrap().body.name(), "refund.review_requested");
}

#[test]
fn case_066_a_refund_after_the_window_goes_to_a_person() {
    let mut world = paid(&[10_000]);
    let end = world.state.order.as_ref().unwrap().paid_at.unwrap();
    world.now = end.plus(Policies::default().refunds.windows.other);
    assert_eq!(ask(&mut world, "in-time", 1_000), Outcome::Applied);
    assert_eq!(status(&world, "in-time"), RefundStatus::Approved);
    world.now = world.now.plus(Duration::from_micros(1));
    assert_eq!(ask(&mut world, "late", 1_000), Outcome::Applied);
    check_review(&world, "late", OutcomeCode::WindowClosed);
}

#[test]
fn case_066_the_window_counts_from_the_delivery_where_the_shop_says_when_that_was() {
    let mut world = paid(&[10_000]);
    let paid_at = world.state.order.as_ref().unwrap().paid_at.unwrap();
    let delivered_at = paid_at.plus(Duration::from_hours(24 * 9));
    let wish = |key: &str| {
        let wish = refund_requested(order(), key, 1_000).id(key);
        wish.with("delivered_at", delivered_at.to_string())
    };
    world.now = delivered_at.plus(Policies::default().refunds.windows.other);
    assert_eq!(tell(&mut world, &wish("in-time")), Outcome::Applied);
    assert_eq!(status(&world, "in-time"), RefundStatus::Approved);
    world.now = world.now.plus(Duration::from_micros(1));
    tell(&mut world, &wish("late"));
    check_review(&world, "late", OutcomeCode::WindowClosed);
    world.now = paid_at.plus(Policies::default().refunds.hard_age).plus(Duration::from_micros(1));
    let young = wish("old").with("delivered_at", world.now.to_string());
    assert_eq!(tell(&mut world, &young), Outcome::Rejected(OutcomeCode::WindowClosed));
}

#[test]
fn case_066_a_reason_may_have_a_window_of_its_own() {
    let mut policies = Policies::default();
    let year = Duration::from_hours(24 * 365);
    policies.refunds.windows.by_reason.insert(RefundReason::Defective, year);
    let rules = RefundRules::new(policies);
    let mut world = paid(&[10_000]);
    world.now = world.now.plus(Duration::from_hours(24 * 100));
    for (reason, expected) in
        [("defective", RefundStatus::Approved), ("goodwill", RefundStatus::PendingReview)]
    {
        let wish = refund_requested(order(), reason, 1_000).id(reason).with("reason_code", reason);
        world.handle(&rules, &wish);
        assert_eq!(status(&world, reason), expected, "{reason}");
    }
}

#[test]
fn case_066_a_refund_beyond_the_hard_age_is_refused() {
    let mut world = paid(&[10_000]);
    let end = world.state.order.as_ref().unwrap().paid_at.unwrap();
    world.now = end.plus(Policies::default().refunds.hard_age);
    assert_eq!(ask(&mut world, "in-time", 1_000), Outcome::Applied);
    world.now = world.now.plus(Duration::from_micros(1));
    assert_eq!(ask(&mut world, "late", 1_000), Outcome::Rejected(OutcomeCode::WindowClosed));
    assert_eq!(status(&world, "late"), RefundStatus::Rejected);
}

#[test]
fn a_refund_above_the_limit_goes_to_a_person() {
    let limit = Policies::default().refunds.auto_limit.other;
    let mut world = paid(&[3 * limit]);
    ask(&mut world, "at", limit);
    assert_eq!(status(&world, "at"), RefundStatus::Approved);
    ask(&mut world, "above", limit + 1);
    check_review(&world, "above", OutcomeCode::AboveAutoLimit);
}

#[test]
fn the_limit_counts_the_whole_wish_and_not_its_parts() {
    let limit = Policies::default().refunds.auto_limit.other;
    let mut world = paid(&[limit, limit]);
    ask(&mut world, "r", limit + 1);
    let parts = crate::scene::parts(&world, "r");
    let statuses: Vec<_> = parts.iter().map(|part| part.status).collect();
    assert_eq!(statuses, [RefundStatus::PendingReview, RefundStatus::PendingReview]);
    assert_eq!(world.sent_count("refund.review_requested"), 2);
}

#[test]
fn a_payment_with_many_refunds_goes_to_a_person() {
    let max = Policies::default().refunds.max_per_payment;
    let mut world = paid(&[10_000]);
    for number in 1..=max {
        world.state.customer = CustomerRecord::default();
        ask(&mut world, &format!("r-{number}"), 10);
        assert_eq!(status(&world, &format!("r-{number}")), RefundStatus::Approved);
    }
    world.state.customer = CustomerRecord::default();
    ask(&mut world, "next", 10);
    check_review(&world, "next", OutcomeCode::TooManyRefunds);
}

#[test]
fn a_customer_with_many_refunds_goes_to_a_person() {
    let max = Policies::default().refunds.max_per_customer;
    let mut world = paid(&[10_000]);
    world.state.customer.refunds_90d = max - 1;
    ask(&mut world, "last", 10);
    assert_eq!(status(&world, "last"), RefundStatus::Approved);
    assert_eq!(world.state.customer.refunds_90d, max, "the next event of the batch sees it");
    ask(&mut world, "next", 10);
    check_review(&world, "next", OutcomeCode::TooManyRefunds);
}

#[test]
fn the_first_reason_is_the_one_given() {
    let mut world = paid(&[1_000_000]);
    world.state.customer.refunds_90d = 100;
    ask(&mut world, "large", 500_000);
    check_review(&world, "large", OutcomeCode::AboveAutoLimit);
    world.now = world.now.plus(Duration::from_hours(24 * 300));
    ask(&mut world, "late", 500_000);
    check_review(&world, "late", OutcomeCode::WindowClosed);
}

#[test]
fn case_061_a_refund_under_review_holds_its_money_but_is_not_posted() {
    let mut world = paid(&[100_000]);
    ask(&mut world, "large", 60_000);
    assert_eq!(owed(&world, Account::RefundsPayable), 0);
    assert_eq!(owed(&world, Account::CustomerFunds), 100_000);
    let no = Outcome::Rejected(OutcomeCode::ExceedsRefundable);
    assert_eq!(ask(&mut world, "more", 40_001), no);
    assert_eq!(ask(&mut world, "rest", 40_000), Outcome::Applied);
    world.check_books();
}

#[test]
fn no_person_can_lift_the_hard_guards() {
    let mut world = paid(&[10_000]);
    world.state.customer.refunds_90d = 100;
    let no = Outcome::Rejected(OutcomeCode::ExceedsRefundable);
    assert_eq!(ask(&mut world, "r", 10_001), no);
    assert_eq!(world.sent.last().unwrap().order_id, order());
}
