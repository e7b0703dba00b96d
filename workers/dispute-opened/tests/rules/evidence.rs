//! Evidence that somebody hands in (case 81).

use std::time::Duration;

use dispute_opened::DisputeRules;
use domain::message::Body;
use domain::{Moment, Outcome, OutcomeCode, ParkKey, Timestamp};
use serde_json::Value;
use testkit::shop::{ShopEvent, dispute_id, evidence_submitted};
use testkit::world::World;

use crate::scene::{
    armed, chargeback, due, fall_due, hear, inquiry, one, order, paid, refund, rules, tell, update,
};

fn evidence(number: u32) -> ShopEvent {
    evidence_submitted(order(), dispute_id(number))
}

/// An order over 100.00, all of it charged back at 14:00.
fn charged_back() -> World {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 10_000));
    world.sent.clear();
    world
}

/// The evidence is refused, and nothing is written or sent.
fn check_refused(world: &mut World, event: &ShopEvent, code: OutcomeCode) {
    let before = world.clone();
    assert_eq!(tell(world, event), Outcome::Rejected(code));
    assert_eq!((&world.state, &world.sent), (&before.state, &before.sent));
}

/// What was ordered to be handed in: why, and by which names.
fn handed_in(world: &World) -> Vec<(OutcomeCode, Vec<String>)> {
    let commands = world.sent.iter().filter_map(|message| match &message.body {
        Body::DisputeEvidenceSubmit { code, evidence_refs, .. } => {
            Some((*code, evidence_refs.iter().map(ToString::to_string).collect()))
        }
        _ => None,
    });
    commands.collect()
}

fn just_before(at: Timestamp) -> Timestamp {
    at.minus(Duration::from_micros(1))
}

#[test]
fn case_081_evidence_is_handed_in_once_and_only_the_deadline_is_awaited_then() {
    let mut world = charged_back();
    world.clock("16:00:00");
    assert_eq!(tell(&mut world, &evidence(1)), Outcome::Applied);
    let by_the_seller = (OutcomeCode::EvidenceSubmitted, vec!["doc-1".to_owned()]);
    assert_eq!(handed_in(&world), [by_the_seller]);
    assert_eq!(one(&world, 1).evidence_submitted_at, Some(world.now));
    assert_eq!(armed(&world, 1), Some((due(), 2)));
    check_refused(&mut world, &evidence(1).id("again"), OutcomeCode::AlreadySubmitted);
    assert_eq!(fall_due(&mut world, 1, 2, due()), Outcome::Applied);
    assert_eq!(world.sent_names(), ["dispute.evidence_submit", "dispute.escalated"]);
    world.check_books();
}

#[test]
fn case_081_evidence_counts_until_its_deadline_by_our_clock() {
    let mut world = charged_back();
    world.now = just_before(due());
    assert_eq!(tell(&mut world, &evidence(1)), Outcome::Applied);
    let mut world = charged_back();
    world.now = due();
    check_refused(&mut world, &evidence(1), OutcomeCode::PastDue);
}

#[test]
fn case_081_what_was_handed_in_by_itself_is_not_followed_by_another() {
    let mut world = charged_back();
    fall_due(&mut world, 1, 1, due().minus(Duration::from_hours(6)));
    assert_eq!(handed_in(&world), [(OutcomeCode::DeadlineNear, vec![])]);
    check_refused(&mut world, &evidence(1), OutcomeCode::AlreadySubmitted);
}

#[test]
fn case_081_proof_of_a_refund_is_the_evidence_of_its_stage() {
    let mut world = paid(&[10_000]);
    refund(&mut world, "wish-1", 10_000);
    tell(&mut world, &chargeback(1, 10_000));
    assert_eq!(handed_in(&world), [(OutcomeCode::AlreadyRefunded, vec![])]);
    assert_eq!(world.sent_count("dispute.evidence_requested"), 0);
    check_refused(&mut world, &evidence(1), OutcomeCode::AlreadySubmitted);
}

#[test]
fn case_081_a_new_stage_takes_evidence_again() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &inquiry(1, 10_000));
    tell(&mut world, &evidence(1).with("stage", "inquiry"));
    hear(&mut world, 1, "chargeback", "needs_response", "15:00:00");
    assert_eq!(one(&world, 1).evidence_submitted_at, None);
    check_refused(&mut world, &evidence(1).with("stage", "inquiry"), OutcomeCode::Stale);
    let ahead = evidence(1).with("stage", "arbitration");
    check_refused(&mut world, &ahead, OutcomeCode::AwaitingParent);
    assert_eq!(tell(&mut world, &evidence(1).with("stage", "chargeback")), Outcome::Applied);
    assert_eq!(handed_in(&world).len(), 2);
}

#[test]
fn case_081_a_deadline_that_moves_does_not_ask_for_what_was_handed_in() {
    let mut world = charged_back();
    tell(&mut world, &evidence(1));
    world.sent.clear();
    let later = due().plus(Duration::from_hours(48));
    let moved = update(1, "chargeback", "needs_response", "15:00:00")
        .with("evidence_due_at", later.to_string());
    world.clock("15:00:00");
    assert_eq!(tell(&mut world, &moved), Outcome::Applied);
    assert_eq!(armed(&world, 1), Some((later, 3)));
    assert_eq!(world.sent_names(), Vec::<&str>::new());
    check_refused(&mut world, &evidence(1).id("again"), OutcomeCode::AlreadySubmitted);
}

#[test]
fn case_081_evidence_is_refused_once_it_is_looked_at_or_decided() {
    let mut world = charged_back();
    hear(&mut world, 1, "chargeback", "under_review", "15:00:00");
    check_refused(&mut world, &evidence(1), OutcomeCode::AlreadySubmitted);
    hear(&mut world, 1, "chargeback", "lost", "15:30:00");
    check_refused(&mut world, &evidence(1), OutcomeCode::AlreadyDecided);
}

#[test]
fn case_081_evidence_waits_for_its_dispute_and_a_person_hears_of_it_when_none_comes() {
    let mut world = paid(&[10_000]);
    let key = ParkKey::Dispute {
        provider: "acme".parse().unwrap(),
        dispute_ref: format!("dp-{}", dispute_id(1)).parse().unwrap(),
    };
    let until = world.now.plus(Duration::from_mins(30));
    assert_eq!(tell(&mut world, &evidence(1)), Outcome::Parked { key: key.clone(), until });
    let opened = world.handle(&rules(), &chargeback(1, 10_000));
    assert!(opened.changes.arrived.contains(&key));
    assert_eq!(tell(&mut world, &evidence(1)), Outcome::Applied);

    let waited_out = |world: &mut World, event: &ShopEvent| {
        let moment = Moment { now: world.now, parked_until: Some(world.now) };
        world.handle_at(&rules(), event, moment).outcome
    };
    let orphaned = Outcome::Orphaned(OutcomeCode::Orphaned);
    let mut alone = paid(&[10_000]);
    assert_eq!(waited_out(&mut alone, &evidence(2)), orphaned);
    assert_eq!(alone.sent_names(), ["ops.case_opened"]);
    let mut nowhere = World::default();
    let nameless = evidence(1).with("order_id", Value::Null);
    assert!(matches!(tell(&mut nowhere, &nameless), Outcome::Parked { .. }));
    assert_eq!(waited_out(&mut nowhere, &nameless), orphaned);
}

#[test]
fn evidence_of_one_dispute_under_the_name_of_another_is_for_a_person() {
    let mut world = charged_back();
    let event = evidence(1).with("dispute_id", dispute_id(2).to_string());
    let decision = world.handle(&DisputeRules::new(domain::Policies::default()), &event);
    assert_eq!(decision.outcome, Outcome::Quarantined(OutcomeCode::FactConflict));
    assert_eq!(one(&world, 1).evidence_submitted_at, None);
}
