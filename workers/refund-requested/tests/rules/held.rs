//! Refunds that are kept back before their provider is told.

use std::time::Duration;

use domain::judgement::PolicyKind;
use domain::ledger::Account;
use domain::policy::RefundPatience;
use domain::refund::RefundStatus;
use domain::timer::{Timer, TimerKind, TimerOwner, TimerStatus};
use domain::{Decision, Outcome, OutcomeCode};
use testkit::shop::{at, refund_review_due, refund_reviewed};
use testkit::world::World;

use crate::scene::{ask, cases, hear, one, order, owed, paid, rules, send_duplicate_back, status};

/// A paid order whose second payment of 100.00 is sent back at 15:00, two hours after it came.
fn held() -> World {
    let mut world = paid(&[10_000]);
    let keep_back = Duration::from_hours(2);
    let patience = RefundPatience { keep_back, ..RefundPatience::default() };
    send_duplicate_back(&mut world, 2, patience);
    assert_eq!(world.sent_names(), ["refund.approved"], "its provider hears nothing");
    assert_eq!(owed(&world, Account::RefundsPayable), 10_000, "its money is set aside at once");
    assert!(one(&world, "duplicate").is_held());
    world.check_books();
    world.sent.clear();
    world
}

fn timer(world: &World) -> Timer {
    let owner = TimerOwner::Refund(one(world, "duplicate").id);
    world.state.timer(TimerKind::RefundAnswerDue, owner).unwrap().clone()
}

fn fall_due(world: &mut World) -> Outcome {
    let Timer { generation, due_at, .. } = timer(world);
    let due = refund_review_due(order(), one(world, "duplicate").id, generation, due_at);
    world.handle(&rules(), &due).outcome
}

fn decide(world: &mut World, verdict: &str) -> Decision {
    let id = one(world, "duplicate").id;
    world.handle(&rules(), &refund_reviewed(order(), id, verdict, "op-1"))
}

#[test]
fn case_045_the_provider_is_told_when_the_time_to_stop_a_refund_is_over() {
    let mut world = held();
    assert_eq!(timer(&world).due_at, at("15:00:00"));
    world.clock("14:59:59");
    assert_eq!(fall_due(&mut world), Outcome::Noop(OutcomeCode::NotDue));
    assert!(world.sent.is_empty());
    world.clock("15:00:00");
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(world.sent_names(), ["refund.execute"], "and nobody has to look");
    assert!(!one(&world, "duplicate").is_held());
    let patience = RefundPatience::default();
    assert_eq!(timer(&world).due_at, at("15:00:00").plus(patience.answer_within));
    hear(&mut world, "duplicate", "succeeded", "15:10:00");
    assert_eq!(owed(&world, Account::Suspense), 0);
    world.check_books();
}

#[test]
fn a_person_stops_a_refund_before_its_provider_is_told() {
    let mut world = held();
    let decision = decide(&mut world, "rejected");
    assert_eq!(decision.outcome, Outcome::Applied);
    let judgement = &decision.changes.judgements[0];
    assert_eq!(judgement.policy, PolicyKind::RefundReview);
    assert_eq!(judgement.verdict, OutcomeCode::RefundStopped);
    assert_eq!(world.sent_names(), ["refund.failed", "ops.case_opened"]);
    assert_eq!(cases(&world), [OutcomeCode::RefundFailed]);
    let refund = one(&world, "duplicate");
    assert_eq!(refund.status, RefundStatus::Cancelled);
    assert_eq!(refund.code, Some(OutcomeCode::RefundStopped));
    assert_eq!(refund.decided_by.unwrap().as_str(), "op-1");
    assert_eq!(owed(&world, Account::Suspense), 10_000);
    assert_eq!(timer(&world).status, TimerStatus::Cancelled);
    world.check_books();
    // It goes back by a wish, at once and without another person.
    world.sent.clear();
    assert_eq!(ask(&mut world, "after-all", 10_000), Outcome::Applied);
    assert_eq!(world.sent_names(), ["refund.approved", "refund.execute"]);
    world.check_books();
}

#[test]
fn a_person_has_a_refund_made_without_the_wait() {
    let mut world = held();
    assert_eq!(decide(&mut world, "approved").outcome, Outcome::Applied);
    assert_eq!(world.sent_names(), ["refund.execute"]);
    assert_eq!(status(&world, "duplicate"), RefundStatus::Approved);
    let again = decide(&mut world, "rejected").outcome;
    assert_eq!(again, Outcome::Noop(OutcomeCode::AlreadyDecided), "its provider has it");
}

#[test]
fn a_provider_that_refunds_by_itself_ends_the_wait() {
    let mut world = held();
    hear(&mut world, "duplicate", "succeeded", "13:30:00");
    assert!(!one(&world, "duplicate").is_held());
    assert_eq!(timer(&world).status, TimerStatus::Cancelled);
    assert_eq!(owed(&world, Account::Suspense), 0);
    world.check_books();
}
