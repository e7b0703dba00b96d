//! Orders that are not paid in time, or called off, and what money does to them later.

use contracts::events::PaymentOutcome::{Authorized, Captured, Processing};
use domain::order::OrderStatus::{Cancelled, Expired};
use domain::payment::{AttemptStatus, Classification};
use domain::refund::RefundStatus;
use domain::unapplied::UnappliedCause;
use rand::RngExt as _;
use serde_json::json;
use std::time::Duration;

use super::facts::{Fact, Facts};
use super::message::Moment;
use super::plot::{PATIENT, Plot};
use super::story::{at, on};
use super::{Scenario, scenario, slow};
use crate::choices::PATIENT_MERCHANT;

/// A payment window that has room for a few events before its end.
const HASTY: u64 = 8_000;

/// The name of the story with a panic; a day has only a few of them.
pub(super) const PANICKING: &str = "payment that makes its worker panic";

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario("never paid", 90, never_paid),
    scenario("consent taken back, never paid", 10, consent_taken_back),
    scenario("declined and never paid", 30, declined_only),
    scenario("late payment", 50, late_payment),
    scenario("late notification", 30, late_notification),
    scenario("expired, then paid with its stock", 15, reinstated),
    scenario("expired, its stock sold", 10, sold_out),
    scenario("paid in part, then expired", 15, part_payment),
    scenario("authorised, then expired", 15, authorised_only),
    slow("payment hangs, then expires", 10, hangs),
    slow("payment hangs, expires, and comes", 8, hangs_and_comes),
    scenario("payment hangs, and is found paid", 12, found_paid),
    scenario("payment and deadline at once", 25, photo_finish),
    scenario("cancelled", 35, cancelled),
    scenario("cancelled, then paid", 15, cancelled_then_paid),
    scenario("cancelled, then authorised", 8, cancelled_then_authorised),
    scenario("cancelled after payment", 12, cancelled_too_late),
    scenario("payment and cancellation at once", 15, cancel_race),
    slow("payment without an order", 12, orphaned),
    slow(PANICKING, 1, panicking),
];

/// The order is closed, and money that came too late went back.
fn closed_and_refunded(plot: &mut Plot, status: domain::order::OrderStatus) {
    plot.ends(
        Plot::closed(status)
            .attempt(AttemptStatus::Captured)
            .captures(Classification::Late, 1)
            .refunds(RefundStatus::Succeeded, 1),
    );
}

fn never_paid(plot: &mut Plot) {
    let window = plot.rng.random_range(3_000..12_000);
    plot.place(window);
    plot.ends(Plot::closed(Expired));
}

fn consent_taken_back(plot: &mut Plot) {
    // Given long before the day.
    let given = "2026-01-01T00:00:00Z";
    let consent = json!({"marketing": true, "recovery": true, "at": given, "version": "2026-01"});
    plot.place(HASTY).set("consent", consent);
    plot.takes_back_consent(at(700));
    plot.ends(Plot::closed(Expired));
}

fn declined_only(plot: &mut Plot) {
    plot.place(HASTY);
    let card = plot.attempt();
    plot.declined(at(400), &card);
    plot.ends(Plot::closed(Expired).attempt(AttemptStatus::Declined));
}

fn late_payment(plot: &mut Plot) {
    let window = plot.rng.random_range(3_000..7_000);
    plot.place(window);
    let card = plot.attempt();
    let pause = plot.rng.random_range(0..800);
    plot.captured(on("order.expired").later(pause), &card);
    closed_and_refunded(plot, Expired);
}

fn late_notification(plot: &mut Plot) {
    plot.place(5_000);
    let card = plot.attempt();
    let in_time = Moment::At(Duration::from_secs(2));
    plot.captured(on("order.expired"), &card).set_time("occurred_at", in_time);
    closed_and_refunded(plot, Expired);
}

/// Paid in time, told late, at the merchant who asks for the stock of such orders again.
fn told_late(plot: &mut Plot) {
    plot.place(5_000).set("merchant_id", PATIENT_MERCHANT);
    let card = plot.attempt();
    let in_time = Moment::At(Duration::from_secs(2));
    plot.captured(on("order.expired"), &card).set_time("occurred_at", in_time);
}

fn reinstated(plot: &mut Plot) {
    told_late(plot);
    let again = format!("{}-again", plot.order());
    plot.replies(on("inventory.reserve_requested").later(200), "reserved")
        .set("reservation_id", again);
    // The stock went back once, when the order expired.
    plot.ends(plot.paid().released());
}

fn sold_out(plot: &mut Plot) {
    told_late(plot);
    plot.replies(on("inventory.reserve_requested").later(200), "refused");
    closed_and_refunded(plot, Expired);
}

fn part_payment(plot: &mut Plot) {
    plot.place(HASTY);
    let card = plot.attempt();
    let part = plot.part(3);
    plot.report(at(300), &card, Captured, part);
    plot.ends(
        Plot::closed(Expired)
            .attempt(AttemptStatus::Captured)
            .captures(Classification::Normal, 1)
            .refunds(RefundStatus::Succeeded, 1),
    );
}

fn authorised_only(plot: &mut Plot) {
    plot.place(HASTY);
    let card = plot.attempt();
    plot.report(at(300), &card, Authorized, plot.total);
    plot.ends(Plot::closed(Expired).attempt(AttemptStatus::Voided));
}

fn hangs(plot: &mut Plot) {
    plot.place(HASTY);
    let card = plot.attempt();
    plot.report(at(300), &card, Processing, plot.total);
    // The provider is told to end it, and does.
    plot.ends(Plot::closed(Expired).attempt(AttemptStatus::Voided));
}

fn hangs_and_comes(plot: &mut Plot) {
    plot.place(HASTY);
    let card = plot.attempt();
    plot.report(at(300), &card, Processing, plot.total);
    plot.captured(on("order.expired").later(300), &card);
    closed_and_refunded(plot, Expired);
}

fn found_paid(plot: &mut Plot) {
    plot.place(HASTY);
    let card = plot.attempt();
    plot.report(at(300), &card, Processing, plot.total);
    plot.captured(on("payment.status_check_requested").later(100), &card);
    plot.ends(plot.paid());
}

/// Exactly one of paid, and expired with the money back; never both, never neither (case 2).
fn photo_finish(plot: &mut Plot) {
    let window = 5_000;
    plot.place(window);
    let card = plot.attempt();
    // Timers ride in whole seconds, so the race is for the second after the deadline.
    let when = at(window + plot.rng.random_range(0..1_200));
    plot.captured(when, &card);
    plot.ends(plot.paid());
    closed_and_refunded(plot, Expired);
}

fn cancelled(plot: &mut Plot) {
    plot.place(PATIENT);
    plot.cancel(at(400));
    plot.ends(Plot::closed(Cancelled));
}

fn cancelled_then_paid(plot: &mut Plot) {
    plot.place(PATIENT);
    plot.cancel(at(300));
    let card = plot.attempt();
    plot.captured(on("order.cancelled").later(200), &card);
    closed_and_refunded(plot, Cancelled);
}

fn cancelled_then_authorised(plot: &mut Plot) {
    plot.place(PATIENT);
    plot.cancel(at(300));
    let card = plot.attempt();
    plot.report(on("order.cancelled"), &card, Authorized, plot.total);
    plot.ends(Plot::closed(Cancelled).attempt(AttemptStatus::Voided));
}

fn cancelled_too_late(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.captured(at(300), &card);
    plot.cancel(on("order.paid"));
    plot.ends(plot.paid());
}

fn cancel_race(plot: &mut Plot) {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.captured(at(500), &card);
    plot.cancel(at(500));
    plot.ends(plot.paid());
    closed_and_refunded(plot, Cancelled);
}

fn orphaned(plot: &mut Plot) {
    let card = plot.attempt();
    plot.captured(at(0), &card);
    plot.ends(Facts::default().with(Fact::Unapplied(UnappliedCause::Orphan), 1));
}

/// The payment is tried again over the ladder and then waits for a person; the order expires.
fn panicking(plot: &mut Plot) {
    plot.place(12_000);
    let card = plot.attempt();
    plot.captured(at(300), &card);
    plot.latest_panics();
    plot.ends(Plot::closed(Expired));
}
