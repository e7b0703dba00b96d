//! One run, from an empty database to the verdict.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use broker::delay::{DelayChoice, probe};
use broker::{AmqpConfig, PublisherConfig, Session};
use fleet::{Fleet, FleetSpec, WORKERS};
use runtime::now;
use store::Database;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::broker_admin::BrokerAdmin;
use crate::choices::POLICIES;
use crate::departures::{Departures, missing};
use crate::director::{Director, Standing};
use crate::evidence::Evidence;
use crate::listen::{Audit, listen};
use crate::measure::{Histogram, retried};
use crate::numbers::{Look, Numbers};
use crate::publish::{Controls, Press};
use crate::record::Process;
use crate::report::{Report, Run};
use crate::scenario::Day;
use crate::scrape::{self, Scrape};
use crate::screen::{Expected, Screen, say};
use crate::site::Site;
use crate::surroundings::Surroundings;
use crate::timing;

/// How often the day is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the broker is asked about its queues: it counts them every five seconds itself.
const DEPTHS_EVERY: u32 = 4;
/// Longest time that workers may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Longest time without any change before the demo gives up waiting for quiet.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often in a row all must be quiet.
const QUIET_LOOKS: u32 = 2;

/// What a run is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The day's seed.
    pub(crate) seed: u64,
    /// How many orders it has.
    pub(crate) orders: u32,
    /// What carries its timers.
    pub(crate) delay: DelayChoice,
}

/// Starts the workers of a run.
///
/// # Errors
/// When one does not get ready.
pub(crate) async fn start_workers(
    surroundings: &Surroundings,
    site: &Site,
    options: Options,
    day: &Day,
) -> Result<Fleet> {
    let spec = FleetSpec {
        bin_dir: surroundings.bin_dir.clone(),
        log_dir: surroundings.folder.join("logs"),
        env: Vec::new(),
    };
    let failpoints: Vec<_> = day.panics().iter().map(|id| format!("panic:{id}")).collect();
    let policies = surroundings.folder.join("policies.toml");
    fs::create_dir_all(&surroundings.folder).context("failed to make the demo's folder")?;
    fs::write(&policies, POLICIES).context("failed to write the shop's choices")?;
    let mut variables = timing::variables();
    variables.extend([
        ("ORDERFLOW_AMQP_URL", surroundings.amqp_url.to_string()),
        ("ORDERFLOW_DATABASE_URL", site.database_url().to_string()),
        ("ORDERFLOW_PREFIX", site.names.prefix().to_owned()),
        ("ORDERFLOW_DELAY", delay_name(options.delay).to_owned()),
        ("ORDERFLOW_FAILPOINTS", failpoints.join(",")),
        ("ORDERFLOW_POLICIES", policies.to_string_lossy().into_owned()),
    ]);
    let spec = variables.into_iter().fold(spec, |spec, (name, value)| spec.with(name, value));
    Fleet::start(spec, &WORKERS, READY_WITHIN).await
}

/// The processes of a fleet, to be recorded.
pub(crate) fn processes(fleet: &mut Fleet) -> Vec<Process> {
    let members = fleet.members().iter();
    members.filter_map(|member| Process::of(member.binary(), member.pid()?)).collect()
}

/// Lets the day happen and judges it.
///
/// # Errors
/// When it does not come to an end.
pub(crate) async fn play(
    surroundings: &Surroundings,
    site: &Site,
    options: Options,
    day: &Day,
    fleet: &mut Fleet,
) -> Result<Report> {
    let amqp = amqp(surroundings)?;
    let (provider, _why) = probe(&amqp, options.delay).await?;
    let session = Session::open(&amqp).await?;
    site.listen(&session).await?;
    let began = Instant::now();
    let mut stage = Stage::open(surroundings, site, day, &session).await?;
    let left = stage.until_quiet(day, fleet).await;
    stage.screen.clear();
    let left = left?;
    let took = began.elapsed();
    say("Comparing what was found with what was expected ...");
    let scrapes = scrape::of_fleet(fleet).await?;
    scrape::keep(&surroundings.folder, &scrapes)?;
    let batches = batches(&scrapes);
    let retried = read_retries(fleet, day)?;
    let Options { seed, orders, .. } = options;
    let delayed_exchange = provider.as_str();
    let run = Run { seed, orders, took, left, delayed_exchange, batches, retried };
    let evidence = stage.close().await?;
    session.close().await;
    Ok(Report::new(&run, day, &evidence))
}

/// A day that goes on.
struct Stage {
    site: Site,
    admin: BrokerAdmin,
    database: Database,
    screen: Screen,
    audit: Audit,
    listeners: JoinSet<Result<()>>,
    departures: Departures,
    press: JoinHandle<Result<()>>,
    standing: watch::Receiver<Standing>,
    hold_back: watch::Sender<bool>,
    over: watch::Sender<bool>,
    look: Look,
}

impl Stage {
    async fn open(
        surroundings: &Surroundings,
        site: &Site,
        day: &Day,
        session: &Session,
    ) -> Result<Self> {
        let database = Database::connect(&site.database()?).await?;
        let publisher = session.publisher(PublisherConfig::default()).await?;
        let (heard_by, heard) = mpsc::unbounded_channel();
        let (make_known, standing) = watch::channel(Standing::default());
        let (hold_back, may_not_begin) = watch::channel(false);
        let (over, is_over) = watch::channel(false);
        let audit = Audit::default();
        let listeners = listen(site, session, &heard_by, &audit).await?;
        let director = Director::new(day.stories.clone(), now());
        let (exchange, departures) = (site.names.inbound(), Departures::default());
        let press = Press::new(director, publisher, exchange, departures.clone(), make_known);
        let controls = Controls { heard, hold_back: may_not_begin, over: is_over };
        let expected =
            Expected { messages: day.messages(), dead_letters: day.dead_letters().len() };
        Ok(Self {
            site: site.clone(),
            admin: BrokerAdmin::new(surroundings),
            database,
            screen: Screen::new(expected),
            audit,
            listeners,
            departures,
            press: tokio::spawn(press.run(controls)),
            standing,
            hold_back,
            over,
            look: Look::default(),
        })
    }

    /// Looks again and again until nothing is left to do, or nothing changes any more; returns
    /// what is left then.
    async fn until_quiet(&mut self, day: &Day, fleet: &mut Fleet) -> Result<Vec<String>> {
        let dead_letters = day.dead_letters().len();
        let mut looks = 0;
        let mut quiet = 0;
        let (mut before, mut changed) = (Vec::new(), Instant::now());
        while quiet < QUIET_LOOKS {
            tokio::time::sleep(LOOK_EVERY).await;
            self.check_alive(fleet).await?;
            self.look_around(looks % DEPTHS_EVERY == 0).await?;
            looks += 1;
            self.screen.show(&self.look);
            self.hold_back.send_replace(self.look.is_behind());
            let mut left = self.look.left(dead_letters);
            if left.is_empty() {
                left = self.on_their_way().await?;
            }
            quiet = if left.is_empty() { quiet + 1 } else { 0 };
            if left != before {
                (before, changed) = (left, Instant::now());
            } else if !before.is_empty() && changed.elapsed() > PATIENCE {
                say(&format!("Nothing has changed for {PATIENCE:?}."));
                return Ok(before);
            }
        }
        Ok(Vec::new())
    }

    async fn look_around(&mut self, depths: bool) -> Result<()> {
        self.look.standing = self.standing.borrow().clone();
        self.look.numbers = Numbers::new(store::report::totals(&mut self.database).await?);
        self.look.published = self.departures.count();
        self.look.heard = self.audit.distinct();
        if depths {
            self.look.depths = self.admin.depths(self.site.names.prefix()).await?;
        }
        Ok(())
    }

    /// What the counts do not show: messages that workers have not seen yet, in words.
    async fn on_their_way(&mut self) -> Result<Vec<String>> {
        let accepted = store::report::accepted_events(&mut self.database).await?;
        let dead_letters = store::report::dead_letters(&mut self.database).await?;
        let departures = self.departures.all();
        let count = missing(&departures, &accepted, &dead_letters).len();
        Ok((count > 0).then(|| format!("{count} messages on their way")).into_iter().collect())
    }

    /// Everything that must not end before the day does.
    async fn check_alive(&mut self, fleet: &mut Fleet) -> Result<()> {
        let casualties = fleet.casualties();
        if !casualties.is_empty() {
            bail!("{}", casualties.join("\n"));
        }
        if let Some(ended) = self.listeners.try_join_next() {
            ended??;
        }
        if self.press.is_finished() {
            (&mut self.press).await??;
        }
        Ok(())
    }

    /// Ends publishing and listening, and gathers the evidence.
    async fn close(mut self) -> Result<Evidence> {
        self.over.send_replace(true);
        self.press.await.context("publishing was given up")??;
        self.listeners.shutdown().await;
        let (heard, departures) = (self.audit.heard(), self.departures.all());
        Evidence::gather(&mut self.database, heard, departures).await
    }
}

fn amqp(surroundings: &Surroundings) -> Result<AmqpConfig> {
    Ok(AmqpConfig {
        urls: vec![surroundings.amqp_url.as_str().parse()?],
        connection_name: "orderflow/demo".to_owned(),
        heartbeat: Duration::from_secs(10),
        operation_timeout: Duration::from_secs(10),
    })
}

fn delay_name(choice: DelayChoice) -> &'static str {
    match choice {
        DelayChoice::Auto => "auto",
        DelayChoice::Ladder => "ladder",
        DelayChoice::Plugin => "plugin",
    }
}

/// How long the transactions of all workers took.
fn batches(scrapes: &[Scrape]) -> Histogram {
    let mut histogram = Histogram::default();
    for scrape in scrapes {
        histogram.add(&scrape.page, "orderflow_batch_duration_seconds");
    }
    histogram
}

fn read_retries(fleet: &mut Fleet, day: &Day) -> Result<Vec<crate::measure::Retried>> {
    let worker = fleet.member("payment-attempted").context("payment-attempted is not there")?;
    let log = std::fs::read_to_string(worker.log()).context("failed to read a worker's log")?;
    Ok(day.panics().into_iter().map(|id| retried(&log, id)).collect())
}
