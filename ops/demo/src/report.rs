//! The summary of a run, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::{Serialize, Serializer};

use crate::evidence::Evidence;
use crate::measure::{Histogram, Punctuality, Retried, Spread, Throughput, punctuality};
use crate::measure::{throughput, to_transaction};
use crate::scenario::{Day, Fact, Facts};
use crate::verdict::{MOST_LISTED, Verdict};

/// Everything a run has to show.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema_version: u32,
    passed: bool,
    seed: u64,
    orders: u32,
    seconds: f64,
    delayed_exchange: &'static str,
    messages: Messages,
    outcomes: Vec<Compared>,
    dead_letters: Vec<Compared>,
    throughput: Throughput,
    latency: Latency,
    timers: Vec<Timers>,
    retries: Vec<Retries>,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Debug, Serialize)]
struct Messages {
    /// Different messages published.
    published: usize,
    copies: usize,
    /// Of those, answers of the provider.
    answers: usize,
    /// Messages of ours that a subscriber heard.
    heard: usize,
}

#[derive(Debug, Serialize)]
struct Compared {
    name: String,
    expected: i64,
    found: i64,
}

#[derive(Debug, Serialize)]
struct Latency {
    to_transaction_p50: Milliseconds,
    to_transaction_p99: Milliseconds,
    batch_p50: Milliseconds,
    batch_p99: Milliseconds,
}

#[derive(Debug, Serialize)]
struct Timers {
    kind: &'static str,
    count: usize,
    late_p50: Milliseconds,
    late_p99: Milliseconds,
    late_max: Milliseconds,
    early: usize,
}

#[derive(Debug, Serialize)]
struct Retries {
    message_id: String,
    delays: Vec<Milliseconds>,
}

/// A time that is written in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Milliseconds(Duration);

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // To the microsecond, which is more than the clocks are good for.
        let microseconds = u32::try_from(self.0.as_micros()).unwrap_or(u32::MAX);
        serializer.serialize_f64(f64::from(microseconds) / 1_000.0)
    }
}

impl std::fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let milliseconds = self.0.as_secs_f64() * 1_000.0;
        if milliseconds < 1_000.0 {
            write!(f, "{milliseconds:.0} ms")
        } else {
            write!(f, "{:.2} s", milliseconds / 1_000.0)
        }
    }
}

/// What a run was.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The day's seed.
    pub(crate) seed: u64,
    /// Its orders.
    pub(crate) orders: u32,
    /// How long it took, from the first message to quiet.
    pub(crate) took: Duration,
    /// What was left to do when nothing changed any more; nothing if all came to rest.
    pub(crate) left: Vec<String>,
    /// What carried its timers.
    pub(crate) delayed_exchange: &'static str,
    /// How long the workers' transactions took.
    pub(crate) batches: Histogram,
    /// The tries of messages whose worker panicked.
    pub(crate) retried: Vec<Retried>,
}

impl Report {
    /// Puts everything together.
    pub(crate) fn new(run: &Run, day: &Day, evidence: &Evidence) -> Self {
        let verdict = Verdict::new(day, evidence, run);
        let spread: Spread = to_transaction(evidence);
        Self {
            schema_version: 1,
            passed: verdict.held(),
            seed: run.seed,
            orders: run.orders,
            seconds: run.took.as_secs_f64(),
            delayed_exchange: run.delayed_exchange,
            messages: messages(day, evidence),
            outcomes: outcomes(day, evidence),
            dead_letters: dead_letters(day, evidence),
            throughput: throughput(evidence),
            latency: Latency {
                to_transaction_p50: Milliseconds(spread.p50),
                to_transaction_p99: Milliseconds(spread.p99),
                batch_p50: Milliseconds(run.batches.quantile(0.5)),
                batch_p99: Milliseconds(run.batches.quantile(0.99)),
            },
            timers: punctuality(evidence).into_iter().map(Timers::from).collect(),
            retries: run.retried.iter().map(Retries::from).collect(),
            verdict,
        }
    }

    /// Whether every expectation held.
    pub(crate) fn passed(&self) -> bool {
        self.passed
    }

    /// The report for programs.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report has text keys and finite numbers")
    }

    /// The report for people.
    pub(crate) fn text(&self) -> String {
        let tables = [
            ("Stories", self.stories_table()),
            ("Outcomes", compared_table(&self.outcomes, "outcome")),
            ("Dead letters", compared_table(&self.dead_letters, "code")),
            ("Figures", self.figures_table()),
            ("Expectations", self.checks_table()),
        ];
        let mut text = String::new();
        for (title, table) in tables {
            write!(text, "\n{title}\n{table}\n").expect("writing to a string does not fail");
        }
        text + &self.mismatches() + &self.last_line()
    }

    fn stories_table(&self) -> Table {
        let mut table = table(&["story", "happened", "as expected"]);
        for (scenario, tally) in &self.verdict.scenarios {
            let (stories, as_expected) = (tally.stories.to_string(), tally.as_expected.to_string());
            table.add_row([(*scenario).to_owned(), stories, as_expected]);
        }
        right(table, &[1, 2])
    }

    fn figures_table(&self) -> Table {
        let mut table = table(&["figure", "value", "how it was measured"]);
        for (name, value, how) in self.figures() {
            table.add_row([name, value, how.to_owned()]);
        }
        table
    }

    fn figures(&self) -> Vec<(String, String, &'static str)> {
        let (messages, events) = (&self.messages, &self.throughput);
        let latency = &self.latency;
        let pair = |a: Milliseconds, b: Milliseconds| format!("{a} / {b}");
        let row = |name: &str, value: String, how| (name.to_owned(), value, how);
        let mut figures = vec![
            row(
                "messages published",
                format!("{} and {} copies", messages.published, messages.copies),
                "each confirmed by the broker",
            ),
            row(
                "of those, the provider's answers",
                messages.answers.to_string(),
                "to commands that we sent",
            ),
            row("messages heard", messages.heard.to_string(), "by a subscriber to everything"),
            row(
                "events accepted",
                format!("{} in {:.1} s, {:.0}/s", events.events, events.seconds, events.per_second),
                "paced by the day; timers included",
            ),
            row("busiest second", format!("{} events", events.busiest_second), "by the inbox"),
            row(
                "publish to transaction p50 / p99",
                pair(latency.to_transaction_p50, latency.to_transaction_p99),
                "from publishing to the begin of the accepting transaction",
            ),
            row(
                "transaction to commit p50 / p99",
                pair(latency.batch_p50, latency.batch_p99),
                "the workers' own histograms of their batches",
            ),
        ];
        for timers in &self.timers {
            figures.push((
                format!("{} late p50 / p99 / max", timers.kind),
                format!("{} / {} / {}", timers.late_p50, timers.late_p99, timers.late_max),
                "from due to handled, by the database's clock",
            ));
        }
        for retries in &self.retries {
            let delays: Vec<_> = retries.delays.iter().map(ToString::to_string).collect();
            figures.push((
                "delays of a panicking message".to_owned(),
                delays.join(", "),
                "from failure to failure, by its worker's log",
            ));
        }
        figures.push(row("delayed exchange", self.delayed_exchange.to_owned(), "for timers"));
        figures
    }

    fn checks_table(&self) -> Table {
        let mut table = table(&["expectation", "held", "found"]);
        for check in &self.verdict.checks {
            let held = if check.held { "yes" } else { "NO" };
            table.add_row([check.expectation, held, &check.detail]);
        }
        table
    }

    fn mismatches(&self) -> String {
        let mismatches = &self.verdict.mismatches;
        if mismatches.is_empty() {
            return String::new();
        }
        let shown = mismatches.iter().take(MOST_LISTED);
        let lines = shown.map(|it| {
            format!("  {} of order {}: {}\n", it.scenario, it.order, it.differences.join("; "))
        });
        let heading = format!("\n{} stories ended otherwise", mismatches.len());
        let heading = if mismatches.len() > MOST_LISTED {
            format!("{heading}, the first {MOST_LISTED}:\n")
        } else {
            format!("{heading}:\n")
        };
        lines.fold(heading, |text, line| text + &line)
    }

    fn last_line(&self) -> String {
        let checks = &self.verdict.checks;
        let failed = checks.iter().filter(|check| !check.held).count();
        let orders = self.orders;
        let day = format!("{orders} orders in {:.1} s, seed {}", self.seconds, self.seed);
        if failed == 0 {
            format!("\nAll {} expectations held: {day}.", checks.len())
        } else {
            format!("\n{failed} of {} expectations FAILED: {day}.", checks.len())
        }
    }
}

impl From<Punctuality> for Timers {
    fn from(found: Punctuality) -> Self {
        let late = found.lateness;
        Self {
            kind: domain::Status::name(found.kind),
            count: late.count,
            late_p50: Milliseconds(late.p50),
            late_p99: Milliseconds(late.p99),
            late_max: Milliseconds(late.max),
            early: found.early,
        }
    }
}

impl From<&Retried> for Retries {
    fn from(retried: &Retried) -> Self {
        let delays = retried.delays.iter().copied().map(Milliseconds).collect();
        Self { message_id: retried.message_id.clone(), delays }
    }
}

fn messages(day: &Day, evidence: &Evidence) -> Messages {
    let ids = day.stories.iter().flat_map(|story| &story.steps).map(|step| &step.message.id);
    let own: std::collections::BTreeSet<&String> = ids.collect();
    let published = evidence.departures.len();
    let answers = evidence.departures.keys().filter(|id| !own.contains(id)).count();
    Messages { published, copies: day.copies(), answers, heard: evidence.heard.len() }
}

/// The orders' facts added up, but for balances: each is in its order's own currency.
fn outcomes(day: &Day, evidence: &Evidence) -> Vec<Compared> {
    let mut sums: BTreeMap<Fact, (i64, i64)> = BTreeMap::new();
    let nothing = Facts::default();
    for story in &day.stories {
        let found = evidence.orders.get(&story.order).unwrap_or(&nothing);
        let reached = story.endings.iter().find(|ending| *ending == found);
        let expected = reached.or(story.endings.first()).unwrap_or(&nothing);
        for (fact, count) in expected.iter() {
            sums.entry(fact).or_default().0 += count;
        }
        for (fact, count) in found.iter() {
            sums.entry(fact).or_default().1 += count;
        }
    }
    let countable = sums.into_iter().filter(|(fact, _)| !matches!(fact, Fact::Balance(_)));
    countable
        .map(|(fact, (expected, found))| Compared { name: fact.to_string(), expected, found })
        .collect()
}

fn dead_letters(day: &Day, evidence: &Evidence) -> Vec<Compared> {
    let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for letter in day.dead_letters() {
        sums.entry(letter.code.to_owned()).or_default().0 += 1;
    }
    for letter in &evidence.dead_letters {
        sums.entry(letter.code.clone()).or_default().1 += 1;
    }
    let compared = sums.into_iter();
    compared.map(|(name, (expected, found))| Compared { name, expected, found }).collect()
}

fn compared_table(rows: &[Compared], first: &str) -> Table {
    let mut table = table(&[first, "expected", "found"]);
    for row in rows {
        table.add_row([row.name.clone(), row.expected.to_string(), row.found.to_string()]);
    }
    right(table, &[1, 2])
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(header.iter().copied());
    table
}

fn right(mut table: Table, columns: &[usize]) -> Table {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
