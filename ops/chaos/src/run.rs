//! One run: a day that goes on, rounds of faults meanwhile, and the verdict.

use std::time::Duration;

use anyhow::{Context as _, Result};
use demo::broker_admin::BrokerAdmin;
use demo::choices::POLICIES;
use demo::departures::missing;
use demo::director::Director;
use demo::evidence::Evidence;
use demo::numbers::{Look, Numbers};
use demo::scenario::Day;
use demo::site::Site;
use demo::surroundings::Surroundings;
use demo::timing;
use demo::verdict::Verdict;
use fleet::{Fleet, FleetSpec, Link, Member, WORKERS};
use runtime::now;
use store::{Database, report};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::fault::{Fault, Part};
use crate::happen::{STOP_WITHIN, Scene, amqp, socket};
use crate::plan::{Plan, Round};
use crate::report::{Recovery, Report};
use crate::servers::{Addresses, Servers};
use crate::shop::{Shop, Window};
use crate::sql::Outside;
use crate::stories::day;

/// Longest time that workers may take to be ready at the start, of which nothing is to be shown.
const START_WITHIN: Duration = Duration::from_mins(4);
/// Longest time that workers may take to be ready after a fault.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// How often readiness and liveness are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked whether all is quiet.
const QUIET_EVERY: Duration = Duration::from_millis(500);
/// Longest time without any change before the run gives up waiting for quiet.
const PATIENCE: Duration = Duration::from_mins(3);
/// Longest time that a healed run may take to come to rest.
const REST_WITHIN: Duration = Duration::from_mins(10);
/// The broker counts what is in its queues every five seconds.
const QUIET_LOOKS: u32 = 12;
/// Within this time a living process answers, however busy the machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What a run is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Decides the faults and the day.
    pub(crate) seed: u64,
    /// How long faults happen.
    pub(crate) length: Duration,
    /// Most rounds of faults.
    pub(crate) rounds: u32,
}

impl Options {
    /// What to type for the same run.
    fn command(&self) -> String {
        let Self { seed, length, rounds } = self;
        let rounds =
            if *rounds == u32::MAX { String::new() } else { format!(" --rounds {rounds}") };
        format!("cargo xtask chaos --seed {seed} --minutes {}{rounds}", length.as_secs() / 60)
    }
}

/// Where binaries and folders are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) xtask: std::path::PathBuf,
    pub(crate) bin_dir: std::path::PathBuf,
    pub(crate) local: std::path::PathBuf,
}

/// Runs it all, and leaves nothing running.
///
/// # Errors
/// When a fault cannot be brought about or ended.
pub(crate) async fn run(options: Options, places: &Places) -> Result<Report> {
    // As the servers' own mark has it: absolute, and where the folder really is.
    let local = std::path::absolute(&places.local).context("failed to find the local folder")?;
    let local = std::fs::canonicalize(&local).unwrap_or(local);
    let servers = Servers::new(places.xtask.clone(), &local);
    eprintln!("Starting a private broker and database ...");
    let addresses = servers.up().await?;
    let report = with_services(options, places, &servers, &addresses).await;
    servers.down().await?;
    report
}

async fn with_services(
    options: Options,
    places: &Places,
    servers: &Servers,
    addresses: &Addresses,
) -> Result<Report> {
    let surroundings = Surroundings {
        amqp_url: addresses.amqp.parse()?,
        database_url: addresses.database.parse()?,
        management_url: addresses.management.parse()?,
        bin_dir: places.bin_dir.clone(),
        folder: places.local.join("chaos"),
    };
    let site = Site::new(&surroundings, now())?;
    site.build().await?;
    let day = day(options.seed, options.length);
    let (broker_line, database_line) =
        (Link::to(socket(&addresses.amqp)?)?, Link::to(socket(&addresses.database)?)?);
    let spec = spec(&surroundings, &site, &day, &broker_line, &database_line)?;
    eprintln!("Starting eight workers; their logs are in {} ...", spec.log_dir.display());
    let fleet = Fleet::start(spec, &WORKERS, START_WITHIN).await?;
    let (shop, broker) = watch::channel(amqp(&addresses.amqp)?);
    let director = Director::new(day.stories.clone(), now());
    let (life, window) = Shop::new(site.clone(), broker, director);
    let mut run = Run {
        options,
        report: Report::new(options.seed, options.command()),
        began: Instant::now(),
        scene: Scene {
            fleet,
            servers: servers.clone(),
            broker_line,
            database_line,
            outside: Outside::new(site.database_url().to_string()),
            shop,
            taken: Vec::new(),
        },
    };
    let life = tokio::task::spawn_local(life.run());
    run.rounds().await?;
    let left = run.until_quiet(&site, &surroundings, &window).await?;
    life.abort();
    let mut database = Database::connect(&site.database()?).await?;
    let (heard, departures) = (window.audit.heard(), window.departures.all());
    let evidence = Evidence::gather(&mut database, heard, departures).await?;
    run.report.judge(Verdict::of_day(&day, &evidence, &left), &evidence, run.began.elapsed());
    if let Err(error) = run.scene.fleet.stop(STOP_WITHIN).await {
        run.report.violation(format!("at the end: {error:#}"));
    }
    site.clear_broker().await?;
    Ok(run.report)
}

fn spec(
    surroundings: &Surroundings,
    site: &Site,
    day: &Day,
    broker: &Link,
    database: &Link,
) -> Result<FleetSpec> {
    let failpoints: Vec<_> = day.panics().iter().map(|id| format!("panic:{id}")).collect();
    let policies = surroundings.folder.join("policies.toml");
    std::fs::create_dir_all(&surroundings.folder).context("failed to make the run's folder")?;
    std::fs::write(&policies, POLICIES).context("failed to write the shop's choices")?;
    let (bin_dir, log_dir) = (surroundings.bin_dir.clone(), surroundings.folder.join("workers"));
    let mut spec = FleetSpec { bin_dir, log_dir, env: Vec::new() };
    for (name, value) in timing::variables() {
        spec = spec.with(name, value);
    }
    Ok(spec
        .with("ORDERFLOW_AMQP_URL", broker.url(surroundings.amqp_url.as_str())?)
        .with("ORDERFLOW_DATABASE_URL", database.url(site.database_url().as_str())?)
        .with("ORDERFLOW_PREFIX", site.names.prefix())
        .with("ORDERFLOW_DELAY", "ladder")
        // Longer than any outage of the run: what waits for its parent is not given up.
        .with("ORDERFLOW_PARK_TTL", "10m")
        .with("ORDERFLOW_POLICIES", policies.to_string_lossy().into_owned())
        .with("ORDERFLOW_FAILPOINTS", failpoints.join(",")))
}

struct Run {
    options: Options,
    report: Report,
    began: Instant,
    scene: Scene,
}

impl Run {
    /// Round after round until the time is over, or there were enough.
    async fn rounds(&mut self) -> Result<()> {
        let plan = Plan::new(self.options.seed);
        let most = usize::try_from(self.options.rounds).unwrap_or(usize::MAX);
        for (number, round) in (1..).zip(plan.take(most)) {
            if self.began.elapsed() >= self.options.length {
                return Ok(());
            }
            sleep(round.quiet).await;
            self.round(number, &round)
                .await
                .with_context(|| format!("round {number}: {round:?}"))?;
        }
        Ok(())
    }

    async fn round(&mut self, number: u32, round: &Round) -> Result<()> {
        let names: Vec<_> = round.faults.iter().map(ToString::to_string).collect();
        let what = format!("round {number}: {}", names.join(" and "));
        let until = Instant::now() + round.hold;
        for fault in &round.faults {
            for wrong in self.scene.begin(*fault).await? {
                self.report.violation(format!("{what}: {wrong}"));
            }
        }
        sleep_until(until).await;
        for wrong in self.dead(&round.faults).await {
            self.report.violation(format!("{what}: {wrong}"));
        }
        for fault in round.faults.iter().rev() {
            self.scene.end(*fault).await?;
        }
        let recovery = self.recover().await;
        let hold = round.hold.as_secs_f64();
        match &recovery {
            Ok(took) => eprintln!("{what}, {hold:.1} s; ready {:.1} s later", took.as_secs_f64()),
            Err(why) => {
                eprintln!("{what}, {hold:.1} s; NOT READY: {why}");
                self.report.violation(format!("{what}: {why}"));
            }
        }
        let parts: Vec<Part> = round.faults.iter().map(|fault| fault.part()).collect();
        let recovery = Recovery { took: recovery.unwrap_or(READY_WITHIN), alone: parts.len() == 1 };
        self.report.round(&round.faults, &parts, recovery);
        Ok(())
    }

    /// Workers that run and do not say that they live.
    async fn dead(&mut self, faults: &[Fault]) -> Vec<String> {
        let mut dead = self.scene.fleet.casualties();
        for member in self.scene.fleet.members() {
            let frozen = |fault: &Fault| *fault == Fault::Freeze(member.binary());
            if faults.iter().any(frozen) {
                continue;
            }
            match timeout(ANSWER_WITHIN, member.page("livez")).await {
                // One that serves no page has only just begun.
                Ok(Ok((200, _)) | Err(_)) => {}
                Ok(Ok((status, text))) => {
                    dead.push(format!("{} is not alive: {status} {text}", member.binary()));
                }
                Err(_late) => dead.push(format!("{} says nothing", member.binary())),
            }
        }
        dead
    }

    /// Waits until every worker is ready and stays so for two looks; returns how long that took.
    async fn recover(&mut self) -> Result<Duration, String> {
        let began = Instant::now();
        let mut since = None;
        loop {
            let casualties = self.scene.fleet.casualties();
            if !casualties.is_empty() {
                return Err(casualties.join("; "));
            }
            let looked = began.elapsed();
            match unready(self.scene.fleet.members()).await {
                None if since.is_some() => return Ok(since.unwrap_or(looked)),
                None => since = Some(looked),
                Some(why) if looked > READY_WITHIN => return Err(why),
                Some(_) => since = None,
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Looks again and again until nothing is left to do, or nothing changes any more; returns
    /// what is left then.
    async fn until_quiet(
        &mut self,
        site: &Site,
        surroundings: &Surroundings,
        window: &Window,
    ) -> Result<Vec<String>> {
        eprintln!("All is healed; waiting until the day is over and every queue is empty ...");
        let mut database = Database::connect(&site.database()?).await?;
        let admin = BrokerAdmin::new(surroundings);
        let (mut before, mut changed, mut quiet) = (Vec::new(), Instant::now(), 0);
        let give_up = Instant::now() + REST_WITHIN;
        while quiet < QUIET_LOOKS {
            sleep(QUIET_EVERY).await;
            // Not borrowed while anything is awaited: the shop is a task of the same thread.
            let standing = window.standing.borrow().clone();
            let look = Look {
                standing,
                published: window.departures.count(),
                numbers: Numbers::new(report::totals(&mut database).await?),
                depths: admin.depths(site.names.prefix()).await?,
                heard: window.audit.distinct(),
            };
            let mut left = look.left(0);
            if left.is_empty() {
                let accepted = report::accepted_events(&mut database).await?;
                let letters = report::dead_letters(&mut database).await?;
                let count = missing(&window.departures.all(), &accepted, &letters).len();
                left.extend((count > 0).then(|| format!("{count} messages on their way")));
            }
            quiet = if left.is_empty() { quiet + 1 } else { 0 };
            if left != before {
                (before, changed) = (left, Instant::now());
            }
            let stuck = changed.elapsed() > PATIENCE || Instant::now() > give_up;
            if stuck && !before.is_empty() {
                return Ok(before);
            }
        }
        Ok(Vec::new())
    }
}

/// The first worker that is not ready, and why.
async fn unready(members: &mut [Member]) -> Option<String> {
    for member in members {
        match timeout(ANSWER_WITHIN, member.page("readyz")).await {
            Ok(Ok((200, _))) => {}
            Ok(Ok((_, text))) => return Some(format!("{}: {}", member.binary(), text.trim())),
            Ok(Err(error)) => return Some(format!("{}: {error:#}", member.binary())),
            Err(_late) => return Some(format!("{} says nothing", member.binary())),
        }
    }
    None
}
