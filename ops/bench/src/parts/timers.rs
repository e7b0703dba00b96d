//! Many timers at rest, and a steady stream of them falling due.

use anyhow::{Result, ensure};
use serde::Serialize;
use tokio::time::{Duration, Instant, sleep};

use crate::cli::Settings;
use crate::looks;
use crate::progress::Progress;
use crate::results::{Figures, number};
use crate::seed;
use crate::site::{Site, stop};
use crate::stats::{Spread, float};

/// Timers falling due in a second.
const PER_SECOND: i64 = 2_000;
/// For so many seconds.
const SECONDS: i64 = 15;
/// The first of them, from when they are written: the workers have started by then.
const FIRST_DUE_IN_S: i64 = 20;
/// Shorter than that, so that timers are handed over as steadily as they fall due.
const HORIZON: (&str, &str) = ("ORDERFLOW_TIMER_HORIZON", "10s");
/// How often the end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Longest time to the last expiry.
const PATIENCE: Duration = Duration::from_mins(5);
/// What takes part.
const BINARIES: [&str; 3] = ["payment-timeout", "timer-scheduler", "outbox-relay"];

/// How punctual timers are.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Timers that were armed and not due.
    pub(crate) resting: usize,
    /// Timers that fell due in a second.
    pub(crate) per_second: i64,
    /// From due to the commit of the expiry.
    pub(crate) lateness: Spread,
    /// Expiries that were committed before they were due; must be none.
    pub(crate) early: usize,
}

/// Measures.
pub(crate) async fn run(settings: &Settings) -> Result<Figure> {
    let resting: i64 = settings.choose(1_000_000, 20_000);
    let due = PER_SECOND * SECONDS;
    let site = Site::new().await?;
    let mut database = site.connect().await?;
    looks::require_settings(&mut database).await?;
    seed::resting_timers(&mut database, resting).await?;
    seed::analyze(&mut database).await?;
    seed::due_timers(&mut database, resting, due, FIRST_DUE_IN_S, PER_SECOND).await?;
    let mut fleet = site.fleet_with(&[HORIZON]);
    for binary in BINARIES {
        fleet.spawn(binary)?;
    }
    let (wanted, deadline) = (usize::try_from(due)?, Instant::now() + PATIENCE);
    let progress = Progress::begin("Waiting for timers to fire", wanted);
    loop {
        let expired = seed::expired(&mut database).await?;
        progress.set(expired);
        if expired >= wanted {
            break;
        }
        ensure!(fleet.casualties().is_empty(), "{}", fleet.casualties().join("\n"));
        ensure!(Instant::now() < deadline, "{expired} of {wanted} orders have expired");
        sleep(LOOK_EVERY).await;
    }
    drop(progress);
    stop(fleet).await?;
    let late = seed::lateness(&mut database).await?;
    let early = late.iter().filter(|micros| **micros < 0).count();
    site.close().await?;
    Ok(Figure {
        resting: usize::try_from(resting)?,
        per_second: PER_SECOND,
        lateness: Spread::of_micros(late),
        early,
    })
}

impl Figures for Figure {
    const PART: &'static str = "timers";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let header = vec!["resting", "due/s", "fired", "p50 ms", "p99 ms", "max ms", "early"];
        let late = self.lateness;
        let row = vec![
            number(float(self.resting)),
            self.per_second.to_string(),
            late.count.to_string(),
            number(late.p50_ms),
            number(late.p99_ms),
            number(late.max_ms),
            self.early.to_string(),
        ];
        (header, vec![row])
    }

    fn notes(&self) -> Vec<String> {
        vec!["From due to the commit of the expiry, over the delay ladder, 10 s ahead.".to_owned()]
    }
}
