//! Paid orders whose buyers want money back.
//!
//! Requests that compete are of equal amounts, so that it does not matter which of them come first.

use domain::ledger::Account;

use domain::order::OrderStatus;
use domain::refund::RefundStatus::{Failed, PendingReview, Rejected, Succeeded};

use super::facts::Facts;
use super::plot::{Attempt, PATIENT, Plot};
use super::story::{RefundAnswer, at, on};
use super::{Scenario, scenario, slow};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario("refunded in full", 30, in_full),
    scenario("refunded in parts, and one too many", 25, in_parts),
    scenario("competing refunds", 20, competing),
    scenario("refund asked for twice", 10, asked_twice),
    scenario("one request, two amounts", 6, two_amounts),
    scenario("refund before its payment", 15, before_payment),
    scenario("refund fails, the next one works", 12, fails_once),
    scenario("refund comes back", 10, comes_back),
    scenario("refund above the limit", 6, above_limit),
    slow("refund of an unpaid order", 8, of_unpaid),
];

fn paid(plot: &mut Plot) -> Attempt {
    plot.place(PATIENT);
    let card = plot.attempt();
    plot.captured(at(300), &card);
    card
}

/// The order is paid and everything went back.
fn refunded(plot: &Plot) -> Facts {
    plot.paid().moved(Account::CustomerFunds, Account::PspReceivable, plot.total)
}

fn in_full(plot: &mut Plot) {
    paid(plot);
    plot.refund(on("order.paid").later(400), "all", None);
    plot.ends(refunded(plot).refunds(Succeeded, 1));
}

fn in_parts(plot: &mut Plot) {
    paid(plot);
    for number in 0..4 {
        let part = plot.part(3);
        plot.refund(on("order.paid").later(200 * number), &format!("part-{number}"), Some(part));
    }
    plot.ends(refunded(plot).refunds(Succeeded, 3).refunds(Rejected, 1));
}

fn competing(plot: &mut Plot) {
    paid(plot);
    for number in 0..5 {
        let half = plot.part(2);
        plot.refund(on("order.paid"), &format!("half-{number}"), Some(half));
    }
    plot.ends(refunded(plot).refunds(Succeeded, 2).refunds(Rejected, 3));
}

fn asked_twice(plot: &mut Plot) {
    paid(plot);
    for pause in [0, 100] {
        let part = plot.part(4);
        plot.refund(on("order.paid").later(pause), "same", Some(part));
    }
    let back = plot.part(4);
    let kept = plot.paid().moved(Account::CustomerFunds, Account::PspReceivable, back);
    plot.ends(kept.refunds(Succeeded, 1));
}

fn two_amounts(plot: &mut Plot) {
    paid(plot);
    let (quarter, third) = (plot.part(4), plot.part(3));
    plot.refund(on("order.paid"), "same", Some(quarter));
    plot.refund(on("refund.approved"), "same", Some(third));
    plot.latest_is_refused("duplicate-conflict");
    let kept = plot.paid().moved(Account::CustomerFunds, Account::PspReceivable, quarter);
    plot.ends(kept.refunds(Succeeded, 1));
}

fn before_payment(plot: &mut Plot) {
    plot.place(PATIENT);
    let (card, half) = (plot.attempt(), plot.part(2));
    plot.refund(at(100), "early", Some(half));
    plot.captured(at(1_200), &card);
    let kept = plot.paid().moved(Account::CustomerFunds, Account::PspReceivable, half);
    plot.ends(kept.refunds(Succeeded, 1));
}

fn fails_once(plot: &mut Plot) {
    paid(plot);
    plot.refund(on("order.paid"), "first", None);
    plot.refund(on("refund.failed"), "second", None);
    plot.answers(&[RefundAnswer::Fails, RefundAnswer::Succeeds]);
    plot.ends(refunded(plot).refunds(Failed, 1).refunds(Succeeded, 1));
}

fn comes_back(plot: &mut Plot) {
    paid(plot);
    plot.refund(on("order.paid"), "all", None);
    plot.answers(&[RefundAnswer::IsReversed]);
    plot.ends(plot.paid().refunds(Failed, 1));
}

/// Too much to go back without a person, whose decision is not part of the day.
fn above_limit(plot: &mut Plot) {
    let dear = plot.amount(60_000);
    plot.total = dear;
    paid(plot);
    plot.refund(on("order.paid"), "all", None);
    plot.ends(plot.paid().refunds(PendingReview, 1));
}

/// The wish waits for money; when none has come in time, there is nothing to give back.
fn of_unpaid(plot: &mut Plot) {
    plot.place(5_000);
    let half = plot.part(2);
    plot.refund(at(300), "early", Some(half));
    plot.ends(Plot::closed(OrderStatus::Expired).refunds(Rejected, 1));
}
