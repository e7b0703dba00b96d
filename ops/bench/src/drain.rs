//! Our workers on a backlog: started, watched to the end, stopped, and proved to be done.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use contracts::Timestamp;
use fleet::Fleet;
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use crate::costs::{Costs, Meter};
use crate::looks::{self, Commits, Writes};
use crate::progress::Progress;
use crate::site::{Site, stop};

/// How often the end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long nothing may change before a run is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything that takes part when a shop's events are worked off.
pub(crate) const ALL: [&str; 7] = [
    "order-created",
    "payment-attempted",
    "payment-timeout",
    "refund-requested",
    "dispute-opened",
    "outbox-relay",
    "timer-scheduler",
];

/// How a backlog was worked off.
#[derive(Debug)]
pub(crate) struct Drained {
    /// First and last commit.
    pub(crate) commits: Commits,
    /// When every queue was empty, everything acknowledged and every message of ours sent.
    pub(crate) settled_at: Timestamp,
    /// Rows written per event.
    pub(crate) writes: BTreeMap<String, Writes>,
    /// What it took.
    pub(crate) costs: Costs,
}

/// What is to be done before a run is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal<'a> {
    /// Events that the inbox holds in the end, earlier ones included.
    pub(crate) in_inbox: usize,
    /// Messages in the queues at the start.
    pub(crate) messages: usize,
    /// Whether messages of ours are to be sent as well.
    pub(crate) sent: bool,
    /// Kinds of events whose commits are timed; none means all.
    pub(crate) kinds: &'a [&'a str],
}

/// Starts these binaries on a site whose queues are filled, and measures until all is done.
pub(crate) async fn drain(
    site: &Site,
    mut fleet: Fleet,
    binaries: &[&'static str],
    goal: Goal<'_>,
) -> Result<Drained> {
    let mut database = site.connect().await?;
    looks::require_settings(&mut database).await?;
    let meter = Meter::start(&mut database).await?;
    for binary in binaries {
        fleet.spawn(binary)?;
    }
    let settled_at = until_done(site, &mut fleet, &mut database, goal).await?;
    let measured = meter.read_processes(&mut fleet)?;
    stop(fleet).await?;
    ensure!(site.waiting().await? == 0, "messages came back to a queue when the workers stopped");
    until_gone(&mut database).await?;
    let costs = measured.finish(&mut database, goal.messages).await?;
    Ok(Drained {
        commits: Commits::of_inbox(&mut database, goal.kinds).await?,
        settled_at,
        writes: looks::writes(&mut database, goal.messages).await?,
        costs,
    })
}

/// Waits until everything is decided, sent and acknowledged; returns when that was.
pub(crate) async fn until_done(
    site: &Site,
    fleet: &mut Fleet,
    database: &mut PgConnection,
    goal: Goal<'_>,
) -> Result<Timestamp> {
    let progress = Progress::begin("Working the backlog off", goal.messages);
    let (mut last, mut changed) = (usize::MAX, Instant::now());
    loop {
        let casualties = fleet.casualties();
        ensure!(casualties.is_empty(), "{}", casualties.join("\n"));
        let waiting = site.waiting().await?;
        progress.set(goal.messages.saturating_sub(waiting));
        if waiting == 0 && is_done(fleet, database, goal).await? {
            return Ok(runtime::now());
        }
        if waiting != last {
            (last, changed) = (waiting, Instant::now());
        } else if changed.elapsed() > PATIENCE {
            let decided = looks::decided(database).await?;
            let wanted = goal.in_inbox;
            bail!("nothing moves: {waiting} messages wait, {decided} of {wanted} events decided");
        }
        sleep(LOOK_EVERY).await;
    }
}

/// The cheap questions first.
async fn is_done(fleet: &mut Fleet, database: &mut PgConnection, goal: Goal<'_>) -> Result<bool> {
    if goal.sent && looks::unsent(database).await? {
        return Ok(false);
    }
    Ok(looks::decided(database).await? >= goal.in_inbox
        && looks::in_flight(fleet).await == Some(0.0))
}

/// The server knows all counts of a connection once it is gone.
pub(crate) async fn until_gone(database: &mut PgConnection) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !looks::workers_gone(database).await? {
        ensure!(Instant::now() < deadline, "connections to the database stay open");
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}
