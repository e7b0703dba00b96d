//! Deadlines for evidence.

use domain::message::Body;
use domain::{Outcome, OutcomeCode, Timestamp};
use testkit::shop::at;
use testkit::world::World;

use crate::scene::{armed, chargeback, due, fall_due, hear, one, paid, position, tell};

/// When evidence is handed in by itself: six hours before it is due.
fn submit_at() -> Timestamp {
    "2026-03-08T08:00:00Z".parse().unwrap()
}

/// An order over 100.00, all of it charged back at 14:00.
fn charged_back() -> World {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 10_000));
    world.sent.clear();
    world
}

#[test]
fn case_080_evidence_is_handed_in_before_the_deadline_and_the_deadline_armed() {
    let mut world = charged_back();
    assert_eq!(armed(&world, 1), Some((submit_at(), 1)));
    assert_eq!(fall_due(&mut world, 1, 1, submit_at()), Outcome::Applied);
    assert_eq!(armed(&world, 1), Some((due(), 2)));
    let [sent] = &world.sent[..] else { panic!("{:?}", world.sent_names()) };
    let code = OutcomeCode::DeadlineNear;
    assert!(matches!(sent.body, Body::DisputeEvidenceSubmit { code: said, .. } if said == code));
}

#[test]
fn case_080_a_missed_deadline_is_escalated_and_the_provider_still_decides() {
    let mut world = charged_back();
    fall_due(&mut world, 1, 1, submit_at());
    assert_eq!(fall_due(&mut world, 1, 2, due()), Outcome::Applied);
    assert!(one(&world, 1).deadline_missed);
    assert_eq!(position(&world, 1), "chargeback:needs_response");
    assert_eq!(armed(&world, 1), None);
    assert_eq!(world.sent_names(), ["dispute.evidence_submit", "dispute.escalated"]);
    assert_eq!(hear(&mut world, 1, "chargeback", "won", "20:00:00"), Outcome::Applied);
}

#[test]
fn case_080_a_timer_that_comes_after_the_deadline_does_not_hand_in_any_more() {
    let mut world = charged_back();
    fall_due(&mut world, 1, 1, due());
    assert_eq!(world.sent_names(), ["dispute.escalated"]);
}

#[test]
fn case_080_a_dispute_that_comes_shortly_before_its_deadline_is_only_escalated() {
    let mut world = paid(&[10_000]);
    world.now = submit_at();
    tell(&mut world, &chargeback(1, 10_000));
    assert_eq!(armed(&world, 1), Some((due(), 1)));
}

#[test]
fn case_024_a_dispute_that_comes_after_its_deadline_is_escalated_at_once() {
    let mut world = paid(&[10_000]);
    world.now = "2026-03-10T00:00:00Z".parse().unwrap();
    tell(&mut world, &chargeback(1, 10_000));
    assert_eq!(armed(&world, 1), Some((due(), 1)));
    let now = world.now;
    assert_eq!(fall_due(&mut world, 1, 1, now), Outcome::Applied);
    assert!(one(&world, 1).deadline_missed);
}

#[test]
fn a_deadline_that_comes_early_twice_or_stale_changes_nothing() {
    let mut world = charged_back();
    let noop = Outcome::Noop;
    let early = at("20:00:00");
    assert_eq!(fall_due(&mut world, 1, 1, early), noop(OutcomeCode::NotDue));
    fall_due(&mut world, 1, 1, submit_at());
    assert_eq!(fall_due(&mut world, 1, 1, submit_at()), noop(OutcomeCode::StaleGeneration));
    fall_due(&mut world, 1, 2, due());
    let before = world.state.clone();
    assert_eq!(fall_due(&mut world, 1, 2, due()), noop(OutcomeCode::TimerFired));
    assert_eq!(fall_due(&mut world, 9, 1, due()), noop(OutcomeCode::StaleGeneration));
    assert_eq!(world.state, before);
}

#[test]
fn a_deadline_of_a_dispute_that_moved_on_is_stale() {
    let mut world = charged_back();
    hear(&mut world, 1, "chargeback", "under_review", "15:00:00");
    let late = fall_due(&mut world, 1, 1, due());
    assert_eq!(late, Outcome::Noop(OutcomeCode::StaleGeneration));
    assert!(!one(&world, 1).deadline_missed);
}
