//! Wishes and reports that come before what they rest on.

use domain::order::{Order, OrderStatus};
use domain::payment::{AttemptStatus, Classification};
use domain::refund::RefundStatus;
use domain::{Moment, Outcome, OutcomeCode, ParkKey};
use testkit::shop::{ShopEvent, at, refund_requested, refund_updated};
use testkit::world::World;

use crate::scene::{
    ask, cases, check_refused, eur, everything, of_attempt, order, parts, rules, status, tell,
};

fn parked(key: ParkKey, until: &str) -> Outcome {
    Outcome::Parked { key, until: at(until) }
}

/// The event comes back from its parking, which ends now.
fn tell_at_the_end(world: &mut World, event: &ShopEvent) -> Outcome {
    let moment = Moment { now: world.now, parked_until: Some(world.now) };
    world.handle_at(&rules(), event, moment).outcome
}

#[test]
fn case_023_a_wish_that_comes_before_its_order_waits_for_it() {
    let mut world = World::default();
    assert_eq!(ask(&mut world, "r", 1_000), parked(ParkKey::Order(order()), "12:30:00"));
    assert!(world.sent.is_empty());
}

#[test]
fn case_023_a_wish_that_comes_before_its_payment_is_granted_after_it() {
    let mut world = World::pending_order(10_000);
    let wish = refund_requested(order(), "r", 1_000);
    assert_eq!(tell(&mut world, &wish), parked(ParkKey::Capture(order()), "12:30:00"));
    world.clock("12:10:00").capture(1, 10_000, Classification::Normal);
    assert_eq!(tell(&mut world, &wish), Outcome::Applied);
    assert_eq!(status(&world, "r"), RefundStatus::Approved);
}

#[test]
fn case_023_a_wish_that_comes_between_two_payments_is_granted_after_the_second() {
    let mut world = World::pending_order(10_000);
    world.capture(1, 4_000, Classification::Normal);
    for wish in [refund_requested(order(), "r", 9_000), everything("all")] {
        assert_eq!(tell(&mut world, &wish), parked(ParkKey::Capture(order()), "12:30:00"));
    }
    world.capture(2, 6_000, Classification::Normal);
    assert_eq!(ask(&mut world, "r", 9_000), Outcome::Applied);
    assert_eq!(parts(&world, "r").len(), 2);
}

#[test]
fn case_023_a_part_that_is_there_already_is_refunded_without_waiting_for_the_rest() {
    let mut world = World::pending_order(10_000);
    world.capture(1, 4_000, Classification::Normal);
    assert_eq!(ask(&mut world, "r", 4_000), Outcome::Applied);
}

#[test]
fn a_wish_that_waits_again_keeps_its_first_deadline() {
    let mut world = World::pending_order(10_000);
    let moment = Moment { now: at("12:20:00"), parked_until: Some(at("12:29:00")) };
    let decision = world.handle_at(&rules(), &refund_requested(order(), "r", 1_000), moment);
    assert_eq!(decision.outcome, parked(ParkKey::Capture(order()), "12:29:00"));
}

#[test]
fn case_025_a_wish_whose_order_never_comes_is_answered() {
    let mut world = World::default();
    let outcome = tell_at_the_end(&mut world, &refund_requested(order(), "r", 1_000));
    assert_eq!(outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    assert_eq!(world.sent_names(), ["refund.rejected"]);
}

#[test]
fn case_025_a_report_whose_order_never_comes_is_laid_before_a_person() {
    let mut world = World::default();
    let report = refund_updated(order(), uuid::Uuid::from_u128(7).into(), "succeeded");
    assert_eq!(tell(&mut world, &report), parked(ParkKey::Order(order()), "12:30:00"));
    let outcome = tell_at_the_end(&mut world, &report);
    assert_eq!(outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    assert_eq!(cases(&world), [OutcomeCode::Orphaned]);
}

#[test]
fn case_059_an_order_that_was_never_paid_has_nothing_to_refund() {
    let mut world = World::pending_order(10_000);
    let outcome = tell_at_the_end(&mut world, &refund_requested(order(), "r", 1_000));
    check_refused(&outcome, &world, "r", OutcomeCode::NothingCaptured);
}

#[test]
fn case_059_a_closed_order_is_not_waited_for() {
    let mut world = World::pending_order(10_000);
    let order_row = world.state.order.clone().unwrap();
    let closed_at = Some(world.now);
    world.write(|draft| {
        draft.put_order(Order { status: OrderStatus::Expired, closed_at, ..order_row }, None);
    });
    let outcome = tell(&mut world, &everything("r"));
    check_refused(&outcome, &world, "r", OutcomeCode::NothingCaptured);
}

#[test]
fn case_059_a_refund_of_an_authorisation_becomes_its_void() {
    for wish in [refund_requested(order(), "r", 10_000), everything("r")] {
        let mut world = World::pending_order(10_000);
        world.attempt(1, 10_000, AttemptStatus::Authorized);
        assert_eq!(tell(&mut world, &wish), Outcome::Applied);
        assert_eq!(parts(&world, "r")[0].code, Some(OutcomeCode::ConvertedToVoid));
        assert_eq!(status(&world, "r"), RefundStatus::Rejected);
        assert_eq!(world.sent_names(), ["payment.void_requested", "refund.rejected"]);
        assert_eq!(tell(&mut world, &wish), Outcome::Noop(OutcomeCode::DuplicateFact));
    }
}

#[test]
fn case_059_a_part_of_an_authorisation_cannot_be_voided_and_waits_for_the_capture() {
    let mut world = World::pending_order(10_000);
    world.attempt(1, 10_000, AttemptStatus::Authorized);
    let wish = refund_requested(order(), "r", 4_000);
    assert_eq!(tell(&mut world, &wish), parked(ParkKey::Capture(order()), "12:30:00"));
    let outcome = tell_at_the_end(&mut world, &wish);
    check_refused(&outcome, &world, "r", OutcomeCode::NothingCaptured);
    assert_eq!(world.sent_count("payment.void_requested"), 0);
}

#[test]
fn case_059_only_the_named_attempt_is_voided() {
    let mut world = World::pending_order(10_000);
    world.attempt(1, 10_000, AttemptStatus::Authorized);
    world.attempt(2, 10_000, AttemptStatus::Authorized);
    assert_eq!(tell(&mut world, &of_attempt("r", 10_000, 2)), Outcome::Applied);
    assert_eq!(world.sent_count("payment.void_requested"), 1);
    assert_eq!(parts(&world, "r")[0].amount, eur(10_000));
}
