//! Each expectation holds on a day that went well, and fails on exactly its own fault.

use std::time::Duration;

use contracts::Timestamp;
use domain::timer::TimerKind;
use store::report::{AcceptedEvent, FiredTimer, OutgoingMessage};
use store::violations::Violation;

use super::*;
use crate::departures::Departure;
use crate::measure::Histogram;
use crate::scenario::Fact;

const AT: Timestamp = Timestamp::EPOCH;

/// A small day, and all that would be found if everything went well.
struct Case {
    day: Day,
    evidence: Evidence,
    run: Run,
}

impl Case {
    fn new() -> Self {
        let day = Day::new(1, 100);
        let mut evidence = Evidence::default();
        for story in &day.stories {
            evidence.orders.insert(story.order, story.endings[0].clone());
            for step in &story.steps {
                let id = step.message.id.clone();
                let times = 1 + step.copies.len();
                evidence.departures.insert(id.clone(), Departure { first: AT, times });
                let deliveries = i32::try_from(times).unwrap();
                let source = String::new();
                let event = AcceptedEvent { source, event_id: id, received_at: AT, deliveries };
                evidence.accepted.push(event);
            }
        }
        evidence.dead_letters = day.dead_letters().into_iter().map(parked).collect();
        evidence.messages = ["m-1", "m-2"].map(message).into();
        evidence.heard = ["m-1", "m-2"].map(|id| (id.to_owned(), 1)).into();
        evidence.timers = vec![fired(7)];
        let run = run(day.panics().into_iter().map(|id| Retried {
            message_id: id.to_owned(),
            delays: [1, 2].map(Duration::from_secs).into(),
        }));
        Self { day, evidence, run }
    }

    /// The expectations that do not hold.
    fn failed(&self) -> Vec<&'static str> {
        let verdict = Verdict::new(&self.day, &self.evidence, &self.run);
        let failed: Vec<_> =
            verdict.checks.iter().filter(|check| !check.held).map(|it| it.expectation).collect();
        assert_eq!(verdict.held(), failed.is_empty());
        failed
    }
}

fn run(retried: impl Iterator<Item = Retried>) -> Run {
    Run {
        seed: 1,
        orders: 100,
        took: Duration::ZERO,
        left: Vec::new(),
        delayed_exchange: "ladder",
        batches: Histogram::default(),
        retried: retried.collect(),
    }
}

fn parked(letter: DeadLetter) -> ParkedLetter {
    let attempts = if letter.code == "panic" { timing::RETRY_ATTEMPTS } else { 1 };
    ParkedLetter {
        message_id: Some(letter.message_id),
        source_queue: String::new(),
        code: letter.code.to_owned(),
        attempts: i32::try_from(attempts).unwrap(),
        first_failed_at: AT,
        last_failed_at: AT,
    }
}

fn message(id: &str) -> OutgoingMessage {
    let (message_id, routing_key) = (id.to_owned(), "order.paid".to_owned());
    OutgoingMessage { message_id, routing_key, sent: true }
}

fn fired(seconds_late: u64) -> FiredTimer {
    let fired_at = AT.plus(Duration::from_secs(seconds_late));
    FiredTimer { kind: TimerKind::PaymentTimeout, due_at: AT, fired_at }
}

/// Breaks one thing and expects exactly these expectations to fail.
fn check_fault(expected: &[&str], fault: impl FnOnce(&mut Case)) {
    let mut case = Case::new();
    fault(&mut case);
    assert_eq!(case.failed(), expected);
}

#[test]
fn a_day_that_went_well_holds_every_expectation() {
    check_fault(&[], |_| {});
}

#[test]
fn an_order_that_ended_otherwise_is_listed_with_its_story_and_difference() {
    let mut case = Case::new();
    let story = &case.day.stories[0];
    let (order, scenario) = (story.order, story.scenario);
    case.evidence.orders.get_mut(&order).unwrap().add(Fact::StockReleased, 3);
    assert_eq!(case.failed(), ["every order ended as it should"]);
    let verdict = Verdict::new(&case.day, &case.evidence, &case.run);
    let [mismatch] = &*verdict.mismatches else { panic!("{:?}", verdict.mismatches) };
    assert_eq!((mismatch.order, mismatch.scenario), (order, scenario));
    assert!(mismatch.differences[0].starts_with("stock release: expected"), "{mismatch:?}");
    assert_eq!(verdict.scenarios[scenario].as_expected + 1, verdict.scenarios[scenario].stories);
}

#[test]
fn a_race_may_end_in_each_of_its_ways() {
    check_fault(&[], |case| {
        let race = case.day.stories.iter().find(|story| story.endings.len() > 1).unwrap();
        case.evidence.orders.insert(race.order, race.endings[1].clone());
    });
}

#[test]
fn an_order_that_nobody_placed_is_noticed() {
    check_fault(&["no order but those of the day"], |case| {
        let stranger = "0198c0de-0001-7000-8000-00000000dead".parse().unwrap();
        case.evidence.orders.insert(stranger, Facts::default().released());
    });
}

#[test]
fn dead_letters_are_compared_one_by_one() {
    let dead_letters = &["dead letters are exactly the poison sent"];
    check_fault(dead_letters, |case| {
        let of_contract = |letter: &ParkedLetter| letter.code == "too-deep";
        let place = case.evidence.dead_letters.iter().position(of_contract).unwrap();
        case.evidence.dead_letters.remove(place);
    });
    check_fault(dead_letters, |case| {
        let letter = DeadLetter { message_id: "surplus".to_owned(), code: "panic" };
        case.evidence.dead_letters.push(parked(letter));
    });
    check_fault(dead_letters, |case| {
        case.evidence.dead_letters[0].code = "another".to_owned();
    });
}

#[test]
fn a_message_that_is_nowhere_and_a_copy_that_never_came_are_noticed() {
    check_fault(&["every message is accounted for"], |case| {
        case.evidence.departures.insert("lost".to_owned(), Departure { first: AT, times: 1 });
    });
    let copy_lost = &["every message is accounted for", "every copy was absorbed"];
    check_fault(copy_lost, |case| {
        let copied = case.evidence.accepted.iter_mut().find(|event| event.deliveries > 1);
        copied.unwrap().deliveries -= 1;
    });
}

#[test]
fn a_message_of_ours_must_be_written_sent_and_heard() {
    let all_heard = &["every message of ours was sent and heard"];
    check_fault(all_heard, |case| case.evidence.messages[0].sent = false);
    check_fault(all_heard, |case| {
        case.evidence.heard.remove("m-1");
    });
    check_fault(all_heard, |case| {
        case.evidence.heard.insert("never-written".to_owned(), 1);
    });
    check_fault(&[], |case| {
        case.evidence.heard.insert("m-1".to_owned(), 2);
    });
}

#[test]
fn an_early_timer_a_hasty_retry_and_a_violation_are_noticed() {
    check_fault(&["no timer fired before its time"], |case| {
        let due_at = AT.plus(Duration::from_secs(1));
        case.evidence.timers.push(FiredTimer { due_at, ..fired(0) });
    });
    let retries = &["a panic is retried with growing delays, then parked"];
    check_fault(retries, |case| case.run.retried[0].delays[1] = Duration::from_secs(1));
    check_fault(retries, |case| case.run.retried[0].delays.truncate(1));
    check_fault(&["every invariant holds"], |case| {
        let (invariant, key) = ("I06 stranded money".to_owned(), "o-1".to_owned());
        case.evidence.violations.push(Violation { invariant, key });
    });
    check_fault(&["the day came to rest"], |case| case.run.left.push("1 timer".to_owned()));
}
