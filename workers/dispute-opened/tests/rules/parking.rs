//! Disputes that come before what they are about.

use std::time::Duration;

use domain::payment::{AttemptStatus, Classification};
use domain::{Moment, Outcome, OutcomeCode, ParkKey, Timestamp};
use serde_json::Value;
use testkit::shop::{ShopEvent, at, attempt_id, dispute_deadline, dispute_id};
use testkit::world::World;

use crate::scene::{
    armed, cases, chargeback, due, full_update, one, order, paid, position, rules, tell, update,
};

fn payment_key() -> ParkKey {
    ParkKey::Payment {
        provider: "acme".parse().unwrap(),
        payment_ref: format!("pay-{}", attempt_id(1)).parse().unwrap(),
    }
}

fn dispute_key(number: u32) -> ParkKey {
    ParkKey::Dispute {
        provider: "acme".parse().unwrap(),
        dispute_ref: format!("dp-{}", dispute_id(number)).parse().unwrap(),
    }
}

fn parked(world: &World, key: ParkKey) -> Outcome {
    Outcome::Parked { key, until: world.now.plus(Duration::from_mins(30)) }
}

/// The event waits for this.
fn check_waits(world: &mut World, event: &ShopEvent, key: ParkKey) {
    let expected = parked(world, key);
    assert_eq!(tell(world, event), expected);
    assert!(world.sent.is_empty());
}

/// When a dispute of 14:00 is given up whose payment never came.
fn last_wait() -> Timestamp {
    at("14:00:00").plus(Duration::from_hours(24 * 180))
}

/// The event's first wait is over: a person is told, and it waits on.
fn check_waits_on(world: &mut World, event: &ShopEvent) {
    match tell_at_the_end(world, event) {
        Outcome::Parked { until, .. } => assert!(until > world.now.plus(Duration::from_hours(1))),
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(cases(world), [OutcomeCode::Orphaned]);
}

/// The event comes back from its parking, which ends now.
fn tell_at_the_end(world: &mut World, event: &ShopEvent) -> Outcome {
    let moment = Moment { now: world.now, parked_until: Some(world.now) };
    world.handle_at(&rules(), event, moment).outcome
}

#[test]
fn case_024_a_dispute_waits_for_its_order_or_payment_whichever_it_names() {
    let mut world = World::default();
    check_waits(&mut world, &chargeback(1, 10_000), ParkKey::Order(order()));
    let nameless = chargeback(1, 10_000).with("order_id", Value::Null);
    check_waits(&mut world, &nameless, payment_key());
    let only_itself = update(1, "chargeback", "won", "12:00:00").with("order_id", Value::Null);
    check_waits(&mut world, &only_itself, dispute_key(1));
}

#[test]
fn case_024_a_dispute_waits_for_its_payment_and_the_money() {
    let mut world = World::pending_order(10_000);
    let opened = chargeback(1, 10_000);
    check_waits(&mut world, &opened, payment_key());
    world.attempt(1, 10_000, AttemptStatus::Authorized);
    check_waits(&mut world, &opened, ParkKey::Capture(order()));
    world.capture(1, 10_000, Classification::Normal);
    assert_eq!(tell(&mut world, &opened), Outcome::Applied);
}

#[test]
fn case_024_the_evidence_clock_runs_from_the_event_and_not_from_its_arrival() {
    let mut world = paid(&[10_000]);
    world.now = "2026-03-06T09:00:00Z".parse().unwrap();
    tell(&mut world, &chargeback(1, 10_000));
    assert_eq!(one(&world, 1).opened_at, at("14:00:00"));
    assert_eq!(one(&world, 1).evidence_due_at, Some(due()));
    let two_days_before = "2026-03-06T14:00:00Z".parse().unwrap();
    assert_eq!(armed(&world, 1), Some((two_days_before, 1)));
}

#[test]
fn case_083_a_dispute_of_a_payment_that_never_comes_is_laid_before_a_person() {
    let mut world = paid(&[10_000]);
    let foreign = chargeback(1, 10_000).with("payment_ref", "pay-unknown");
    check_waits_on(&mut world, &foreign);
    assert!(world.state.disputes.is_empty());
}

#[test]
fn case_083_a_dispute_is_joined_with_a_payment_that_comes_months_later() {
    let mut world = World::pending_order(10_000);
    world.clock("14:30:00");
    check_waits_on(&mut world, &chargeback(1, 10_000));
    world.capture(1, 10_000, Classification::Normal);
    let moment = Moment { now: world.now, parked_until: Some(last_wait()) };
    let outcome = world.handle_at(&rules(), &chargeback(1, 10_000), moment).outcome;
    assert_eq!(outcome, Outcome::Applied);
    assert_eq!(position(&world, 1), "chargeback:needs_response");
}

#[test]
fn case_083_a_dispute_whose_payment_is_authorized_at_last_waits_no_longer_than_others_for_money() {
    let mut world = World::pending_order(10_000);
    world.clock("14:30:00");
    world.attempt(1, 10_000, AttemptStatus::Authorized);
    let moment = Moment { now: world.now, parked_until: Some(last_wait()) };
    let outcome = world.handle_at(&rules(), &chargeback(1, 10_000), moment).outcome;
    assert_eq!(outcome, parked(&world, ParkKey::Capture(order())));
}

#[test]
fn case_083_a_dispute_is_given_up_when_no_payment_came_in_half_a_year() {
    let mut world = World::default();
    world.now = last_wait();
    let outcome = tell_at_the_end(&mut world, &chargeback(1, 10_000));
    assert_eq!(outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    assert_eq!(cases(&world), [OutcomeCode::Orphaned]);
}

#[test]
fn case_083_a_dispute_without_any_order_is_laid_before_a_person() {
    for event in [chargeback(1, 10_000), update(1, "chargeback", "won", "12:00:00")] {
        let mut world = World::default();
        world.clock("14:30:00");
        check_waits_on(&mut world, &event.with("order_id", Value::Null));
    }
}

#[test]
fn a_dispute_of_a_payment_without_its_money_is_recorded_when_the_wait_is_over() {
    let mut world = World::pending_order(10_000);
    world.attempt(1, 10_000, AttemptStatus::Processing);
    assert_eq!(tell_at_the_end(&mut world, &chargeback(1, 10_000)), Outcome::Applied);
    world.check_books();
}

#[test]
fn an_update_that_does_not_say_what_is_disputed_waits_for_the_opening() {
    let mut world = paid(&[10_000]);
    check_waits(&mut world, &update(1, "chargeback", "won", "14:00:00"), dispute_key(1));
    check_waits_on(&mut world, &update(1, "chargeback", "won", "14:00:00"));
}

#[test]
fn an_update_that_wants_evidence_but_names_no_deadline_waits_for_the_opening() {
    let mut world = paid(&[10_000]);
    let update = full_update(1, "chargeback", "needs_response", "14:00:00")
        .with("evidence_due_at", Value::Null);
    check_waits(&mut world, &update, dispute_key(1));
    assert_eq!(tell_at_the_end(&mut world, &update), Outcome::Applied);
    assert_eq!(position(&world, 1), "chargeback:accepted");
}

#[test]
fn case_013_a_deadline_without_an_order_waits_and_is_then_forgotten() {
    let mut world = World::default();
    let deadline = dispute_deadline(order(), dispute_id(1), 1, at("12:00:00"));
    check_waits(&mut world, &deadline, ParkKey::Order(order()));
    let outcome = tell_at_the_end(&mut world, &deadline);
    assert_eq!(outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    assert!(world.sent.is_empty());
}
