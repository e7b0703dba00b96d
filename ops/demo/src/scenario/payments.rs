//! Orders that are paid, one way or another.

use contracts::events::PaymentOutcome::{
    Authorized, CaptureFailed, Captured, Processing, RequiresAction,
};
use domain::order::OrderStatus;
use domain::payment::{AttemptStatus, Classification};
use domain::refund::RefundStatus;
use domain::unapplied::UnappliedCause;
use rand::RngExt as _;
use serde_json::json;

use super::facts::{Fact, Facts};
use super::plot::{PATIENT, Plot};
use super::story::{at, on};
use super::{Scenario, scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario("paid at once", 300, paid_at_once),
    scenario("paid at the second attempt", 80, second_attempt),
    scenario("paid after authentication", 60, authenticated),
    scenario("paid in three captures", 30, three_captures),
    scenario("free of charge", 20, free),
    scenario("payment before its order", 50, payment_first),
    scenario("paid twice", 30, paid_twice),
    scenario("paid too much", 15, paid_too_much),
    scenario("captured more than authorised", 8, above_authorisation),
    scenario("the same fact from two messages", 15, same_fact_twice),
    scenario("capture that failed after all", 8, capture_failed),
    scenario("same id, another body", 10, id_reused),
    scenario("paid in another currency", 8, wrong_currency),
    scenario("paid to another merchant", 6, wrong_merchant),
    scenario("one fact, two amounts", 6, two_amounts),
    scenario("order placed twice", 10, placed_twice),
];

fn paid_at_once(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    let when = at(plot.rng.random_range(50..1_500));
    plot.captured(when, &card);
    plot.ends(plot.paid());
}

fn second_attempt(plot: &mut Plot) {
    plot.place(PATIENT);
    let (card, wallet) = (plot.attempt(), plot.attempt());
    plot.declined(at(200), &card);
    plot.captured(at(900), &wallet).set("method", json!({"type": "wallet"}));
    plot.ends(plot.paid().attempt(AttemptStatus::Declined));
}

fn authenticated(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.report(at(100), &card, RequiresAction, plot.total);
    plot.report(at(500), &card, Processing, plot.total).set("three_ds", "authenticated");
    plot.report(at(700), &card, Authorized, plot.total);
    plot.captured(at(900), &card);
    plot.ends(plot.paid());
}

fn three_captures(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.report(at(100), &card, Authorized, plot.total);
    for number in 1..=3 {
        let (part, total) = (plot.part(3), plot.total);
        plot.report(at(100 + 300 * number), &card, Captured, part)
            .set("capture_ref", format!("{}-{number}", card.provider_ref))
            .set("authorized", json!(total));
    }
    plot.ends(plot.paid().captures(Classification::Normal, 2));
}

fn free(plot: &mut Plot) {
    let nothing = plot.amount(0);
    plot.place(PATIENT).set("total", json!(nothing));
    plot.ends(Facts::order(OrderStatus::Paid));
}

fn payment_first(plot: &mut Plot) {
    let card = plot.attempt();
    plot.captured(at(0), &card);
    let when = at(plot.rng.random_range(100..1_500));
    plot.place_at(when, PATIENT);
    plot.ends(plot.paid());
}

fn paid_twice(plot: &mut Plot) {
    plot.place(PATIENT);
    let (first, second) = (plot.attempt(), plot.attempt());
    plot.captured(at(300), &first);
    plot.captured(at(310), &second);
    plot.ends(
        plot.paid()
            .attempt(AttemptStatus::Captured)
            .captures(Classification::Duplicate, 1)
            .refunds(RefundStatus::Succeeded, 1),
    );
}

fn paid_too_much(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    let more = plot.amount(plot.total.minor() + 250);
    plot.report(at(300), &card, Captured, more);
    let one_capture = Facts::order(OrderStatus::Paid).attempt(AttemptStatus::Captured);
    plot.ends(overpaid(one_capture, plot));
}

fn above_authorisation(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    let (more, authorized) = (plot.amount(plot.total.minor() + 75), plot.total);
    plot.report(at(300), &card, Captured, more).set("authorized", json!(authorized));
    let in_review = Facts::order(OrderStatus::Paid).attempt(AttemptStatus::Review);
    plot.ends(overpaid(in_review, plot));
}

/// The excess went back, the rest is kept.
fn overpaid(facts: Facts, plot: &Plot) -> Facts {
    facts.captures(Classification::Overpaid, 1).refunds(RefundStatus::Succeeded, 1).kept(plot.total)
}

fn same_fact_twice(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.captured(at(200), &card);
    plot.captured(at(200), &card);
    plot.ends(plot.paid());
}

fn capture_failed(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.captured(at(200), &card);
    plot.report(on("order.paid").later(300), &card, CaptureFailed, plot.total);
    plot.ends(Facts::order(OrderStatus::Paid).attempt(AttemptStatus::CaptureFailed));
}

/// The second body is published once the first is known, so that it is the second one.
fn id_reused(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.captured(at(200), &card);
    let another = plot.part(2);
    plot.report(on("order.paid"), &card, Captured, another);
    plot.latest_reuses_an_id();
    plot.ends(plot.paid());
}

fn wrong_currency(plot: &mut Plot) {
    plot.place(PATIENT);
    let (foreign, card) = (plot.attempt(), plot.attempt());
    let amount = json!({"amount_minor": plot.total.minor(), "currency": "CHF"});
    plot.captured(at(200), &foreign).set("amount", amount);
    plot.latest_is_refused("currency-mismatch");
    plot.captured(at(600), &card);
    plot.ends(plot.paid().with(Fact::Unapplied(UnappliedCause::CurrencyMismatch), 1));
}

fn wrong_merchant(plot: &mut Plot) {
    plot.place(PATIENT);
    let (misdirected, card) = (plot.attempt(), plot.attempt());
    plot.captured(at(200), &misdirected).set("merchant_id", "m-2");
    plot.latest_is_refused("merchant-mismatch");
    plot.captured(at(600), &card);
    plot.ends(plot.paid().with(Fact::Unapplied(UnappliedCause::MerchantMismatch), 1));
}

fn two_amounts(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.captured(at(200), &card);
    let another = plot.part(2);
    plot.report(on("order.paid"), &card, Captured, another);
    plot.latest_is_refused("fact-conflict");
    plot.ends(plot.paid());
}

fn placed_twice(plot: &mut Plot) {
    plot.place(PATIENT);
    plot.place_at(at(150), PATIENT);
    let card = plot.attempt();
    plot.captured(at(500), &card);
    plot.ends(plot.paid());
}
