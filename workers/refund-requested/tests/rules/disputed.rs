//! Refunds of payments that are disputed.

use contracts::events::DisputeStage::{Chargeback, Inquiry};
use domain::dispute::DisputeStatus::{Lost, NeedsResponse, Won};
use domain::ledger::Account;
use domain::message::Body;
use domain::{Outcome, OutcomeCode};

use crate::scene::{
    ask, cases, check_refused, dispute, eur, everything, hear, of_attempt, owed, paid, parts, tell,
};

#[test]
fn case_069_a_payment_under_chargeback_is_not_refunded() {
    let mut world = paid(&[10_000]);
    dispute(&mut world, 1, 1, 2_000, (Chargeback, NeedsResponse));
    let outcome = ask(&mut world, "r", 1_000);
    check_refused(&outcome, &world, "r", OutcomeCode::Disputed);
    let outcome = tell(&mut world, &everything("all"));
    check_refused(&outcome, &world, "all", OutcomeCode::Disputed);
}

#[test]
fn case_069_a_refund_during_an_inquiry_prevents_the_chargeback() {
    let mut world = paid(&[10_000]);
    dispute(&mut world, 1, 1, 10_000, (Inquiry, NeedsResponse));
    assert_eq!(ask(&mut world, "r", 10_000), Outcome::Applied);
}

#[test]
fn case_069_another_payment_of_the_order_gives_instead() {
    let mut world = paid(&[5_000, 5_000]);
    dispute(&mut world, 1, 2, 5_000, (Chargeback, NeedsResponse));
    assert_eq!(ask(&mut world, "r", 5_000), Outcome::Applied);
    let outcome = tell(&mut world, &of_attempt("s", 1, 2));
    check_refused(&outcome, &world, "s", OutcomeCode::Disputed);
}

#[test]
fn case_072_what_a_lost_dispute_leaves_can_be_refunded() {
    let mut world = paid(&[10_000]);
    dispute(&mut world, 1, 1, 3_000, (Chargeback, Lost));
    let outcome = ask(&mut world, "r", 7_001);
    check_refused(&outcome, &world, "r", OutcomeCode::ExceedsRefundable);
    assert_eq!(ask(&mut world, "s", 7_000), Outcome::Applied);
    world.check_books();
}

#[test]
fn case_077_a_dispute_that_is_won_after_all_frees_its_money_for_refunds() {
    let mut world = paid(&[10_000]);
    dispute(&mut world, 1, 1, 10_000, (Chargeback, Lost));
    let outcome = ask(&mut world, "r", 10_000);
    check_refused(&outcome, &world, "r", OutcomeCode::ExceedsRefundable);
    dispute(&mut world, 1, 1, 10_000, (Chargeback, Won));
    assert_eq!(ask(&mut world, "s", 10_000), Outcome::Applied);
    world.check_books();
}

#[test]
fn case_070_a_refund_that_succeeds_over_a_chargeback_is_announced_as_a_double_loss() {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 10_000);
    hear(&mut world, "r", "failed", "13:10:00");
    dispute(&mut world, 1, 1, 6_000, (Chargeback, NeedsResponse));
    hear(&mut world, "r", "succeeded", "13:20:00");
    assert_eq!(cases(&world), [OutcomeCode::ExceedsRefundable]);
    let excess = world.sent.iter().find_map(|message| match &message.body {
        Body::DisputeDoubleLossDetected { excess, .. } => Some(*excess),
        _ => None,
    });
    assert_eq!(excess, Some(eur(6_000)));
    world.check_books();
}

#[test]
fn a_refund_that_fails_after_a_dispute_was_lost_covers_the_loss() {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 10_000);
    dispute(&mut world, 1, 1, 10_000, (Chargeback, Lost));
    assert_eq!(world.balance(Account::DisputeLosses), 10_000);
    hear(&mut world, "r", "failed", "13:20:00");
    assert_eq!(world.balance(Account::DisputeLosses), 0);
    assert_eq!(owed(&world, Account::CustomerFunds), 0);
    hear(&mut world, "r", "succeeded", "13:30:00");
    assert_eq!(world.balance(Account::DisputeLosses), 10_000);
    assert_eq!(parts(&world, "r").len(), 1);
    world.check_books();
}
