//! Orders of customers of whom too many expired unpaid (policy 7).

use domain::customer::{CustomerMark, Restriction, RestrictionLevel};
use domain::judgement::PolicyKind;

use super::*;

/// A customer restricted until 13:00 with so many unpaid orders; it is 12:00.
fn restricted(level: RestrictionLevel, open: i64) -> World {
    let mut world = World::default();
    let restriction = Restriction {
        level,
        until: at("13:00:00"),
        by: order_id(7),
        version: "v-1".parse().unwrap(),
    };
    world.state.customer.mark = Some(CustomerMark {
        open,
        restriction: Some(restriction),
        ..CustomerMark::new("c-1".parse().unwrap())
    });
    world
}

#[test]
fn a_limited_customer_has_less_time_and_it_is_judged() {
    let mut world = restricted(RestrictionLevel::Limited, 0);
    let rules = OrderRules::new(Policies::default());
    let decision = world.handle(&rules, &order_created(order()));
    assert_eq!(row(&world).expires_at, at("12:15:00"));
    check_armed(&world, TimerKind::PaymentTimeout, Some("12:15:00"));
    let judged = &decision.changes.judgements[0];
    assert_eq!(
        (judged.policy, judged.verdict),
        (PolicyKind::CustomerLimit, OutcomeCode::CustomerRestricted)
    );
    assert!(judged.inputs.contains(&("level", "limited".to_owned())), "{:?}", judged.inputs);
    assert_eq!(world.state.customer.mark.unwrap().open, 1, "the next order of the batch sees it");
}

#[test]
fn a_window_that_is_shorter_anyway_stays() {
    let mut world = restricted(RestrictionLevel::Limited, 0);
    tell(&mut world, &order_created(order()).with("payment_window_s", 300));
    assert_eq!(row(&world).expires_at, at("12:05:00"));
}

#[test]
fn one_order_too_many_is_opened_and_cancelled_and_its_stock_released_once() {
    let mut world = restricted(RestrictionLevel::Limited, 1);
    assert_eq!(tell(&mut world, &order_created(order())), Outcome::Applied);
    assert_eq!(row(&world).status, OrderStatus::Cancelled);
    assert_eq!(row(&world).close_reason, Some(CloseReason::CustomerRestricted));
    check_armed(&world, TimerKind::PaymentTimeout, None);
    check_armed(&world, TimerKind::PaymentReminder, None);
    assert_eq!(world.sent_names(), ["order.cancelled", "inventory.release_requested"]);
    assert_eq!(world.state.customer.mark.as_ref().unwrap().open, 1, "it is not open");
    let again = order_created(order()).id("again");
    assert_eq!(tell(&mut world, &again), Outcome::Noop(OutcomeCode::AlreadyOpen));
    assert_eq!(world.sent_count("inventory.release_requested"), 1);
}

#[test]
fn a_customer_who_has_to_pay_at_once_has_just_the_time_for_it() {
    let mut world = restricted(RestrictionLevel::PrepaidOnly, 5);
    tell(&mut world, &order_created(order()));
    assert_eq!(row(&world).status, OrderStatus::PendingPayment);
    check_armed(&world, TimerKind::PaymentTimeout, Some("12:01:00"));
    check_armed(&world, TimerKind::PaymentReminder, None);
}

#[test]
fn an_order_without_anything_to_pay_is_paid_whoever_places_it() {
    let mut world = restricted(RestrictionLevel::Limited, 5);
    tell(&mut world, &revision(1, 0));
    assert_eq!(row(&world).status, OrderStatus::Paid);
}

#[test]
fn a_restriction_that_is_over_closes_nothing() {
    let mut world = restricted(RestrictionLevel::Limited, 5);
    world.clock("13:00:00");
    let event = order_created(order()).with("placed_at", at("13:00:00").to_string());
    let decision = world.handle(&OrderRules::new(Policies::default()), &event);
    assert_eq!(row(&world).expires_at, at("13:30:00"));
    assert_eq!(decision.changes.judgements, []);
}

#[test]
fn a_revision_gives_a_limited_customer_no_more_time() {
    let mut world = restricted(RestrictionLevel::Limited, 0);
    tell(&mut world, &order_created(order()));
    assert_eq!(tell(&mut world, &revision(2, 5_000)), Outcome::Applied);
    assert_eq!(row(&world).expires_at, at("12:15:00"));
}
