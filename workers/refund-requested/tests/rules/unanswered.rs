//! Refunds whose provider does not say what became of them.

use domain::message::Body;
use domain::policy::RefundPatience;
use domain::refund::RefundStatus;
use domain::timer::{Timer, TimerKind, TimerOwner, TimerStatus};
use domain::{Outcome, OutcomeCode};
use testkit::shop::refund_review_due;
use testkit::world::World;

use crate::scene::{ask, cases, hear, one, order, owed, paid, status, tell};

/// An order over 100.00 whose refund of 40.00 was ordered at 13:00.
fn ordered() -> World {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 4_000);
    world.sent.clear();
    world
}

fn timer(world: &World) -> Timer {
    let owner = TimerOwner::Refund(one(world, "r").id);
    world.state.timer(TimerKind::RefundAnswerDue, owner).unwrap().clone()
}

/// The time for the provider's answer is over.
fn fall_due(world: &mut World) -> Outcome {
    let Timer { generation, due_at, .. } = timer(world);
    world.now = world.now.max(due_at);
    let due = refund_review_due(order(), one(world, "r").id, generation, due_at);
    tell(world, &due)
}

#[test]
fn case_062_a_refund_that_is_not_answered_is_ordered_again_under_its_own_key() {
    let mut world = ordered();
    let refund = one(&world, "r").id;
    for tries in 1..=3 {
        assert_eq!(fall_due(&mut world), Outcome::Applied);
        assert_eq!(world.sent_names(), ["refund.execute", "ops.case_opened"].repeat(tries));
    }
    let mut told = world.sent.iter().filter_map(|message| match &message.body {
        Body::RefundExecute { refund_id, amount, .. } => Some((*refund_id, amount.minor())),
        _ => None,
    });
    assert!(told.all(|it| it == (refund, 4_000)));
    assert_eq!(cases(&world), [OutcomeCode::RefundUnanswered; 3]);
    assert_eq!(status(&world, "r"), RefundStatus::Approved, "time never says that it failed");
    assert_eq!(owed(&world, domain::ledger::Account::RefundsPayable), 4_000);
    world.check_books();
}

#[test]
fn case_062_a_provider_that_has_the_refund_may_take_its_time_with_it() {
    let mut world = ordered();
    let patience = RefundPatience::default();
    assert_eq!(timer(&world).due_at, world.now.plus(patience.answer_within));
    hear(&mut world, "r", "submitted", "13:10:00");
    assert_eq!(timer(&world).due_at, world.now.plus(patience.settle_within));
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(world.sent_names(), ["refund.execute", "ops.case_opened"]);
    assert_eq!(status(&world, "r"), RefundStatus::Submitted);
}

#[test]
fn case_062_nobody_asks_after_a_refund_that_is_settled() {
    for last_word in ["succeeded", "failed", "cancelled"] {
        let mut world = ordered();
        hear(&mut world, "r", last_word, "13:10:00");
        assert_eq!(timer(&world).status, TimerStatus::Cancelled, "{last_word}");
        let sent = world.sent.len();
        let Timer { generation, due_at, .. } = timer(&world);
        world.now = due_at;
        let late = refund_review_due(order(), one(&world, "r").id, generation, due_at);
        assert_eq!(tell(&mut world, &late), Outcome::Noop(OutcomeCode::StaleGeneration));
        assert_eq!(world.sent.len(), sent, "{last_word}");
    }
}

#[test]
fn an_early_message_asks_nobody() {
    let mut world = ordered();
    let Timer { generation, due_at, .. } = timer(&world);
    let early = refund_review_due(order(), one(&world, "r").id, generation, due_at);
    assert_eq!(tell(&mut world, &early), Outcome::Noop(OutcomeCode::NotDue));
    assert!(world.sent.is_empty());
}
