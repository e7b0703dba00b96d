//! Paid orders whose buyers contest the payment.

use std::time::Duration;

use contracts::events::DisputeStage::{Chargeback, Inquiry};
use contracts::{DisputeId, Money};
use domain::dispute::DisputeStatus::{Accepted, Lost, Withdrawn, Won};
use domain::ledger::Account;
use domain::refund::RefundStatus;
use serde_json::{Value, json};

use super::facts::{Fact, Facts};
use super::message::Moment;
use super::plot::{Attempt, PATIENT, Plot};
use super::story::{at, on};
use super::{Scenario, scenario, slow};

/// How long before its deadline evidence is handed in by itself.
const SUBMITTED_BEFORE_DUE: Duration = Duration::from_hours(6);

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario("dispute won", 20, won),
    scenario("dispute lost", 20, lost),
    scenario("part of a payment disputed and lost", 8, part_lost),
    scenario("dispute lost, then won", 8, lost_then_won),
    scenario("inquiry becomes a chargeback", 10, escalated),
    scenario("inquiry settled by a refund", 8, settled_by_refund),
    scenario("dispute before its payment", 12, before_payment),
    scenario("dispute that names no order", 10, nameless),
    scenario("verdict before the dispute", 6, verdict_first),
    scenario("dispute that cannot be answered", 6, unanswerable),
    scenario("dispute's deadline missed", 10, deadline_missed),
    scenario("evidence handed in before the deadline", 8, evidence_in_time),
    scenario("evidence of the seller", 8, evidence_of_the_seller),
    scenario("inquiry decided for the buyer", 8, mediated_for_buyer),
    scenario("inquiry decided for the seller", 6, mediated_for_seller),
    scenario("refund during a chargeback", 8, refund_refused),
    scenario("chargeback of what was refunded", 8, double_loss),
    slow("dispute of an unknown payment", 5, unknown_payment),
];

/// What the provider charges for each dispute.
fn fee(plot: &Plot) -> Money {
    plot.amount(15)
}

fn paid(plot: &mut Plot) -> Attempt {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.captured(at(300), &card);
    card
}

/// A paid order with a chargeback over all of it; the provider charges its fee.
fn charged_back(plot: &mut Plot) -> DisputeId {
    let card = paid(plot);
    let (dispute, amount, fee) = (plot.dispute(), plot.total, fee(plot));
    plot.opened(on("order.paid").later(300), dispute, &card, "chargeback", amount)
        .set("fee", json!(fee));
    dispute
}

/// The order stays paid, and the provider has its fee.
fn with_fee(plot: &Plot) -> Facts {
    plot.paid().moved(Account::DisputeFees, Account::PspReceivable, fee(plot))
}

/// The buyer has so much back by a dispute.
fn given_up(facts: Facts, amount: Money) -> Facts {
    facts.moved(Account::CustomerFunds, Account::PspReceivable, amount)
}

fn won(plot: &mut Plot) {
    let dispute = charged_back(plot);
    let evidence = on("dispute.evidence_requested");
    plot.updated(evidence.later(300), dispute, "chargeback", "under_review");
    plot.updated(evidence.later(900), dispute, "chargeback", "won");
    plot.ends(with_fee(plot).dispute(Chargeback, Won));
}

fn lost(plot: &mut Plot) {
    let dispute = charged_back(plot);
    let evidence = on("dispute.evidence_requested");
    plot.updated(evidence.later(300), dispute, "chargeback", "under_review");
    plot.updated(evidence.later(900), dispute, "chargeback", "lost");
    plot.ends(given_up(with_fee(plot), plot.total).dispute(Chargeback, Lost));
}

fn part_lost(plot: &mut Plot) {
    let card = paid(plot);
    let (dispute, part) = (plot.dispute(), plot.part(4));
    plot.opened(on("order.paid"), dispute, &card, "chargeback", part);
    plot.updated(on("dispute.evidence_requested").later(300), dispute, "chargeback", "lost");
    plot.ends(given_up(plot.paid(), part).dispute(Chargeback, Lost));
}

fn lost_then_won(plot: &mut Plot) {
    let dispute = charged_back(plot);
    plot.updated(on("dispute.evidence_requested"), dispute, "chargeback", "lost");
    plot.updated(on("dispute.lost").later(500), dispute, "chargeback", "won");
    plot.ends(with_fee(plot).dispute(Chargeback, Won));
}

fn escalated(plot: &mut Plot) {
    let card = paid(plot);
    let (dispute, amount, fee) = (plot.dispute(), plot.total, fee(plot));
    plot.opened(on("order.paid"), dispute, &card, "inquiry", amount);
    let opened = on("dispute.opened_ack");
    plot.updated(opened.later(300), dispute, "chargeback", "needs_response")
        .set("fee", json!(fee))
        .set_time("evidence_due_at", Moment::At(Duration::from_hours(48)));
    plot.updated(opened.later(900), dispute, "chargeback", "lost").set("fee", json!(fee));
    plot.ends(given_up(with_fee(plot), amount).dispute(Chargeback, Lost));
}

fn settled_by_refund(plot: &mut Plot) {
    let card = paid(plot);
    let (dispute, amount) = (plot.dispute(), plot.total);
    plot.opened(on("order.paid"), dispute, &card, "inquiry", amount);
    plot.refund(on("dispute.opened_ack"), "goodwill", None);
    plot.updated(on("refund.succeeded").later(300), dispute, "inquiry", "withdrawn");
    let settled = given_up(plot.paid(), amount).dispute(Inquiry, Withdrawn);
    plot.ends(settled.refunds(RefundStatus::Succeeded, 1));
}

fn before_payment(plot: &mut Plot) {
    let card = plot.attempt();
    let (dispute, amount) = (plot.dispute(), plot.total);
    plot.opened(at(0), dispute, &card, "chargeback", amount);
    plot.place_at(at(700), PATIENT);
    plot.captured(at(1_200), &card);
    plot.updated(on("dispute.evidence_requested").later(200), dispute, "chargeback", "won");
    plot.ends(plot.paid().dispute(Chargeback, Won));
}

/// Found by the payment, and later by the dispute's own reference.
fn nameless(plot: &mut Plot) {
    let card = paid(plot);
    let (dispute, amount) = (plot.dispute(), plot.total);
    let opened = plot.opened(at(600), dispute, &card, "chargeback", amount);
    opened.data.remove("order_id");
    opened.subject = None;
    let verdict = on("dispute.evidence_requested").later(300);
    let updated = plot.updated(verdict, dispute, "chargeback", "lost");
    updated.data.remove("order_id");
    updated.subject = None;
    plot.ends(given_up(plot.paid(), amount).dispute(Chargeback, Lost));
}

fn verdict_first(plot: &mut Plot) {
    let card = paid(plot);
    let (dispute, amount) = (plot.dispute(), plot.total);
    plot.updated(on("order.paid"), dispute, "chargeback", "won")
        .set("amount", json!(amount))
        .set("payment_ref", card.provider_ref.clone());
    let opened = plot.opened(on("dispute.won").later(200), dispute, &card, "chargeback", amount);
    opened.set_time("opened_at", Moment::At(Duration::from_millis(300)));
    plot.ends(plot.paid().dispute(Chargeback, Won));
}

fn unanswerable(plot: &mut Plot) {
    let card = paid(plot);
    let (dispute, amount) = (plot.dispute(), plot.total);
    let opened = plot.opened(on("order.paid"), dispute, &card, "chargeback", amount);
    opened.times.retain(|(field, _)| *field != "evidence_due_at");
    opened.set("evidence_due_at", Value::Null);
    plot.ends(given_up(plot.paid(), amount).dispute(Chargeback, Accepted));
}

fn deadline_missed(plot: &mut Plot) {
    let card = paid(plot);
    let (dispute, amount) = (plot.dispute(), plot.total);
    plot.opened(at(800), dispute, &card, "chargeback", amount)
        .set_time("evidence_due_at", Moment::At(Duration::from_secs(7)));
    plot.updated(on("dispute.escalated").later(300), dispute, "chargeback", "lost");
    let missed = given_up(plot.paid(), amount).dispute(Chargeback, Lost);
    plot.ends(missed.with(Fact::DeadlineMissed, 1));
}

fn evidence_in_time(plot: &mut Plot) {
    let card = paid(plot);
    let (dispute, amount) = (plot.dispute(), plot.total);
    let due = SUBMITTED_BEFORE_DUE + Duration::from_secs(6);
    plot.opened(at(800), dispute, &card, "chargeback", amount)
        .set_time("evidence_due_at", Moment::At(due));
    let submitted = on("dispute.evidence_submit");
    plot.updated(submitted.later(200), dispute, "chargeback", "under_review");
    plot.updated(submitted.later(600), dispute, "chargeback", "won");
    plot.ends(plot.paid().dispute(Chargeback, Won));
}

/// The seller answers in time; what comes for a second time is refused and changes nothing.
fn evidence_of_the_seller(plot: &mut Plot) {
    let dispute = charged_back(plot);
    plot.evidence(on("dispute.evidence_requested").later(300), dispute);
    let submitted = on("dispute.evidence_submit");
    plot.evidence(submitted.later(200), dispute);
    plot.updated(submitted.later(400), dispute, "chargeback", "under_review");
    plot.updated(submitted.later(900), dispute, "chargeback", "won");
    plot.ends(with_fee(plot).dispute(Chargeback, Won));
}

/// An inquiry about all of a paid order.
fn inquired(plot: &mut Plot) -> DisputeId {
    let card = paid(plot);
    let (dispute, amount) = (plot.dispute(), plot.total);
    plot.opened(on("order.paid"), dispute, &card, "inquiry", amount);
    dispute
}

fn mediated_for_buyer(plot: &mut Plot) {
    let dispute = inquired(plot);
    plot.mediated(on("dispute.evidence_requested").later(300), dispute, "buyer");
    let settled = given_up(plot.paid(), plot.total).dispute(Inquiry, Accepted);
    plot.ends(settled.refunds(RefundStatus::Succeeded, 1));
}

fn mediated_for_seller(plot: &mut Plot) {
    let dispute = inquired(plot);
    plot.mediated(on("dispute.evidence_requested").later(300), dispute, "seller");
    plot.updated(on("dispute.evidence_submit").later(300), dispute, "inquiry", "withdrawn");
    plot.ends(plot.paid().dispute(Inquiry, Withdrawn));
}

fn refund_refused(plot: &mut Plot) {
    let dispute = charged_back(plot);
    let half = plot.part(2);
    plot.refund(on("dispute.opened_ack"), "during", Some(half));
    plot.updated(on("refund.rejected").later(200), dispute, "chargeback", "won");
    let kept = with_fee(plot).dispute(Chargeback, Won);
    plot.ends(kept.refunds(RefundStatus::Rejected, 1));
}

/// The buyer has the money twice; what is lost beyond the buyer's funds is ours.
fn double_loss(plot: &mut Plot) {
    let card = paid(plot);
    plot.refund(on("order.paid"), "all", None);
    let (dispute, amount) = (plot.dispute(), plot.total);
    plot.opened(on("refund.succeeded"), dispute, &card, "chargeback", amount);
    plot.updated(on("dispute.evidence_submit").later(300), dispute, "chargeback", "lost");
    let lost_twice = given_up(plot.paid(), amount)
        .moved(Account::DisputeLosses, Account::PspReceivable, amount)
        .dispute(Chargeback, Lost);
    plot.ends(lost_twice.refunds(RefundStatus::Succeeded, 1));
}

/// Neither its order nor its payment ever comes.
fn unknown_payment(plot: &mut Plot) {
    let card = plot.attempt();
    let (dispute, amount) = (plot.dispute(), plot.total);
    plot.opened(at(0), dispute, &card, "chargeback", amount);
    plot.ends(Facts::default());
}
