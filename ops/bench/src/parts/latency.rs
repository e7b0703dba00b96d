//! From the time an event was to be published to the commit that accepted it, at a steady rate.

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
}

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
        let sql = "/* bench */ SELECT event_id,
                (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1e6)::bigint
            FROM inbox";
        let commits: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(database).await?;
        let known = commits.len() == sent.intended.len();
        ensure!(known, "{} events became {} rows", sent.intended.len(), commits.len());
        let begin = sent.intended.values().min().copied().unwrap_or_default();
        let begin = begin + i64::try_from(WARM_UP.as_micros())?;
        let took = commits.iter().filter_map(|(id, committed)| {
            let intended = *sent.intended.get(id)?;
            (intended >= begin).then_some(committed - intended)
        });
        let to_commit = Spread::of_micros(took);
        let publisher_lag = Spread::of_micros(sent.lags.iter().skip(per_second).copied());
        Ok(Self { name, per_second, seconds, to_commit, publisher_lag })
    }
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
        ];
        let rows = self.latencies.iter().map(|latency| {
            let took = latency.to_commit;
            let times = [took.p50_ms, took.p99_ms, took.p999_ms, took.max_ms];
            let mut row = vec![latency.name.to_owned(), latency.per_second.to_string()];
            row.extend(times.map(number));
            row.push(number(latency.publisher_lag.p99_ms));
            row
        });
        (header, rows.collect())
    }

    fn notes(&self) -> Vec<String> {
        vec![
            "From the intended time of publishing to the commit, by the database's commit \
             timestamps; the first second is left out."
                .to_owned(),
        ]
    }
}
