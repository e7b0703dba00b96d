//! Disputes that move on, or back.

use domain::{Outcome, OutcomeCode};
use serde_json::Value;
use testkit::shop::at;
use testkit::world::World;

use crate::scene::{
    armed, books, chargeback, due, eur, fall_due, hear, inquiry, money, one, paid, position, tell,
    update,
};

/// An order over 100.00, all of it charged back at 14:00.
fn charged_back() -> World {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 10_000));
    world.sent.clear();
    world
}

#[test]
fn evidence_under_review_ends_the_deadline() {
    let mut world = charged_back();
    let outcome = hear(&mut world, 1, "chargeback", "under_review", "15:00:00");
    assert_eq!(outcome, Outcome::Applied);
    assert_eq!(armed(&world, 1), None);
    assert!(world.sent.is_empty());
    assert_eq!(books(&world), [0, 10_000, 0, 10_000]);
}

#[test]
fn case_075_an_inquiry_that_becomes_a_chargeback_takes_the_money_and_has_a_new_deadline() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &inquiry(1, 10_000));
    hear(&mut world, 1, "inquiry", "under_review", "15:00:00");
    world.sent.clear();
    let escalated = update(1, "chargeback", "needs_response", "16:00:00")
        .with("evidence_due_at", "2026-03-20T00:00:00Z")
        .with("fee", money(1_500));
    world.clock("16:00:00");
    assert_eq!(tell(&mut world, &escalated), Outcome::Applied);
    assert_eq!(world.state.disputes.len(), 1);
    assert_eq!(position(&world, 1), "chargeback:needs_response");
    assert_eq!(armed(&world, 1), Some(("2026-03-15T00:00:00Z".parse().unwrap(), 2)));
    assert_eq!(world.sent_names(), ["dispute.evidence_requested"]);
    assert_eq!(books(&world), [-1_500, 10_000, 0, 10_000]);
}

#[test]
fn case_075_a_new_stage_costs_its_own_fee_and_a_repeated_one_nothing() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 10_000).with("fee", money(1_500)));
    let reviewed = update(1, "chargeback", "under_review", "14:10:00").with("fee", money(1_500));
    let escalated =
        update(1, "pre_arbitration", "needs_response", "14:20:00").with("fee", money(2_000));
    world.clock("14:30:00");
    for event in [&reviewed, &escalated, &reviewed] {
        tell(&mut world, event);
    }
    assert_eq!(one(&world, 1).fee, eur(3_500));
    assert_eq!(books(&world), [-3_500, 10_000, 0, 10_000]);
}

#[test]
fn case_075_a_new_stage_without_a_deadline_cannot_be_answered() {
    let mut world = charged_back();
    world.clock("15:00:00");
    let escalated = update(1, "pre_arbitration", "needs_response", "15:00:00")
        .with("evidence_due_at", Value::Null);
    tell(&mut world, &escalated);
    assert_eq!(position(&world, 1), "pre_arbitration:accepted");
    assert_eq!(armed(&world, 1), None);
    assert_eq!(world.sent_names(), ["dispute.lost"]);
    assert_eq!(books(&world), [0, 0, 0, 0]);
}

#[test]
fn a_deadline_that_is_moved_is_armed_anew() {
    let mut world = charged_back();
    world.clock("15:00:00");
    let extended = update(1, "chargeback", "needs_response", "15:00:00")
        .with("evidence_due_at", "2026-03-20T00:00:00Z");
    assert_eq!(tell(&mut world, &extended), Outcome::Applied);
    assert_eq!(armed(&world, 1), Some(("2026-03-15T00:00:00Z".parse().unwrap(), 2)));
    let again = extended.with("occurred_at", at("15:01:00").to_string());
    assert_eq!(tell(&mut world, &again), Outcome::Noop(OutcomeCode::DuplicateFact));
    assert_eq!(armed(&world, 1).unwrap().1, 2);
}

#[test]
fn a_deadline_that_is_moved_after_it_was_missed_is_open_again() {
    let mut world = charged_back();
    fall_due(&mut world, 1, 1, due());
    assert!(one(&world, 1).deadline_missed);
    world.now = "2026-03-09T00:00:00Z".parse().unwrap();
    let extended = update(1, "chargeback", "needs_response", "15:00:00")
        .with("evidence_due_at", "2026-03-20T00:00:00Z");
    tell(&mut world, &extended);
    assert!(!one(&world, 1).deadline_missed);
    assert_eq!(armed(&world, 1).unwrap().1, 2);
}

#[test]
fn case_076_a_step_back_is_stale() {
    let mut world = charged_back();
    hear(&mut world, 1, "chargeback", "under_review", "15:00:00");
    hear(&mut world, 1, "pre_arbitration", "under_review", "16:00:00");
    for (stage, status) in [
        ("inquiry", "withdrawn"),
        ("chargeback", "needs_response"),
        ("chargeback", "won"),
        ("pre_arbitration", "needs_response"),
    ] {
        let outcome = hear(&mut world, 1, stage, status, "17:00:00");
        assert_eq!(outcome, Outcome::Noop(OutcomeCode::Stale), "{stage}:{status}");
    }
    assert_eq!(position(&world, 1), "pre_arbitration:under_review");
    assert_eq!(one(&world, 1).last_event_at, at("16:00:00"));
    assert_eq!(books(&world), [0, 10_000, 0, 10_000]);
}

#[test]
fn case_076_an_older_decision_is_stale() {
    let mut world = charged_back();
    hear(&mut world, 1, "chargeback", "won", "16:00:00");
    let older = hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert_eq!(older, Outcome::Noop(OutcomeCode::Stale));
    assert_eq!(position(&world, 1), "chargeback:won");
}

#[test]
fn a_decision_that_is_repeated_changes_nothing_but_shadows_older_ones() {
    let mut world = charged_back();
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    let again = hear(&mut world, 1, "chargeback", "won", "17:00:00");
    assert_eq!(again, Outcome::Noop(OutcomeCode::DuplicateFact));
    let older = hear(&mut world, 1, "chargeback", "lost", "16:00:00");
    assert_eq!(older, Outcome::Noop(OutcomeCode::Stale));
    assert_eq!(world.sent_names(), ["dispute.won"]);
}

#[test]
fn case_078_a_dispute_that_was_won_comes_back_in_the_next_stage() {
    let mut world = charged_back();
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    let outcome = hear(&mut world, 1, "pre_arbitration", "needs_response", "16:00:00");
    assert_eq!(outcome, Outcome::Applied);
    assert_eq!(one(&world, 1).closed_at, None);
    assert_eq!(armed(&world, 1).unwrap().1, 2);
    assert_eq!(books(&world), [0, 10_000, 0, 10_000]);
}

#[test]
fn case_014_a_decision_from_the_future_does_not_shadow_later_ones() {
    let mut world = charged_back();
    tell(&mut world, &update(1, "chargeback", "lost", "23:00:00"));
    assert_eq!(one(&world, 1).last_event_at, at("14:00:00"));
    assert_eq!(hear(&mut world, 1, "chargeback", "won", "15:00:00"), Outcome::Applied);
}
