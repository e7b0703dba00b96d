//! What providers report on refunds.

use domain::ledger::Account;
use domain::message::Body;
use domain::order::{Order, OrderStatus};
use domain::refund::RefundStatus;
use domain::{Outcome, OutcomeCode};
use testkit::shop::{at, refund_updated};
use testkit::world::World;

use crate::scene::{
    ask, cases, hear, one, order, owed, paid, refund_duplicate, report, row, status, tell,
};

/// An order over 100.00 with an approved refund of 40.00 under the key `r`.
fn refunding() -> World {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 4_000);
    world.sent.clear();
    world
}

fn last_failure(world: &World) -> Option<bool> {
    world.sent.iter().rev().find_map(|message| match &message.body {
        Body::RefundFailed { reversed, .. } => Some(*reversed),
        _ => None,
    })
}

#[test]
fn a_refund_that_succeeds_is_settled_and_announced_once() {
    let mut world = refunding();
    assert_eq!(hear(&mut world, "r", "submitted", "13:10:00"), Outcome::Applied);
    assert_eq!(status(&world, "r"), RefundStatus::Submitted);
    assert!(world.sent.is_empty());
    assert_eq!(hear(&mut world, "r", "succeeded", "13:20:00"), Outcome::Applied);
    assert_eq!(status(&world, "r"), RefundStatus::Succeeded);
    assert_eq!(one(&world, "r").settled_at, Some(at("13:20:00")));
    assert_eq!(world.sent_names(), ["refund.succeeded"]);
    assert_eq!(world.balance(Account::PspReceivable), 6_000);
    assert_eq!(owed(&world, Account::CustomerFunds), 6_000);
    world.check_books();
}

#[test]
fn case_062_a_submitted_refund_stays_submitted_until_its_provider_says_more() {
    let mut world = refunding();
    hear(&mut world, "r", "submitted", "13:10:00");
    let again = hear(&mut world, "r", "submitted", "13:40:00");
    assert_eq!(again, Outcome::Noop(OutcomeCode::DuplicateFact));
    assert_eq!(status(&world, "r"), RefundStatus::Submitted);
    assert_eq!(owed(&world, Account::RefundsPayable), 4_000);
    assert_eq!(world.sent_count("refund.execute"), 0);
}

#[test]
fn case_063_a_refund_that_fails_frees_its_money_and_nobody_was_told_otherwise() {
    for last_word in ["failed", "cancelled"] {
        let mut world = refunding();
        hear(&mut world, "r", "submitted", "13:10:00");
        assert_eq!(hear(&mut world, "r", last_word, "13:20:00"), Outcome::Applied);
        assert_eq!(status(&world, "r").to_string(), last_word);
        assert_eq!(world.sent_names(), ["refund.failed"]);
        assert_eq!(last_failure(&world), Some(false));
        assert_eq!(owed(&world, Account::CustomerFunds), 10_000);
        world.check_books();
    }
}

#[test]
fn case_063_money_that_may_not_stay_needs_a_person_when_its_refund_fails() {
    let mut world = paid(&[10_000]);
    refund_duplicate(&mut world, 2);
    hear(&mut world, "duplicate", "failed", "13:20:00");
    assert_eq!(cases(&world), [OutcomeCode::RefundFailed]);
    assert_eq!(owed(&world, Account::Suspense), 10_000);
    world.check_books();

    let mut world = refunding();
    let order = row(&world);
    let (status, closed_at) = (OrderStatus::Cancelled, Some(world.now));
    world.write(|draft| draft.put_order(Order { status, closed_at, ..order }, None));
    hear(&mut world, "r", "failed", "13:20:00");
    assert_eq!(cases(&world), [OutcomeCode::RefundFailed]);
}

#[test]
fn case_064_a_success_that_comes_back_is_reversed_and_needs_a_person() {
    for (word, code) in [("reversed", Some(OutcomeCode::RefundReversed)), ("failed", None)] {
        let mut world = refunding();
        hear(&mut world, "r", "succeeded", "13:10:00");
        assert_eq!(hear(&mut world, "r", word, "13:20:00"), Outcome::Applied);
        let refund = one(&world, "r");
        assert_eq!((refund.status, refund.code), (RefundStatus::Failed, code));
        assert_eq!(refund.settled_at, None);
        assert_eq!(last_failure(&world), Some(true));
        assert_eq!(cases(&world), [OutcomeCode::RefundReversed]);
        assert_eq!(world.balance(Account::PspReceivable), 10_000);
        assert_eq!(owed(&world, Account::CustomerFunds), 10_000);
        world.check_books();
    }
}

#[test]
fn case_064_a_reversal_that_overtakes_its_success_ends_the_same() {
    let mut world = refunding();
    hear(&mut world, "r", "reversed", "13:20:00");
    let late = hear(&mut world, "r", "succeeded", "13:10:00");
    assert_eq!(late, Outcome::Noop(OutcomeCode::Stale));
    assert_eq!(status(&world, "r"), RefundStatus::Failed);
    assert_eq!(world.sent_count("refund.succeeded"), 0);
    assert_eq!(owed(&world, Account::CustomerFunds), 10_000);
    world.check_books();
}

#[test]
fn a_success_after_a_failure_is_a_fact_and_within_the_money_no_incident() {
    let mut world = refunding();
    hear(&mut world, "r", "failed", "13:10:00");
    assert_eq!(hear(&mut world, "r", "succeeded", "13:20:00"), Outcome::Applied);
    assert_eq!(status(&world, "r"), RefundStatus::Succeeded);
    assert!(cases(&world).is_empty());
    assert_eq!(owed(&world, Account::CustomerFunds), 6_000);
    world.check_books();
}

#[test]
fn a_success_after_a_failure_that_takes_spent_money_needs_a_person() {
    let mut world = refunding();
    hear(&mut world, "r", "failed", "13:10:00");
    ask(&mut world, "all", 10_000);
    hear(&mut world, "r", "succeeded", "13:20:00");
    assert_eq!(cases(&world), [OutcomeCode::ExceedsRefundable]);
    assert_eq!(one(&world, "r").code, Some(OutcomeCode::ExceedsRefundable));
    assert_eq!(owed(&world, Account::CustomerFunds), -4_000);
    world.check_books();
}

#[test]
fn progress_after_a_last_word_is_stale_whatever_its_time() {
    for last_word in ["succeeded", "failed", "cancelled", "reversed"] {
        for progress in ["submitted", "requires_action"] {
            let mut world = refunding();
            hear(&mut world, "r", last_word, "13:10:00");
            let before = one(&world, "r");
            let late = hear(&mut world, "r", progress, "13:20:00");
            assert_eq!(late, Outcome::Noop(OutcomeCode::Stale));
            assert_eq!(one(&world, "r"), before);
        }
    }
}

#[test]
fn the_later_of_two_last_words_counts_in_either_order() {
    for order in [["failed", "succeeded"], ["succeeded", "failed"]] {
        let mut world = refunding();
        for word in order {
            let time = if word == "failed" { "13:10:00" } else { "13:20:00" };
            hear(&mut world, "r", word, time);
        }
        assert_eq!(status(&world, "r"), RefundStatus::Succeeded);
        assert_eq!(world.balance(Account::PspReceivable), 6_000);
    }
}

#[test]
fn a_provider_whose_clock_is_behind_ours_is_heard() {
    let mut world = refunding();
    assert_eq!(hear(&mut world, "r", "submitted", "12:59:58"), Outcome::Applied);
    assert_eq!(status(&world, "r"), RefundStatus::Submitted);
}

#[test]
fn case_014_a_report_from_the_future_does_not_shadow_later_ones() {
    let mut world = refunding();
    let from_the_future = report(&one(&world, "r"), "failed", "23:00:00");
    assert_eq!(tell(&mut world, &from_the_future), Outcome::Applied);
    assert_eq!(one(&world, "r").last_event_at, at("13:00:00"));
    assert_eq!(hear(&mut world, "r", "succeeded", "13:50:00"), Outcome::Applied);
}

#[test]
fn a_report_finds_its_refund_by_the_providers_reference() {
    let mut world = refunding();
    hear(&mut world, "r", "submitted", "13:10:00");
    let by_ref = report(&one(&world, "r"), "succeeded", "13:20:00")
        .with("refund_id", serde_json::Value::Null);
    assert_eq!(tell(&mut world, &by_ref), Outcome::Applied);
    assert_eq!(status(&world, "r"), RefundStatus::Succeeded);
}

#[test]
fn a_stale_report_still_tells_the_providers_reference() {
    let mut world = refunding();
    let refund = one(&world, "r");
    let nameless =
        report(&refund, "succeeded", "13:20:00").with("provider_ref", serde_json::Value::Null);
    tell(&mut world, &nameless);
    assert_eq!(hear(&mut world, "r", "submitted", "13:10:00"), Outcome::Noop(OutcomeCode::Stale));
    assert_eq!(one(&world, "r").provider_ref.unwrap().to_string(), format!("re-{}", refund.id));
}

/// The report is set aside for a person, and the refund stays as it is.
fn check_set_aside(world: &mut World, event: &testkit::shop::ShopEvent, code: OutcomeCode) {
    let refunds = world.state.refunds.clone();
    assert_eq!(tell(world, event), Outcome::Quarantined(code));
    assert_eq!(cases(world), [code]);
    assert_eq!(world.state.refunds, refunds);
}

#[test]
fn a_report_on_a_refund_that_is_not_ours_is_set_aside() {
    let mut world = refunding();
    let foreign = refund_updated(order(), uuid::Uuid::from_u128(7).into(), "succeeded");
    check_set_aside(&mut world, &foreign, OutcomeCode::UnknownRefund);
}

#[test]
fn a_report_on_a_refund_that_was_never_ordered_is_set_aside() {
    let mut world = paid(&[100_000]);
    ask(&mut world, "large", 60_000);
    let early = report(&one(&world, "large"), "succeeded", "13:10:00");
    check_set_aside(&mut world, &early, OutcomeCode::UnknownRefund);

    let mut world = paid(&[10_000]);
    ask(&mut world, "r", 10_001);
    let refused = report(&one(&world, "r"), "succeeded", "13:10:00");
    check_set_aside(&mut world, &refused, OutcomeCode::UnknownRefund);
}

#[test]
fn a_report_of_another_amount_is_set_aside() {
    let mut world = refunding();
    let amount = serde_json::json!({"amount_minor": 4_001, "currency": "EUR"});
    let other = report(&one(&world, "r"), "succeeded", "13:10:00").with("amount", amount);
    check_set_aside(&mut world, &other, OutcomeCode::FactConflict);
}

#[test]
fn a_reference_that_belongs_to_another_refund_is_set_aside() {
    let mut world = refunding();
    hear(&mut world, "r", "submitted", "13:10:00");
    ask(&mut world, "s", 1_000);
    let taken = one(&world, "r").provider_ref.unwrap();
    let stolen =
        report(&one(&world, "s"), "submitted", "13:10:00").with("provider_ref", taken.to_string());
    check_set_aside(&mut world, &stolen, OutcomeCode::FactConflict);
}

#[test]
fn a_second_reference_for_one_refund_is_set_aside_as_it_may_have_been_made_twice() {
    let mut world = refunding();
    hear(&mut world, "r", "submitted", "13:10:00");
    let second = report(&one(&world, "r"), "succeeded", "13:20:00").with("provider_ref", "re-2");
    check_set_aside(&mut world, &second, OutcomeCode::FactConflict);
}

#[test]
fn case_065_a_refund_of_our_own_settles_out_of_suspense() {
    let mut world = paid(&[10_000]);
    refund_duplicate(&mut world, 2);
    hear(&mut world, "duplicate", "succeeded", "13:20:00");
    assert_eq!(owed(&world, Account::Suspense), 0);
    assert_eq!(world.balance(Account::PspReceivable), 10_000);
    let asked_again = ask(&mut world, "duplicate", 10_000);
    assert_eq!(asked_again, Outcome::Noop(OutcomeCode::DuplicateFact));
    world.check_books();
}
