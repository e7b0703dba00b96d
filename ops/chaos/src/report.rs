//! What a run has to show, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use demo::evidence::Evidence;
use demo::verdict::Verdict;
use serde::Serialize;
use store::report::FiredTimer;

use crate::fault::{Fault, Part};

/// How long the workers took to be ready again after a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovery {
    /// From the moment when the fault was over.
    pub(crate) took: Duration,
    /// Whether nothing else was wrong in the round.
    pub(crate) alone: bool,
}

/// Everything a run has to show.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema_version: u32,
    passed: bool,
    seed: u64,
    /// The command that repeats the run.
    again: String,
    rounds: u32,
    seconds: u64,
    faults: BTreeMap<&'static str, u32>,
    recovery: BTreeMap<Part, Recoveries>,
    violations: Vec<String>,
    messages: Messages,
    timers: Timers,
    verdict: Option<Verdict>,
    #[serde(skip)]
    recoveries: Vec<(Part, Recovery)>,
}

/// Recovery times of one part, of rounds in which nothing else was wrong.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Recoveries {
    rounds: usize,
    p50_ms: u128,
    max_ms: u128,
}

/// How much went on meanwhile.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Messages {
    published: usize,
    sent: usize,
    sent_again: u32,
    dead_letters: usize,
    redelivered: i64,
}

/// How late timers were, whatever was broken when they fell due.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Timers {
    fired: usize,
    late_p50_ms: u128,
    late_max_ms: u128,
}

impl Timers {
    fn of(evidence: &Evidence) -> Self {
        let late = |timer: &FiredTimer| timer.fired_at.since(timer.due_at).as_millis();
        let mut late: Vec<_> = evidence.timers.iter().map(late).collect();
        late.sort_unstable();
        Self {
            fired: late.len(),
            late_p50_ms: late.get(late.len() / 2).copied().unwrap_or_default(),
            late_max_ms: late.last().copied().unwrap_or_default(),
        }
    }
}

impl Report {
    /// Nothing has happened yet.
    pub(crate) fn new(seed: u64, again: String) -> Self {
        Self {
            schema_version: 1,
            passed: false,
            seed,
            again,
            rounds: 0,
            seconds: 0,
            faults: BTreeMap::new(),
            recovery: BTreeMap::new(),
            violations: Vec::new(),
            messages: Messages::default(),
            timers: Timers::default(),
            verdict: None,
            recoveries: Vec::new(),
        }
    }

    /// Something that must never happen did.
    pub(crate) fn violation(&mut self, what: String) {
        self.passed = false;
        self.violations.push(what);
    }

    /// A round is over.
    pub(crate) fn round(&mut self, faults: &[Fault], parts: &[Part], recovery: Recovery) {
        self.rounds += 1;
        for fault in faults {
            *self.faults.entry(fault.kind()).or_default() += 1;
        }
        self.recoveries.extend(parts.iter().map(|part| (*part, recovery)));
    }

    /// Compares what was found with the model.
    pub(crate) fn judge(&mut self, verdict: Verdict, evidence: &Evidence, took: Duration) {
        for part in [Part::Workers, Part::Broker, Part::Database] {
            self.recovery.insert(part, self.recoveries_of(part));
        }
        let events: usize = evidence.departures.values().map(|departure| departure.times).sum();
        let deliveries: i64 =
            evidence.accepted.iter().map(|event| i64::from(event.deliveries)).sum();
        let events = i64::try_from(events).unwrap_or(i64::MAX);
        self.messages = Messages {
            published: evidence.departures.len(),
            sent: evidence.messages.len(),
            sent_again: evidence.heard.values().map(|times| times - 1).sum(),
            dead_letters: evidence.dead_letters.len(),
            redelivered: (deliveries - events).max(0),
        };
        self.timers = Timers::of(evidence);
        self.seconds = took.as_secs();
        self.passed = self.violations.is_empty() && verdict.held();
        self.verdict = Some(verdict);
    }

    /// Whether nothing was wrong.
    pub(crate) fn passed(&self) -> bool {
        self.passed
    }

    fn recoveries_of(&self, wanted: Part) -> Recoveries {
        let alone =
            self.recoveries.iter().filter(|(part, recovery)| *part == wanted && recovery.alone);
        let mut times: Vec<_> = alone.map(|(_, recovery)| recovery.took.as_millis()).collect();
        times.sort_unstable();
        Recoveries {
            rounds: times.len(),
            p50_ms: times.get(times.len() / 2).copied().unwrap_or_default(),
            max_ms: times.last().copied().unwrap_or_default(),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("the report has text keys")
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut faults = table(&["fault", "times"]);
        for (fault, times) in &self.faults {
            faults.add_row([(*fault).to_owned(), times.to_string()]);
        }
        let mut recovery = table(&["ready again", "rounds", "p50", "max"]);
        for (part, times) in &self.recovery {
            let seconds = |ms: u128| format!("{}.{:03} s", ms / 1000, ms % 1000);
            let (p50, max) = (seconds(times.p50_ms), seconds(times.max_ms));
            recovery.add_row([part.name().to_owned(), times.rounds.to_string(), p50, max]);
        }
        let mut checks = table(&["expectation", "", "found"]);
        let all = self.verdict.iter().flat_map(|verdict| &verdict.checks);
        for check in all {
            let held = if check.held { "held" } else { "BROKEN" };
            checks.add_row([check.expectation, held, check.detail.as_str()]);
        }
        let mut text = format!("{faults}\n{recovery}\n{checks}");
        self.write_wrong(&mut text).expect("a text takes everything");
        text
    }

    fn write_wrong(&self, text: &mut String) -> std::fmt::Result {
        for violation in &self.violations {
            write!(text, "\nVIOLATION: {violation}")?;
        }
        let mismatches = self.verdict.iter().flat_map(|verdict| &verdict.mismatches);
        for wrong in mismatches.take(20) {
            let differences = wrong.differences.join("; ");
            write!(text, "\nMISMATCH: order {} ({}): {differences}", wrong.order, wrong.scenario)?;
        }
        let Self { seed, rounds, seconds, messages, timers, .. } = self;
        let Timers { fired, late_p50_ms, late_max_ms } = timers;
        write!(text, "\n{fired} timers fired, p50 {late_p50_ms} ms late, max {late_max_ms} ms")?;
        let Messages { published, sent, sent_again, dead_letters, redelivered } = messages;
        let verdict = if self.passed { "Nothing was lost or done twice" } else { "FAILED" };
        write!(
            text,
            "\n{verdict}: seed {seed}, {rounds} rounds in {seconds} s; {published} messages \
             published, {redelivered} deliveries again, {sent} messages sent, {sent_again} of them \
             again, {dead_letters} dead letters"
        )?;
        if self.passed { Ok(()) } else { write!(text, "\nThe same faults again: {}", self.again) }
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(header.iter().copied());
    for column in table.column_iter_mut().skip(1).filter(|_| header.len() != 3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
