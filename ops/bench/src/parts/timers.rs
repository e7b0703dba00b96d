//! Many timers at rest, and a steady stream of them falling due.

use anyhow::{Result, ensure};
use serde::Serialize;
use sqlx::PgConnection;
use tokio::time::{Duration, Instant, sleep};

use crate::cli::Settings;
use crate::looks;
use crate::progress::Progress;
use crate::results::{Figures, number};
use crate::seed::{self, DueOrders};
use crate::site::{Site, stop};
use crate::stats::{Spread, signed};

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

/// How the orders that fall due are spread over customers.
///
/// An order that its customer leaves unpaid is noted; from the third one on, what the customer
/// paid is looked up as well.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Customers {
    /// A customer each: a shop's usual day.
    OneOrderEach,
    /// Four orders of each customer in one moment: the most work there is.
    FourOrdersEach,
}

impl Customers {
    fn orders_each(self) -> i64 {
        match self {
            Self::OneOrderEach => 1,
            Self::FourOrdersEach => 4,
        }
    }
}

/// How punctual timers are, of one spread of orders over customers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Punctuality {
    /// How the orders are spread.
    pub(crate) customers: Customers,
    /// From due to the commit of the expiry.
    pub(crate) lateness: Spread,
    /// Expiries that were committed before they were due; must be none.
    pub(crate) early: usize,
}

/// How punctual timers are.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Timers that were armed and not due.
    pub(crate) resting: i64,
    /// Timers that fell due in a second.
    pub(crate) per_second: i64,
    /// One of each spread, in turn on the same database.
    pub(crate) runs: Vec<Punctuality>,
}

/// Measures.
pub(crate) async fn run(settings: &Settings) -> Result<Figure> {
    let resting: i64 = settings.choose(1_000_000, 20_000);
    let site = Site::new().await?;
    let mut database = site.connect().await?;
    looks::require_settings(&mut database).await?;
    seed::resting_timers(&mut database, resting).await?;
    seed::analyze(&mut database).await?;
    let (mut runs, mut after) = (Vec::new(), resting);
    for customers in [Customers::OneOrderEach, Customers::FourOrdersEach] {
        let due = DueOrders {
            after,
            count: PER_SECOND * SECONDS,
            first_in_s: FIRST_DUE_IN_S,
            per_second: PER_SECOND,
            orders_each: customers.orders_each(),
        };
        runs.push(one(&site, &mut database, customers, due).await?);
        after += due.count;
    }
    site.close().await?;
    Ok(Figure { resting, per_second: PER_SECOND, runs })
}

/// Writes orders that fall due, starts the workers, and waits until all are expired.
async fn one(
    site: &Site,
    database: &mut PgConnection,
    customers: Customers,
    due: DueOrders,
) -> Result<Punctuality> {
    due.write(database).await?;
    let mut fleet = site.fleet_with(&[HORIZON]);
    for binary in BINARIES {
        fleet.spawn(binary)?;
    }
    let (wanted, deadline) = (usize::try_from(due.count)?, Instant::now() + PATIENCE);
    let progress = Progress::begin("Waiting for timers to fire", wanted);
    loop {
        let expired = due.expired(database).await?;
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
    let late = due.lateness(database).await?;
    let early = late.iter().filter(|micros| **micros < 0).count();
    Ok(Punctuality { customers, lateness: Spread::of_micros(late), early })
}

impl Figures for Figure {
    const PART: &'static str = "timers";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let header = vec![
            "resting",
            "due/s",
            "of a customer",
            "fired",
            "p50 ms",
            "p99 ms",
            "max ms",
            "early",
        ];
        let row = |run: &Punctuality| {
            let late = run.lateness;
            vec![
                number(signed(self.resting)),
                self.per_second.to_string(),
                run.customers.orders_each().to_string(),
                late.count.to_string(),
                number(late.p50_ms),
                number(late.p99_ms),
                number(late.max_ms),
                run.early.to_string(),
            ]
        };
        (header, self.runs.iter().map(row).collect())
    }

    fn notes(&self) -> Vec<String> {
        vec![
            "From due to the commit of the expiry, over the delay ladder, 10 s ahead. Of a \
             customer who leaves three or more orders unpaid, paid orders are looked up."
                .to_owned(),
        ]
    }
}
