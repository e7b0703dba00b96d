//! What persons decide on refunds, and what happens when they do not.

use contracts::events::DisputeStage;
use domain::dispute::DisputeStatus;
use domain::ledger::Account;
use domain::operations::close_order;
use domain::order::{CloseReason, OrderStatus};
use domain::payment::Classification;
use domain::refund::RefundStatus;
use domain::timer::{TimerKind, TimerOwner, TimerStatus};
use domain::{Outcome, OutcomeCode, Policies, RefundId};
use testkit::shop::{refund_review_due, refund_reviewed};
use testkit::world::World;

use crate::scene::{ask, dispute, one, order, owed, paid, parts, rules, status, tell};

/// An order with a refund `r` of so much under review.
fn under_review(amount: i64) -> (World, RefundId) {
    let mut world = paid(&[1_000_000]);
    ask(&mut world, "r", amount);
    assert_eq!(status(&world, "r"), RefundStatus::PendingReview);
    world.sent.clear();
    let id = one(&world, "r").id;
    (world, id)
}

fn review(world: &mut World, refund: RefundId, verdict: &str, reviewer: &str) -> Outcome {
    tell(world, &refund_reviewed(order(), refund, verdict, reviewer))
}

fn timer(world: &World, refund: RefundId) -> TimerStatus {
    world.state.timer(TimerKind::RefundReviewDue, TimerOwner::Refund(refund)).unwrap().status
}

#[test]
fn an_approved_refund_is_ordered_and_names_who_decided() {
    let (mut world, id) = under_review(60_000);
    assert_eq!(review(&mut world, id, "approved", "op-1"), Outcome::Applied);
    let refund = one(&world, "r");
    assert_eq!(refund.status, RefundStatus::Approved);
    assert_eq!(refund.decided_by.as_ref().unwrap().as_str(), "op-1");
    assert_eq!(world.sent_names(), ["refund.approved", "refund.execute"]);
    assert_eq!(owed(&world, Account::RefundsPayable), 60_000);
    assert_eq!(timer(&world, id), TimerStatus::Cancelled);
    world.check_books();
}

#[test]
fn a_rejected_refund_lets_go_of_its_money() {
    let (mut world, id) = under_review(600_000);
    assert_eq!(review(&mut world, id, "rejected", "op-1"), Outcome::Applied);
    assert_eq!(status(&world, "r"), RefundStatus::Rejected);
    assert_eq!(world.sent_names(), ["refund.rejected"]);
    assert_eq!(timer(&world, id), TimerStatus::Cancelled);
    assert_eq!(ask(&mut world, "another", 500_000), Outcome::Applied);
    world.check_books();
}

#[test]
fn a_large_refund_needs_two_different_persons() {
    let limit = Policies::default().refunds.four_eyes_above.other;
    let (mut world, id) = under_review(limit);
    review(&mut world, id, "approved", "op-1");
    assert_eq!(status(&world, "r"), RefundStatus::Approved, "at the limit one is enough");

    let (mut world, id) = under_review(limit + 1);
    for reviewer in ["op-1", "op-1"] {
        assert_eq!(review(&mut world, id, "approved", reviewer), Outcome::Applied);
        assert_eq!(status(&world, "r"), RefundStatus::PendingReview);
        assert!(world.sent.is_empty());
    }
    review(&mut world, id, "approved", "op-2");
    assert_eq!(status(&world, "r"), RefundStatus::Approved);
    world.check_books();
}

/// Each payment is below the limit, and both together are above it.
#[test]
fn a_wish_does_not_become_small_by_many_payments() {
    let limit = Policies::default().refunds.four_eyes_above.other;
    let part = limit * 9 / 10;
    let mut world = paid(&[part, part]);
    ask(&mut world, "r", 2 * part);
    let ids: Vec<_> = parts(&world, "r").iter().map(|refund| refund.id).collect();
    assert_eq!(ids.len(), 2);
    for id in ids {
        review(&mut world, id, "approved", "op-1");
        assert_eq!(world.state.refund(id).unwrap().status, RefundStatus::PendingReview);
        review(&mut world, id, "approved", "op-2");
        assert_eq!(world.state.refund(id).unwrap().status, RefundStatus::Approved);
    }
    world.check_books();
}

#[test]
fn one_person_is_enough_to_say_no() {
    let (mut world, id) = under_review(900_000);
    review(&mut world, id, "approved", "op-1");
    review(&mut world, id, "rejected", "op-2");
    assert_eq!(status(&world, "r"), RefundStatus::Rejected);
}

#[test]
fn what_is_decided_stays_decided() {
    let (mut world, id) = under_review(60_000);
    review(&mut world, id, "approved", "op-1");
    let decided = Outcome::Noop(OutcomeCode::AlreadyDecided);
    assert_eq!(review(&mut world, id, "rejected", "op-2"), decided);
    let unknown = RefundId::from(uuid::Uuid::nil());
    let no = Outcome::Rejected(OutcomeCode::UnknownRefund);
    assert_eq!(review(&mut world, unknown, "approved", "op-1"), no);
}

#[test]
fn case_069_money_that_a_dispute_took_meanwhile_is_not_given_away_again() {
    let (mut world, id) = under_review(600_000);
    let position = (DisputeStage::Chargeback, DisputeStatus::NeedsResponse);
    dispute(&mut world, 1, 1, 500_000, position);
    let no = Outcome::Rejected(OutcomeCode::Disputed);
    assert_eq!(review(&mut world, id, "approved", "op-1"), no);
    assert_eq!(status(&world, "r"), RefundStatus::PendingReview);
    world.check_books();
}

#[test]
fn time_opens_a_case_again_and_again_and_never_approves() {
    let (mut world, id) = under_review(60_000);
    for generation in 1..=3 {
        world.now = world.now.plus(Policies::default().refunds.review_sla);
        let due = refund_review_due(order(), id, generation, world.now);
        let decision = world.handle(&rules(), &due);
        assert_eq!(decision.outcome, Outcome::Applied);
        let judgement = &decision.changes.judgements[0];
        assert_eq!(judgement.verdict, OutcomeCode::ReviewOverdue);
        assert!(judgement.inputs.contains(&("review_sla", "1day".to_owned())), "{judgement:?}");
        assert_eq!(status(&world, "r"), RefundStatus::PendingReview);
        assert_eq!(timer(&world, id), TimerStatus::Armed);
    }
    assert_eq!(world.sent_names(), ["ops.case_opened"; 3]);
    review(&mut world, id, "approved", "op-1");
    let late = refund_review_due(order(), id, 4, world.now);
    assert_eq!(tell(&mut world, &late), Outcome::Noop(OutcomeCode::StaleGeneration));
}

/// The order was to be paid with 900,000, of which 600,000 came before it expired.
#[test]
fn case_043_a_rejected_refund_of_a_closed_order_goes_back_all_the_same() {
    let mut world = World::pending_order(900_000);
    world.capture(1, 600_000, Classification::Normal).clock("13:00:00");
    ask(&mut world, "r", 550_000);
    let id = one(&world, "r").id;
    world.write(|draft| {
        let code = OutcomeCode::PaymentTimeout;
        close_order(draft, OrderStatus::Expired, CloseReason::PaymentTimeout, code).unwrap();
    });
    world.sent.clear();
    review(&mut world, id, "rejected", "op-1");
    assert_eq!(world.sent_names(), ["refund.rejected", "refund.approved", "refund.execute"]);
    assert_eq!(owed(&world, Account::RefundsPayable), 600_000);
    assert_eq!(owed(&world, Account::CustomerFunds), 0);
    world.check_books();
}
