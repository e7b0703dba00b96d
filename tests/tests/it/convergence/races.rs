//! Histories in which payment, expiry, cancellation, failing captures, wishes and disputes compete.

mod facts;
mod outcome;

use std::rc::Rc;

use contracts::events::PaymentOutcome;
use proptest::test_runner::TestCaseError;

use super::event::Books;
use super::fact::Fact;
use super::history::{self, Told};
use super::life::{Life, books, lenient_books};
use super::picture::{attempts, captures, disputes};
use super::search::search;

/// How many histories one run takes.
const HISTORIES: u32 = 40_000;

/// How many of them by the choices of a lenient shop.
const LENIENT_HISTORIES: u32 = 20_000;

/// Where failures of those are kept.
const LENIENT_REGRESSIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/convergence/lenient.regressions");

/// Where failures are kept, beside this file.
const REGRESSIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/convergence/races.regressions");

#[test]
fn facts_stay_facts_and_totals_follow_from_how_an_order_ends() {
    let histories = history::told(facts::facts());
    let books = books();
    search("competing events", HISTORIES, REGRESSIONS, &histories, |history| {
        check(&books, &history)
    });
}

#[test]
fn case_087_facts_stay_facts_where_late_money_may_reinstate_an_order() {
    let histories = history::told(facts::facts());
    let books = lenient_books();
    search(
        "competing events, leniently",
        LENIENT_HISTORIES,
        LENIENT_REGRESSIONS,
        &histories,
        |it| check(&books, &it),
    );
}

fn check(books: &Rc<Books>, history: &[Told]) -> Result<(), TestCaseError> {
    let told = Life::of(books, &history::in_order(history))?;
    let shuffled = Life::of(books, &history::in_disorder(history))?;
    for life in [&told, &shuffled] {
        outcome::check(life, history)?;
    }
    same_facts(history, &told, &shuffled)
}

/// What providers did is recorded, whatever it did to the order.
fn same_facts(history: &[Told], told: &Life, shuffled: &Life) -> Result<(), TestCaseError> {
    let (scene, one, other) = (told.scene, &told.record.state, &shuffled.record.state);
    equal("captures", &captures(scene, one), &captures(scene, other))?;
    equal("attempts", &attempts(scene, one), &attempts(scene, other))?;
    // Which dispute is given up for want of money depends on when: until one has money, it waits.
    let (mut one, mut other) = (disputes(scene, one), disputes(scene, other));
    let compared = settled_disputes(history);
    for disputes in [&mut one, &mut other] {
        disputes.retain(|number, _| compared.contains(number));
    }
    equal("disputes", &one, &other)
}

fn equal<T: PartialEq + std::fmt::Debug>(
    what: &str,
    one: &T,
    other: &T,
) -> Result<(), TestCaseError> {
    if one == other {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{what} in order {one:#?}\nin disorder {other:#?}")))
}

/// The disputes of attempts whose money came and stayed.
fn settled_disputes(history: &[Told]) -> Vec<u32> {
    let payments = |attempt: u32, wanted: PaymentOutcome| {
        history.iter().any(|told| match &told.fact {
            Fact::Payment(payment) => payment.attempt == attempt && payment.outcome == wanted,
            Fact::Placed { .. }
            | Fact::CalledOff
            | Fact::Wish(_)
            | Fact::Opened(_)
            | Fact::Moved(_)
            | Fact::Evidence { .. }
            | Fact::Stock(_)
            | Fact::Refunded { .. } => false,
        })
    };
    let stays = |attempt| {
        payments(attempt, PaymentOutcome::Captured)
            && !payments(attempt, PaymentOutcome::CaptureFailed)
    };
    let opened = history.iter().filter_map(|told| match &told.fact {
        Fact::Opened(opened) => Some(opened),
        Fact::Placed { .. }
        | Fact::CalledOff
        | Fact::Payment(_)
        | Fact::Wish(_)
        | Fact::Moved(_)
        | Fact::Evidence { .. }
        | Fact::Stock(_)
        | Fact::Refunded { .. } => None,
    });
    opened.filter(|opened| stays(opened.attempt)).map(|opened| opened.dispute).collect()
}
