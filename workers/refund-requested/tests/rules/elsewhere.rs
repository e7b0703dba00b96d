//! Refunds that somebody made at the provider, without a command of ours.

use domain::ledger::Account;
use domain::payment::Classification;
use domain::refund::RefundStatus;
use domain::{Outcome, OutcomeCode};
use serde_json::{Value, json};
use testkit::shop::{ShopEvent, at, attempt_id, refund_updated};
use testkit::world::World;

use crate::scene::{ask, cases, order, owed, paid, tell};

/// The provider reports on a refund of attempt 1 that it has no id of ours for.
fn made(reference: &str, amount_minor: i64, status: &str) -> ShopEvent {
    refund_updated(order(), uuid::Uuid::from_u128(7).into(), status)
        .with("refund_id", Value::Null)
        .with("provider_ref", reference)
        .with("attempt_id", attempt_id(1).to_string())
        .with("amount", json!({"amount_minor": amount_minor, "currency": "EUR"}))
        .id(&format!("{reference}-{status}"))
}

fn only(world: &World) -> (RefundStatus, i64) {
    let [refund] = world.state.refunds.as_slice() else { panic!("{:?}", world.state.refunds) };
    (refund.status, refund.amount.minor())
}

#[test]
fn a_refund_made_at_the_provider_is_booked_and_told() {
    let mut world = paid(&[10_000]);
    assert_eq!(tell(&mut world, &made("re_hand", 4_000, "succeeded")), Outcome::Applied);
    assert_eq!(only(&world), (RefundStatus::Succeeded, 4_000));
    assert_eq!(cases(&world), [OutcomeCode::MadeAtProvider]);
    assert_eq!((world.sent_count("refund.succeeded"), world.sent_count("refund.execute")), (1, 0));
    assert_eq!(owed(&world, Account::CustomerFunds), 6_000);
    world.check_books();

    let again = made("re_hand", 4_000, "succeeded").id("again");
    assert_eq!(tell(&mut world, &again), Outcome::Noop(OutcomeCode::DuplicateFact));
    assert_eq!(ask(&mut world, "rest", 6_001), Outcome::Rejected(OutcomeCode::ExceedsRefundable));
    let reversed = made("re_hand", 4_000, "reversed").with("occurred_at", world.now.to_string());
    assert_eq!(tell(&mut world, &reversed), Outcome::Applied);
    assert_eq!(owed(&world, Account::CustomerFunds), 10_000);
    world.check_books();
}

#[test]
fn a_refund_made_at_the_provider_of_more_than_is_there_is_a_case() {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 8_000);
    tell(&mut world, &made("re_hand", 4_000, "succeeded"));
    assert_eq!(cases(&world), [OutcomeCode::MadeAtProvider, OutcomeCode::ExceedsRefundable]);
    world.check_books();
}

#[test]
fn a_refund_made_at_the_provider_takes_what_may_not_stay_first() {
    let mut world = paid(&[10_000]);
    world.capture(2, 10_000, Classification::Duplicate);
    let second = made("re_hand", 10_000, "succeeded");
    tell(&mut world, &second.with("attempt_id", attempt_id(2).to_string()));
    assert_eq!(world.state.refunds[0].funded_from, Account::Suspense);
    world.check_books();
}

/// The provider says so of a refund over 40.00 at this time, in whatever order it is told.
fn said(status: &str, time: &str) -> ShopEvent {
    made("re_hand", 4_000, status).with("occurred_at", at(time).to_string())
}

#[test]
fn case_064_a_reversal_that_is_told_before_its_success_ends_the_same() {
    let (success, reversal) = (said("succeeded", "13:10:00"), said("reversed", "13:20:00"));
    let mut worlds = Vec::new();
    for told in [[&success, &reversal], [&reversal, &success]] {
        let mut world = paid(&[10_000]);
        world.clock("13:30:00");
        let outcomes = told.map(|event| tell(&mut world, event));
        assert_eq!(only(&world), (RefundStatus::Failed, 4_000), "{outcomes:?}");
        assert_eq!(world.state.refunds[0].code, Some(OutcomeCode::RefundReversed));
        assert_eq!(owed(&world, Account::CustomerFunds), 10_000);
        assert_eq!(owed(&world, Account::RefundsPayable), 0);
        assert!(cases(&world).contains(&OutcomeCode::RefundReversed));
        assert_eq!(world.sent_count("refund.failed"), 1);
        world.check_books();
        worlds.push(outcomes);
    }
    assert_eq!(worlds[1][1], Outcome::Noop(OutcomeCode::Stale));
}

#[test]
fn a_refund_at_the_provider_that_failed_first_and_then_worked_is_booked_once() {
    for first in ["failed", "cancelled"] {
        let mut world = paid(&[10_000]);
        world.clock("13:30:00");
        assert_eq!(tell(&mut world, &said(first, "13:10:00")), Outcome::Applied);
        assert!(world.sent.is_empty(), "no money moved, and nobody waits for it");
        assert_eq!(owed(&world, Account::CustomerFunds), 10_000);
        assert_eq!(tell(&mut world, &said("succeeded", "13:20:00")), Outcome::Applied);
        assert_eq!(only(&world), (RefundStatus::Succeeded, 4_000));
        assert_eq!(owed(&world, Account::CustomerFunds), 6_000);
        world.check_books();
    }
}

#[test]
fn a_report_that_may_be_on_one_of_ours_or_lacks_anything_is_set_aside() {
    let no = Outcome::Quarantined(OutcomeCode::UnknownRefund);
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 4_000);
    assert_eq!(tell(&mut world, &made("re_1", 4_000, "succeeded")), no);
    for (field, value) in [
        ("attempt_id", Value::Null),
        ("amount", Value::Null),
        ("amount", json!({"amount_minor": 100, "currency": "USD"})),
        ("attempt_id", attempt_id(9).to_string().into()),
        ("status", "submitted".into()),
        ("status", "requires_action".into()),
    ] {
        let report = made("re_2", 100, "succeeded").with(field, value).id(field);
        assert_eq!(tell(&mut world, &report), no, "{field}");
    }
    assert_eq!(world.state.refunds.len(), 1);
}
