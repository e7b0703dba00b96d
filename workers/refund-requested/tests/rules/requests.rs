//! Wishes that the order's money decides on.

use domain::ledger::Account;
use domain::message::Body;
use domain::order::OrderStatus;
use domain::payment::Classification;
use domain::refund::RefundStatus;
use domain::{Money, Outcome, OutcomeCode};
use testkit::shop::{attempt_id, refund_requested};

use crate::scene::{
    ask, check_refused, eur, everything, hear, of_attempt, one, order, owed, paid, parts, row,
    status, tell,
};

#[test]
fn case_056_partial_refunds_are_granted_up_to_the_total() {
    let mut world = paid(&[10_000]);
    for (key, amount) in [("a", 3_000), ("b", 3_000), ("c", 4_000)] {
        assert_eq!(ask(&mut world, key, amount), Outcome::Applied);
        assert_eq!(status(&world, key), RefundStatus::Approved);
    }
    let outcome = ask(&mut world, "d", 1);
    check_refused(&outcome, &world, "d", OutcomeCode::ExceedsRefundable);
    assert_eq!(owed(&world, Account::RefundsPayable), 10_000);
    assert_eq!(owed(&world, Account::CustomerFunds), 0);
    world.check_books();
}

#[test]
fn a_granted_refund_is_reserved_announced_and_ordered_from_the_attempts_provider() {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 2_500);
    let refund = one(&world, "r");
    assert_eq!((refund.attempt_id, refund.part), (Some(attempt_id(1)), 0));
    assert_eq!(refund.funded_from, Account::CustomerFunds);
    assert_eq!(refund.decided_by.unwrap().as_str(), "auto:within-limits");
    assert_eq!(world.sent_names(), ["refund.approved", "refund.execute"]);
    assert_eq!(owed(&world, Account::RefundsPayable), 2_500);
}

#[test]
fn case_057_a_refund_of_more_than_is_left_is_refused_and_never_cut_down() {
    let mut world = paid(&[10_000]);
    let outcome = ask(&mut world, "r", 10_001);
    check_refused(&outcome, &world, "r", OutcomeCode::ExceedsRefundable);
    assert_eq!(one(&world, "r").amount, eur(10_001));
    assert_eq!(owed(&world, Account::RefundsPayable), 0);
}

#[test]
fn case_058_of_competing_refunds_only_a_fitting_subset_is_granted() {
    let mut world = paid(&[10_000]);
    ask(&mut world, "first", 3_000);
    let competing = ["a", "b", "c"].map(|key| ask(&mut world, key, 3_500));
    let no = Outcome::Rejected(OutcomeCode::ExceedsRefundable);
    assert_eq!(competing, [Outcome::Applied, Outcome::Applied, no]);
    world.check_books();
}

#[test]
fn case_060_the_same_wish_again_is_the_same_refund() {
    let mut world = paid(&[6_000, 4_000]);
    let wish = refund_requested(order(), "r", 5_000);
    assert_eq!(tell(&mut world, &wish.clone().id("first")), Outcome::Applied);
    let before = world.state.clone();
    let duplicate = Outcome::Noop(OutcomeCode::DuplicateFact);
    assert_eq!(tell(&mut world, &wish.id("second")), duplicate);
    assert_eq!(tell(&mut world, &everything("r")), duplicate);
    assert_eq!(world.state, before);
}

#[test]
fn case_060_the_same_key_over_another_amount_is_a_contradiction() {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 5_000);
    let conflict = Outcome::Quarantined(OutcomeCode::DuplicateConflict);
    assert_eq!(ask(&mut world, "r", 5_001), conflict);
    assert_eq!(parts(&world, "r").len(), 1);
}

#[test]
fn case_060_a_refused_wish_stays_refused_under_its_key() {
    let mut world = paid(&[10_000]);
    ask(&mut world, "all", 10_000);
    ask(&mut world, "r", 1_000);
    hear(&mut world, "all", "failed", "13:10:00");
    assert_eq!(ask(&mut world, "r", 1_000), Outcome::Noop(OutcomeCode::DuplicateFact));
    assert_eq!(ask(&mut world, "r2", 1_000), Outcome::Applied);
}

#[test]
fn case_061_money_counts_as_taken_until_its_refund_has_failed() {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 6_000);
    let no = Outcome::Rejected(OutcomeCode::ExceedsRefundable);
    assert_eq!(ask(&mut world, "a", 5_000), no);
    hear(&mut world, "r", "submitted", "13:10:00");
    assert_eq!(ask(&mut world, "b", 5_000), no);
    hear(&mut world, "r", "requires_action", "13:20:00");
    assert_eq!(ask(&mut world, "c", 5_000), no);
    hear(&mut world, "r", "failed", "13:30:00");
    assert_eq!(ask(&mut world, "d", 5_000), Outcome::Applied);
    world.check_books();
}

#[test]
fn everything_is_all_that_is_left() {
    let mut world = paid(&[6_000, 4_000]);
    ask(&mut world, "r", 2_500);
    assert_eq!(tell(&mut world, &everything("rest")), Outcome::Applied);
    let rest: Vec<_> = parts(&world, "rest").iter().map(|r| (r.part, r.amount)).collect();
    assert_eq!(rest, [(0, eur(1_500)), (1, eur(6_000))]);
    let outcome = tell(&mut world, &everything("again"));
    check_refused(&outcome, &world, "again", OutcomeCode::ExceedsRefundable);
}

#[test]
fn the_newest_payment_gives_first_and_every_part_is_a_refund_of_its_own() {
    let mut world = paid(&[5_000, 3_000, 2_000]);
    assert_eq!(ask(&mut world, "r", 4_000), Outcome::Applied);
    let taken: Vec<_> =
        parts(&world, "r").iter().map(|r| (r.part, r.attempt_id.unwrap(), r.amount)).collect();
    assert_eq!(taken, [(0, attempt_id(3), eur(2_000)), (1, attempt_id(2), eur(2_000))]);
    assert_eq!(world.sent_count("refund.execute"), 2);
}

#[test]
fn a_named_payment_gives_alone() {
    let mut world = paid(&[5_000, 5_000]);
    let outcome = tell(&mut world, &of_attempt("r", 6_000, 1));
    check_refused(&outcome, &world, "r", OutcomeCode::ExceedsRefundable);
    assert_eq!(one(&world, "r").attempt_id, Some(attempt_id(1)));
    assert_eq!(tell(&mut world, &of_attempt("s", 5_000, 1)), Outcome::Applied);
    assert_eq!(one(&world, "s").attempt_id, Some(attempt_id(1)));
}

#[test]
fn a_named_payment_that_a_paid_order_does_not_have_gives_nothing() {
    let mut world = paid(&[10_000]);
    let outcome = tell(&mut world, &of_attempt("r", 1_000, 9));
    check_refused(&outcome, &world, "r", OutcomeCode::NothingCaptured);
    assert_eq!(one(&world, "r").attempt_id, None);
}

#[test]
fn a_wish_in_another_currency_is_refused() {
    let mut world = paid(&[10_000]);
    let amount = serde_json::json!({"amount_minor": 1_000, "currency": "USD"});
    let outcome = tell(&mut world, &refund_requested(order(), "r", 1).with("amount", amount));
    check_refused(&outcome, &world, "r", OutcomeCode::CurrencyMismatch);
    let again = ask(&mut world, "r", 1_000);
    assert_eq!(again, Outcome::Quarantined(OutcomeCode::DuplicateConflict));
}

#[test]
fn an_order_over_nothing_has_nothing_to_refund() {
    let mut world = paid(&[]);
    let outcome = tell(&mut world, &everything("r"));
    check_refused(&outcome, &world, "r", OutcomeCode::NothingCaptured);
}

#[test]
fn case_088_a_full_refund_moves_neither_order_nor_stock() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &everything("r").with("restock", true));
    hear(&mut world, "r", "succeeded", "13:30:00");
    assert_eq!(row(&world).status, OrderStatus::Paid);
    assert_eq!(row(&world).stock_released_at, None);
    assert_eq!(world.sent_count("inventory.release_requested"), 0);
    let told = world.sent.iter().find_map(|message| match &message.body {
        Body::RefundApproved { restock, .. } => Some(*restock),
        _ => None,
    });
    assert_eq!(told, Some(Some(true)), "the shop hears what the wish said");
}

#[test]
fn case_055_a_sum_beyond_every_amount_is_set_aside_without_a_panic() {
    let mut world = paid(&[10_000]);
    world.capture(2, Money::MAX_MINOR, Classification::Duplicate);
    let mut more = world.state.captures[1].clone();
    more.capture_ref = "another".parse().unwrap();
    world.state.captures.push(more);
    let outcome = tell(&mut world, &everything("r"));
    assert_eq!(outcome, Outcome::Quarantined(OutcomeCode::AmountOutOfRange));
    assert!(parts(&world, "r").is_empty());
}
