//! From the time an event was to be published to the commit that accepted it, at a steady rate.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;
use sqlx::PgConnection;
use testkit::shop::ShopEvent;

use super::backlog;
use crate::cli::Settings;
use crate::drain::{ALL, Goal, until_done};
use crate::load::{self, Sent};
use crate::looks;
use crate::reference::{Recipe, Reference, Running};
use crate::results::{Figures, number};
use crate::site::{Site, stop};
use crate::stats::Spread;

/// Events in a second.
const RATES: [usize; 3] = [500, 2_000, 5_000];
/// The rate of the references, and of the short form.
const COMMON_RATE: usize = 2_000;
/// The beginning that does not count: connections and plans are still new.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long workers may take to start.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// One worker at one rate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Latency {
    /// Who.
    pub(crate) name: &'static str,
    /// Events sent in a second.
    pub(crate) per_second: usize,
    /// Seconds of sending, warm-up included.
    pub(crate) seconds: usize,
    /// From the intended time of publishing to the commit.
    pub(crate) to_commit: Spread,
    /// How late the publisher was itself; contained in the above.
    pub(crate) publisher_lag: Spread,
    /// Where the time goes, by kind of event; each kind has a queue and a worker of its own.
    pub(crate) by_kind: Vec<KindLatency>,
}

/// One kind of event.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct KindLatency {
    /// Its name.
    pub(crate) kind: String,
    /// From the intended time of publishing to the commit that counted last.
    pub(crate) to_commit: Spread,
    /// Events that came more than once: parked and come home, or sent twice.
    pub(crate) came_again: usize,
}

/// An event's id, its kind, how often it came, and when its row was committed, in microseconds.
type Commit = (String, String, i32, i64);

/// All of them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Ours at each rate, then the references.
    pub(crate) latencies: Vec<Latency>,
}

/// Measures.
pub(crate) async fn run(settings: &Settings) -> Result<Figure> {
    let mut latencies = Vec::new();
    let rates = settings.choose(&RATES[..], &[COMMON_RATE][..]);
    for per_second in rates {
        latencies.push(ours(settings, *per_second).await?);
    }
    if !settings.short {
        // Which rows an event writes is read off a backlog of ours.
        let recipe = backlog::once(&Settings { short: true, ..*settings }).await?.recipe;
        for which in [Reference::Pipe, Reference::PerMessage] {
            latencies.push(theirs(settings, which, &recipe).await?);
        }
    }
    Ok(Figure { latencies })
}

/// A stream ready to be sent, and how long it lasts.
fn stream(settings: &Settings, per_second: usize) -> (Vec<ShopEvent>, usize) {
    let seconds = settings.choose(20, 8);
    let events = load::stream(settings.seed, per_second, per_second * seconds, runtime::now());
    (events, seconds)
}

async fn ours(settings: &Settings, per_second: usize) -> Result<Latency> {
    let (events, seconds) = stream(settings, per_second);
    let site = Site::new().await?;
    let mut database = site.connect().await?;
    looks::require_settings(&mut database).await?;
    let mut fleet = site.fleet();
    for binary in ALL {
        fleet.spawn(binary)?;
    }
    fleet.wait_until_ready(READY_WITHIN).await?;
    eprintln!("ours at {per_second} events/s for {seconds} s ...");
    let sent = load::joined(load::send(&site, &events, per_second)).await?;
    let goal = Goal { in_inbox: events.len(), messages: events.len(), sent: true, kinds: &[] };
    until_done(&site, &mut fleet, &mut database, goal).await?;
    stop(fleet).await?;
    let latency = Latency::new("ours", per_second, seconds, &sent, &mut database).await?;
    site.close().await?;
    Ok(latency)
}

async fn theirs(settings: &Settings, which: Reference, recipe: &Recipe) -> Result<Latency> {
    let (events, seconds) = stream(settings, COMMON_RATE);
    let site = Site::new().await?;
    let mut database = site.connect().await?;
    let mut running = Running::start(&site, which, recipe).await?;
    eprintln!("{} at {COMMON_RATE} events/s for {seconds} s ...", which.name());
    let sent = load::joined(load::send(&site, &events, COMMON_RATE)).await?;
    running.until_settled(events.len()).await?;
    running.stop().await;
    let latency = Latency::new(which.name(), COMMON_RATE, seconds, &sent, &mut database).await?;
    site.close().await?;
    Ok(latency)
}

impl Latency {
    async fn new(
        name: &'static str,
        per_second: usize,
        seconds: usize,
        sent: &Sent,
        database: &mut PgConnection,
    ) -> Result<Self> {
        let sql = "/* bench */ SELECT event_id, kind::text, deliveries,
                (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1e6)::bigint
            FROM inbox";
        let commits: Vec<Commit> = sqlx::query_as(sql).fetch_all(database).await?;
        let known = commits.len() == sent.intended.len();
        ensure!(known, "{} events became {} rows", sent.intended.len(), commits.len());
        let begin = sent.intended.values().min().copied().unwrap_or_default();
        let begin = begin + i64::try_from(WARM_UP.as_micros())?;
        let mut took: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        let mut came_again: BTreeMap<&str, usize> = BTreeMap::new();
        for (id, kind, deliveries, committed) in &commits {
            let intended = sent.intended.get(id).copied().unwrap_or_default();
            if intended >= begin {
                took.entry(kind).or_default().push(committed - intended);
                *came_again.entry(kind).or_default() += usize::from(*deliveries > 1);
            }
        }
        let to_commit = Spread::of_micros(took.values().flatten().copied());
        let publisher_lag = Spread::of_micros(sent.lags.iter().skip(per_second).copied());
        let by_kind = took.into_iter().zip(came_again.into_values());
        let by_kind = by_kind.map(|((kind, took), came_again)| {
            let (kind, to_commit) = (kind.to_owned(), Spread::of_micros(took));
            KindLatency { kind, to_commit, came_again }
        });
        let by_kind = by_kind.collect();
        Ok(Self { name, per_second, seconds, to_commit, publisher_lag, by_kind })
    }
}

fn row(name: String, rate: String, took: Spread, last: [String; 2]) -> Vec<String> {
    let times = [took.p50_ms, took.p99_ms, took.p999_ms, took.max_ms].map(number);
    [name, rate].into_iter().chain(times).chain(last).collect()
}

impl Figures for Figure {
    const PART: &'static str = "latency";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let header = vec![
            "worker",
            "events/s",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "max ms",
            "publisher p99 ms",
            "came again",
        ];
        let mut rows = Vec::new();
        for latency in &self.latencies {
            let rate = latency.per_second.to_string();
            let lag = number(latency.publisher_lag.p99_ms);
            rows.push(row(latency.name.to_owned(), rate, latency.to_commit, [lag, String::new()]));
            for kind in &latency.by_kind {
                let (name, again) = (format!("  {}", kind.kind), kind.came_again.to_string());
                rows.push(row(name, String::new(), kind.to_commit, [String::new(), again]));
            }
        }
        (header, rows)
    }

    fn notes(&self) -> Vec<String> {
        vec![
            "From the intended time of publishing to the commit, by the database's commit \
             timestamps; the first second is left out. Below each worker its kinds of events; \
             those that came again were parked and came home, or were sent twice, and count to \
             their last commit."
                .to_owned(),
        ]
    }
}
