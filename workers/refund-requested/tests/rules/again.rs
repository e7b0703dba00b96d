//! Money that may not stay, asked for again after its automatic refund came to nothing.

use domain::ledger::Account;
use domain::operations::close_order;
use domain::order::{CloseReason, OrderStatus};
use domain::payment::Classification;
use domain::refund::RefundStatus;
use domain::{Outcome, OutcomeCode, Policies};
use testkit::shop::attempt_id;
use testkit::world::World;

use contracts::events::DisputeStage::Chargeback;
use domain::dispute::DisputeStatus::{NeedsResponse, Won};

use crate::scene::{
    ask, cases, check_refused, dispute, eur, everything, hear, of_attempt, one, owed, paid, parts,
    refund_duplicate, status, tell,
};

/// An order paid by 100.00, and 100.00 of a second payment whose refund just failed.
fn failed_duplicate() -> World {
    let mut world = paid(&[10_000]);
    refund_duplicate(&mut world, 2);
    hear(&mut world, "duplicate", "failed", "13:20:00");
    assert_eq!(cases(&world), [OutcomeCode::RefundFailed]);
    world.sent.clear();
    world
}

/// An expired order whose 40.00 went back by a refund that just failed, under the key `closed`.
fn failed_closing() -> (World, String) {
    let mut world = World::pending_order(10_000);
    world.capture(1, 4_000, Classification::Normal);
    let (reason, code) = (CloseReason::PaymentTimeout, OutcomeCode::PaymentTimeout);
    world.write(|draft| close_order(draft, OrderStatus::Expired, reason, code).unwrap());
    world.clock("13:00:00").sent.clear();
    let key = world.state.refunds[0].request_key.to_string();
    hear(&mut world, &key, "failed", "13:20:00");
    assert_eq!(cases(&world), [OutcomeCode::RefundFailed]);
    world.sent.clear();
    (world, key)
}

#[test]
fn money_in_suspense_is_not_given_while_its_own_refund_is_under_way() {
    let mut world = paid(&[10_000]);
    refund_duplicate(&mut world, 2);
    let outcome = tell(&mut world, &of_attempt("r", 1, 2));
    check_refused(&outcome, &world, "r", OutcomeCode::ExceedsRefundable);
    tell(&mut world, &everything("s"));
    assert_eq!(parts(&world, "s").len(), 1);
    assert_eq!(one(&world, "s").attempt_id, Some(attempt_id(1)));
    world.check_books();
}

#[test]
fn case_063_money_in_suspense_can_be_asked_for_again_once_its_refund_failed() {
    let mut world = failed_duplicate();
    assert_eq!(tell(&mut world, &of_attempt("again", 10_000, 2)), Outcome::Applied);
    let refund = one(&world, "again");
    assert_eq!((refund.status, refund.funded_from), (RefundStatus::Approved, Account::Suspense));
    assert_eq!(refund.decided_by.unwrap().as_str(), "auto:money-to-return");
    assert_eq!(world.sent_names(), ["refund.approved", "refund.execute"]);
    hear(&mut world, "again", "succeeded", "13:40:00");
    assert_eq!(owed(&world, Account::Suspense), 0);
    assert_eq!(owed(&world, Account::CustomerFunds), 10_000);
    assert!(cases(&world).is_empty());
    world.check_books();
}

#[test]
fn case_063_money_of_a_closed_order_can_be_asked_for_again_once_its_refund_failed() {
    let (mut world, _) = failed_closing();
    assert_eq!(ask(&mut world, "again", 4_000), Outcome::Applied);
    assert_eq!(status(&world, "again"), RefundStatus::Approved);
    hear(&mut world, "again", "failed", "13:40:00");
    assert_eq!(cases(&world), [OutcomeCode::RefundFailed], "one case for each failure");
    assert_eq!(tell(&mut world, &everything("once-more")), Outcome::Applied);
    hear(&mut world, "once-more", "succeeded", "13:50:00");
    assert_eq!(owed(&world, Account::CustomerFunds), 0);
    world.check_books();
}

#[test]
fn what_may_not_stay_goes_first_and_all_that_is_left_is_both() {
    let mut world = failed_duplicate();
    tell(&mut world, &everything("all"));
    let funds: Vec<_> = parts(&world, "all").iter().map(|p| (p.funded_from, p.amount)).collect();
    let expected = [(Account::Suspense, eur(10_000)), (Account::CustomerFunds, eur(10_000))];
    assert_eq!(funds, expected);
    world.check_books();

    let mut world = failed_duplicate();
    ask(&mut world, "part", 4_000);
    assert_eq!(one(&world, "part").funded_from, Account::Suspense);
}

#[test]
fn money_that_may_not_stay_needs_no_person_however_much_it_is() {
    let limit = Policies::default().refunds.auto_limit.other;
    let mut world = paid(&[10_000]);
    world.capture(2, 2 * limit, Classification::Duplicate);
    world.state.customer.refunds_90d = 100;
    assert_eq!(tell(&mut world, &of_attempt("again", 2 * limit, 2)), Outcome::Applied);
    assert_eq!(status(&world, "again"), RefundStatus::Approved);
    tell(&mut world, &everything("all"));
    assert_eq!(status(&world, "all"), RefundStatus::PendingReview);
}

#[test]
fn the_first_refund_that_succeeds_after_all_is_an_incident() {
    let mut world = failed_duplicate();
    tell(&mut world, &of_attempt("again", 10_000, 2));
    hear(&mut world, "duplicate", "succeeded", "13:40:00");
    assert_eq!(cases(&world), [OutcomeCode::ExceedsRefundable]);
    world.check_books();
}

#[test]
fn money_in_suspense_is_not_given_out_of_a_dispute_and_is_after_it() {
    let mut world = failed_duplicate();
    dispute(&mut world, 1, 2, 6_000, (Chargeback, NeedsResponse));
    let outcome = tell(&mut world, &of_attempt("r", 1_000, 2));
    check_refused(&outcome, &world, "r", OutcomeCode::Disputed);
    dispute(&mut world, 1, 2, 6_000, (Chargeback, Won));
    assert_eq!(tell(&mut world, &of_attempt("s", 10_000, 2)), Outcome::Applied);
    world.check_books();
}
