//! What the day should have come to, against what it did.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contracts::OrderId;
use serde::Serialize;
use store::report::ParkedLetter;

use crate::evidence::Evidence;
use crate::measure::{Retried, punctuality};
use crate::report::Run;
use crate::scenario::{Day, DeadLetter, Facts, Story};
use crate::timing;

/// One expectation, and whether it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was expected.
    pub expectation: &'static str,
    /// Whether it held.
    pub held: bool,
    /// The figures behind it.
    pub detail: String,
}

/// A story that ended otherwise than it should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// What kind of story it is.
    pub scenario: &'static str,
    /// Its order.
    pub order: OrderId,
    /// What differs.
    pub differences: Vec<String>,
}

/// What became of the stories of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many there were.
    pub stories: usize,
    /// How many ended as expected.
    pub as_expected: usize,
}

/// The verdict on a day.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Every expectation.
    pub checks: Vec<Check>,
    /// Every story that ended otherwise.
    pub mismatches: Vec<Mismatch>,
    /// The stories by kind.
    pub scenarios: BTreeMap<&'static str, Tally>,
}

impl Verdict {
    /// Compares what the day came to, and whether retries took their time.
    pub(crate) fn new(day: &Day, evidence: &Evidence, run: &Run) -> Self {
        let mut verdict = Self::of_day(day, evidence, &run.left);
        verdict.checks.push(retries(day, evidence, &run.retried));
        verdict
    }

    /// Compares what the day came to; `left` is what was left to do in the end.
    pub fn of_day(day: &Day, evidence: &Evidence, left: &[String]) -> Self {
        let (mismatches, scenarios) = stories(day, evidence);
        let checks = vec![
            came_to_rest(left),
            every_story(day, &mismatches),
            no_unknown_order(day, evidence),
            dead_letters(day, evidence),
            all_accounted_for(evidence),
            copies_absorbed(day, evidence),
            all_heard(evidence),
            none_early(evidence),
            invariants(evidence),
        ];
        Self { checks, mismatches, scenarios }
    }

    /// Whether every expectation held.
    pub fn held(&self) -> bool {
        self.checks.iter().all(|check| check.held)
    }
}

fn check(expectation: &'static str, held: bool, detail: String) -> Check {
    Check { expectation, held, detail }
}

fn came_to_rest(left: &[String]) -> Check {
    let rest = "all queues, timers and messages";
    let detail = if left.is_empty() { rest.to_owned() } else { left.join(", ") };
    check("the day came to rest", left.is_empty(), detail)
}

fn stories(day: &Day, evidence: &Evidence) -> (Vec<Mismatch>, BTreeMap<&'static str, Tally>) {
    let nothing = Facts::default();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut mismatches = Vec::new();
    for story in &day.stories {
        let found = evidence.orders.get(&story.order).unwrap_or(&nothing);
        let tally = tallies.entry(story.scenario).or_default();
        tally.stories += 1;
        if story.endings.contains(found) {
            tally.as_expected += 1;
        } else {
            mismatches.push(mismatch(story, found));
        }
    }
    (mismatches, tallies)
}

/// The differences from the ending that comes closest.
fn mismatch(story: &Story, found: &Facts) -> Mismatch {
    let differences = story.endings.iter().map(|ending| ending.differences(found));
    Mismatch {
        scenario: story.scenario,
        order: story.order,
        differences: differences.min_by_key(Vec::len).unwrap_or_default(),
    }
}

fn every_story(day: &Day, mismatches: &[Mismatch]) -> Check {
    let (all, wrong) = (day.stories.len(), mismatches.len());
    let detail = format!("{} of {all} stories", all - wrong);
    check("every order ended as it should", wrong == 0, detail)
}

fn no_unknown_order(day: &Day, evidence: &Evidence) -> Check {
    let known: BTreeSet<OrderId> = day.stories.iter().map(|story| story.order).collect();
    let unknown = evidence.orders.keys().filter(|order| !known.contains(order)).count();
    let detail = format!("{unknown} unknown orders");
    check("no order but those of the day", unknown == 0, detail)
}

fn dead_letters(day: &Day, evidence: &Evidence) -> Check {
    let expected = day.dead_letters();
    let expected: BTreeSet<(&str, &str)> = expected
        .iter()
        .map(|DeadLetter { message_id, code }| (message_id.as_str(), *code))
        .collect();
    let id = |letter: &'_ ParkedLetter| letter.message_id.clone().unwrap_or_default();
    let ids: Vec<String> = evidence.dead_letters.iter().map(id).collect();
    let codes = evidence.dead_letters.iter().map(|letter| letter.code.as_str());
    let found: BTreeSet<(&str, &str)> = ids.iter().map(String::as_str).zip(codes).collect();
    let missing = expected.difference(&found).map(|(id, code)| format!("missing {code} of {id}"));
    let surplus =
        found.difference(&expected).map(|(id, code)| format!("unexpected {code} of {id}"));
    let wrong: Vec<String> = missing.chain(surplus).collect();
    let once = evidence.dead_letters.len() == expected.len();
    let mut detail = format!("{} of {}", evidence.dead_letters.len(), expected.len());
    for wrong in wrong.iter().take(MOST_LISTED) {
        detail = format!("{detail}; {wrong}");
    }
    check("dead letters are exactly the poison sent", wrong.is_empty() && once, detail)
}

/// How many of a kind are listed.
pub(crate) const MOST_LISTED: usize = 20;

fn all_accounted_for(evidence: &Evidence) -> Check {
    let lost = evidence.unaccounted();
    let all = evidence.departures.len();
    let listed =
        lost.iter().take(MOST_LISTED).fold(String::new(), |text, id| format!("{text} {id}"));
    let detail = format!("{} of {all} messages{listed}", all - lost.len());
    check("every message is accounted for", lost.is_empty(), detail)
}

/// A copy is delivered, counted, and changes nothing; the broker may add deliveries of its own.
fn copies_absorbed(day: &Day, evidence: &Evidence) -> Check {
    let deliveries: HashMap<&str, i32> =
        evidence.accepted.iter().map(|event| (event.event_id.as_str(), event.deliveries)).collect();
    let steps = day.stories.iter().flat_map(|story| &story.steps);
    let repeated = steps.filter(|step| !step.copies.is_empty());
    let (mut copies, mut absorbed) = (0, 0);
    for step in repeated {
        let delivered = deliveries.get(step.message.id.as_str()).copied().unwrap_or(0);
        let delivered = usize::try_from(delivered).unwrap_or(0);
        copies += step.copies.len();
        absorbed += delivered.saturating_sub(1).min(step.copies.len());
    }
    check("every copy was absorbed", copies == absorbed, format!("{absorbed} of {copies} copies"))
}

fn all_heard(evidence: &Evidence) -> Check {
    let written: BTreeSet<&str> =
        evidence.messages.iter().map(|message| message.message_id.as_str()).collect();
    let unsent = evidence.messages.iter().filter(|message| !message.sent).count();
    let unheard = written.iter().filter(|id| !evidence.heard.contains_key(**id)).count();
    let unknown = evidence.heard.keys().filter(|id| !written.contains(id.as_str())).count();
    let repeated: u32 = evidence.heard.values().map(|times| times - 1).sum();
    let held = unsent == 0 && unheard == 0 && unknown == 0;
    let detail = format!(
        "{} messages: {unsent} unsent, {unheard} unheard, {unknown} unknown, {repeated} repeated",
        written.len()
    );
    check("every message of ours was sent and heard", held, detail)
}

fn none_early(evidence: &Evidence) -> Check {
    let early: usize = punctuality(evidence).iter().map(|kind| kind.early).sum();
    let detail = format!("{early} of {} timers early", evidence.timers.len());
    check("no timer fired before its time", early == 0, detail)
}

/// Tried as often as configured, never sooner than the policy allows, then given up.
fn retries(day: &Day, evidence: &Evidence, retried: &[Retried]) -> Check {
    let panics = day.panics();
    let attempts = i32::try_from(timing::RETRY_ATTEMPTS).unwrap_or(i32::MAX);
    let given_up = evidence.dead_letters.iter().filter(|letter| {
        letter.message_id.as_deref().is_some_and(|id| panics.contains(&id))
            && letter.attempts == attempts
    });
    let given_up = given_up.count();
    let on_time = retried.iter().all(|message| {
        let tries = u32::try_from(message.delays.len()).unwrap_or(u32::MAX).saturating_add(1);
        let shortest = (0..)
            .zip(&message.delays)
            .all(|(failure, delay)| *delay >= timing::RETRY_BASE.mul_f64(0.8) * (1 << failure));
        tries == timing::RETRY_ATTEMPTS && shortest
    });
    let held = given_up == panics.len() && retried.len() == panics.len() && on_time;
    let detail = format!("{given_up} of {} messages after {attempts} tries", panics.len());
    check("a panic is retried with growing delays, then parked", held, detail)
}

fn invariants(evidence: &Evidence) -> Check {
    let listed = evidence.violations.iter().take(MOST_LISTED);
    let listed =
        listed.fold(String::new(), |text, v| format!("{text}; {}: {}", v.invariant, v.key));
    let detail = format!("{} violations{listed}", evidence.violations.len());
    check("every invariant holds", evidence.violations.is_empty(), detail)
}

#[cfg(test)]
mod tests;
