//! Histories in which nothing competes: however their messages arrive, they end the same.

mod called_off;
mod exact;
mod overpaid;
mod unpaid;

use std::rc::Rc;

use contracts::events::{PaymentOutcome, RefundResult};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::TestCaseError;

use super::event::Books;
use super::fact::{Cause, Fact, Payment, Wish};
use super::history::{self, Told};
use super::life::{Life, books, obliging_books};
use super::search::search;

/// What the order costs, unless it is free.
const TOTAL: i64 = 10_000;

/// Long enough for every message to come in time.
const WINDOW_S: u32 = 3_600;

/// How many histories of each kind one run takes.
const HISTORIES: u32 = 34_000;

/// How many of orders that are called off when they are paid.
const CALLED_OFF: u32 = 10_000;

/// Captures: of which attempt, and how much.
type Plan = &'static [(u32, i64)];

/// What one attempt may have authorised: less than is captured of it, about as much, or more.
const AUTHORIZED: [i64; 3] = [1_000, 4_000, 20_000];

/// How two messages of one attempt may differ beside their outcome.
#[derive(Clone, Copy, Debug)]
struct Habits {
    /// What each attempt has authorised.
    authorized: [i64; 3],
    /// Whether captures repeat it.
    repeated: bool,
    /// Which captures say that they are the last.
    last: [Option<bool>; 3],
    /// A minute in the future, by the provider's clock.
    ahead: bool,
}

fn habits() -> impl Strategy<Value = Habits> {
    let authorized = [select(&AUTHORIZED[..]), select(&AUTHORIZED[..]), select(&AUTHORIZED[..])];
    let last = [option::of(any::<bool>()), option::of(any::<bool>()), option::of(any::<bool>())];
    (authorized, any::<bool>(), last, any::<bool>()).prop_map(
        |(authorized, repeated, last, ahead)| Habits { authorized, repeated, last, ahead },
    )
}

impl Habits {
    fn authorized(&self, attempt: u32) -> i64 {
        self.authorized[usize::try_from(attempt).unwrap() - 1]
    }

    /// The captures of a plan, in its order.
    fn captures(&self, plan: Plan) -> Vec<Fact> {
        let several = |attempt| plan.iter().filter(|(other, _)| *other == attempt).count() > 1;
        let captures = (0_u8..).zip(plan).map(|(part, (attempt, amount))| {
            Fact::Payment(Payment {
                attempt: *attempt,
                outcome: PaymentOutcome::Captured,
                amount: *amount,
                part: several(*attempt).then_some(part),
                last: self.last[usize::from(part)],
                authorized: self.repeated.then(|| self.authorized(*attempt)),
                minute: if self.ahead { 90 } else { 3 },
            })
        });
        captures.collect()
    }

    fn report(&self, attempt: u32, outcome: PaymentOutcome, minute: u8) -> Fact {
        let amount = self.authorized(attempt);
        let (part, last, authorized) = (None, None, None);
        Fact::Payment(Payment { attempt, outcome, amount, part, last, authorized, minute })
    }
}

/// Reports on attempts that bring no money.
fn reports() -> impl Strategy<Value = Vec<(u32, PaymentOutcome, u8)>> {
    let outcomes = select(vec![
        PaymentOutcome::RequiresAction,
        PaymentOutcome::Processing,
        PaymentOutcome::Authorized,
        PaymentOutcome::Authorized,
        PaymentOutcome::Declined,
        PaymentOutcome::Failed,
        PaymentOutcome::Voided,
        PaymentOutcome::AuthorizationExpired,
    ]);
    vec((1_u32..=3, outcomes, 1_u8..5), 0..5)
}

/// The order itself, told once or in several revisions that change nothing about its money.
fn placed(total: i64, revisions: i32) -> Vec<Fact> {
    let placed = |revision| Fact::Placed { revision, total, window_s: WINDOW_S };
    (1..=revisions).map(placed).collect()
}

/// What a provider reports on refunds of one cause.
fn results(of: &'static [RefundResult]) -> impl Strategy<Value = Vec<(RefundResult, u8)>> {
    vec((select(of), 7_u8..10), 0..4)
}

const ANY_RESULT: [RefundResult; 6] = [
    RefundResult::Submitted,
    RefundResult::RequiresAction,
    RefundResult::Succeeded,
    RefundResult::Failed,
    RefundResult::Cancelled,
    RefundResult::Reversed,
];

/// Results that leave the money with the buyer, or on its way there.
const GOOD_RESULTS: [RefundResult; 3] =
    [RefundResult::Submitted, RefundResult::RequiresAction, RefundResult::Succeeded];

fn refunded(cause: Cause, results: Vec<(RefundResult, u8)>) -> impl Iterator<Item = Fact> {
    results.into_iter().map(move |(result, minute)| Fact::Refunded { cause, result, minute })
}

/// Wishes that fit into what any attempt of the plans has, all of them together.
fn wishes() -> impl Strategy<Value = Vec<(i64, Vec<(RefundResult, u8)>)>> {
    vec((select(vec![700_i64, 800, 900]), results(&ANY_RESULT)), 0..4)
}

/// Wishes numbered by their keys, with what becomes of their refunds.
fn wished(
    wishes: Vec<(i64, Vec<(RefundResult, u8)>)>,
    attempt: Option<u32>,
) -> impl Iterator<Item = Fact> {
    (0_u8..).zip(wishes).flat_map(move |(key, (amount, results))| {
        let wish = Fact::Wish(Wish { key, amount: Some(amount), attempt, foreign: false });
        std::iter::once(wish).chain(refunded(Cause::Wish(key), results))
    })
}

/// Whether the buyer calls the order off.
pub(super) fn is_called_off(history: &[Told]) -> bool {
    history.iter().any(|told| told.fact == Fact::CalledOff)
}

/// Histories of every kind.
pub(super) fn any_facts() -> impl Strategy<Value = Vec<Fact>> {
    prop_oneof![unpaid::facts(), exact::facts(), overpaid::facts()]
}

/// Both ways of arriving end in one picture.
fn converges(books: &Rc<Books>, history: &[Told]) -> Result<(), TestCaseError> {
    let told = Life::of(books, &history::in_order(history))?;
    let shuffled = Life::of(books, &history::in_disorder(history))?;
    let called_off = is_called_off(history);
    let (told, shuffled) = (told.picture(called_off), shuffled.picture(called_off));
    if told == shuffled {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("in order {told:#?}\nin disorder {shuffled:#?}")))
}

fn check(name: &str, regressions: &'static str, facts: impl Strategy<Value = Vec<Fact>>) {
    let books = books();
    search(name, HISTORIES, regressions, &history::told(facts), |history| {
        converges(&books, &history)
    });
}

#[test]
fn unpaid_orders_end_the_same_however_their_messages_arrive() {
    check("unpaid orders", unpaid::REGRESSIONS, unpaid::facts());
}

#[test]
fn paid_orders_end_the_same_however_their_messages_arrive() {
    check("paid orders", exact::REGRESSIONS, exact::facts());
}

#[test]
fn paid_orders_that_may_be_called_off_end_the_same_whenever_they_are() {
    let (facts, books) = (history::told(called_off::facts()), obliging_books());
    search("called off", CALLED_OFF, called_off::REGRESSIONS, &facts, |history| {
        converges(&books, &history)
    });
}

#[test]
fn overpaid_orders_end_the_same_however_their_messages_arrive() {
    check("overpaid orders", overpaid::REGRESSIONS, overpaid::facts());
}
