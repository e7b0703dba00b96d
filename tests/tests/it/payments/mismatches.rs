//! Reports that contradict their order or their attempt.

use contracts::events::PaymentOutcome;
use domain::unapplied::UnappliedCause;
use domain::{Decision, OutcomeCode};
use serde_json::json;
use testkit::world::World;

use crate::payments::scene::{
    after, attempt, capture, check_attempt, check_books, check_order, check_quarantined, money,
    paid, placed, report, tell_all,
};

/// The money that was kept beside the order, and why.
fn check_kept(decision: &Decision, amount_minor: i64, currency: &str, cause: UnappliedCause) {
    let kept: Vec<_> = decision.changes.unapplied.iter().map(|m| (m.amount, m.cause)).collect();
    assert_eq!(kept, [(money(amount_minor, currency), cause)]);
}

#[test]
fn case_042_money_for_another_merchant_is_kept_beside_the_order() {
    let mut world = placed();
    let event = capture(1, 10_000).with("merchant_id", "m-2");
    let decision = check_quarantined(&mut world, &event, OutcomeCode::MerchantMismatch);
    check_kept(&decision, 10_000, "EUR", UnappliedCause::MerchantMismatch);
}

#[test]
fn case_042_the_right_merchant_is_welcome() {
    let mut world = placed();
    tell_all(&mut world, &[capture(1, 10_000).with("merchant_id", "m-1")]);
}

#[test]
fn case_042_a_capture_that_is_recorded_already_is_not_kept_again() {
    let mut world = paid();
    let event = capture(1, 10_000).with("merchant_id", "m-2");
    let decision = check_quarantined(&mut world, &event, OutcomeCode::MerchantMismatch);
    assert!(decision.changes.unapplied.is_empty());
}

#[test]
fn case_051_money_in_another_currency_is_kept_in_its_own() {
    let mut world = placed();
    let event = capture(1, 1).with("amount", json!({"amount_minor": 5_800, "currency": "JPY"}));
    let decision = check_quarantined(&mut world, &event, OutcomeCode::CurrencyMismatch);
    check_kept(&decision, 5_800, "JPY", UnappliedCause::CurrencyMismatch);
    check_order(&world, domain::order::OrderStatus::PendingPayment);
    check_books(&world, 0, 0, 0);
}

#[test]
fn case_051_a_report_without_money_in_another_currency_keeps_nothing() {
    let mut world = placed();
    let yen = json!({"amount_minor": 5_800, "currency": "JPY"});
    let event = report(1, PaymentOutcome::Authorized, 1).with("amount", yen);
    let decision = check_quarantined(&mut world, &event, OutcomeCode::CurrencyMismatch);
    assert!(decision.changes.unapplied.is_empty());
}

#[test]
fn an_authorised_amount_in_another_currency_is_not_taken_for_ours() {
    let mut world = placed();
    let yen = json!({"amount_minor": 1, "currency": "JPY"});
    tell_all(&mut world, &[capture(1, 10_000).with("authorized", yen)]);
    check_attempt(&world, 1, domain::payment::AttemptStatus::Captured);
}

/// A world in which the first attempt is known, and a capture that contradicts who it is.
fn check_identity(world: &mut World, field: &str, value: &str) {
    let event = capture(1, 10_000).with(field, value);
    let decision = check_quarantined(world, &event, OutcomeCode::FactConflict);
    check_kept(&decision, 10_000, "EUR", UnappliedCause::FactConflict);
}

#[test]
fn an_attempt_has_one_reference_and_a_reference_one_attempt() {
    let known = || after(placed(), &[report(1, PaymentOutcome::Processing, 10_000)]);
    check_identity(&mut known(), "provider", "other");
    check_identity(&mut known(), "provider_ref", "pay-other");
    check_identity(&mut known(), "attempt_id", &attempt(2).to_string());
}

#[test]
fn a_capture_under_another_attempt_id_is_no_further_money() {
    let mut world = paid();
    let event = capture(1, 10_000).with("attempt_id", attempt(2).to_string());
    let decision = check_quarantined(&mut world, &event, OutcomeCode::FactConflict);
    assert!(decision.changes.unapplied.is_empty());
}
