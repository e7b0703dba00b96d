//! Shops and providers, which publish with confirms and outlive every broker.

use std::time::Duration;

use anyhow::{Result, bail};
use broker::{AmqpConfig, Outcome, Publisher, PublisherConfig, Session};
use demo::departures::Departures;
use demo::director::{Director, Standing};
use demo::listen::{Audit, listen};
use demo::provider::Heard;
use demo::publish::publication;
use demo::scenario::Wire;
use demo::site::Site;
use runtime::now;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Most messages published at once.
const WINDOW: usize = 200;
/// Wait between two looks at what is due.
const PACE: Duration = Duration::from_millis(20);
/// Wait before the broker is tried again.
const AGAIN: Duration = Duration::from_millis(250);
/// How often the standing is made known.
const STANDING_EVERY: Duration = Duration::from_millis(500);

/// What the outside sees of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// How far the day has come.
    pub(crate) standing: watch::Receiver<Standing>,
    /// What was published.
    pub(crate) departures: Departures,
    /// What was heard.
    pub(crate) audit: Audit,
}

/// Lives the day until it is dropped.
pub(crate) struct Shop {
    site: Site,
    broker: watch::Receiver<AmqpConfig>,
    director: Director,
    departures: Departures,
    audit: Audit,
    standing: watch::Sender<Standing>,
    next_standing: Instant,
    heard_by: UnboundedSender<Heard>,
    heard: UnboundedReceiver<Heard>,
    /// What the broker has not confirmed yet.
    pending: Vec<Wire>,
}

impl Shop {
    /// A shop whose day is the director's.
    pub(crate) fn new(
        site: Site,
        broker: watch::Receiver<AmqpConfig>,
        director: Director,
    ) -> (Self, Window) {
        let (standing, known) = watch::channel(Standing::default());
        let (heard_by, heard) = unbounded_channel();
        let (departures, audit) = (Departures::default(), Audit::default());
        let window =
            Window { standing: known, departures: departures.clone(), audit: audit.clone() };
        let shop = Self {
            site,
            broker,
            director,
            departures,
            audit,
            standing,
            next_standing: Instant::now(),
            heard_by,
            heard,
            pending: Vec::new(),
        };
        (shop, window)
    }

    /// One session with the broker after the other.
    pub(crate) async fn run(mut self) {
        loop {
            let config = self.broker.borrow().clone();
            if let Ok(session) = Session::open(&config).await {
                // Whatever ended it, all that was not confirmed is published again.
                if let Err(_ended) = self.trade(&session).await {
                    session.close().await;
                }
            }
            sleep(AGAIN).await;
        }
    }

    /// Publishes and listens until the broker is lost.
    async fn trade(&mut self, session: &Session) -> Result<()> {
        self.site.listen(session).await?;
        let publisher = session.publisher(PublisherConfig::default()).await?;
        let mut listeners = listen(&self.site, session, &self.heard_by, &self.audit).await?;
        loop {
            if let Some(ended) = listeners.try_join_next() {
                return ended?;
            }
            while let Ok(heard) = self.heard.try_recv() {
                self.director.hear(&heard, now());
            }
            if self.pending.is_empty() {
                self.pending = self.director.due(now(), WINDOW, false);
                self.departures.leave(self.pending.iter().map(|wire| &wire.message_id), now());
            }
            if !self.pending.is_empty() {
                self.publish(&publisher).await?;
            }
            if Instant::now() >= self.next_standing {
                self.next_standing = Instant::now() + STANDING_EVERY;
                let mut standing = self.director.standing();
                standing.scheduled += self.pending.len();
                self.standing.send_replace(standing);
            }
            sleep(PACE).await;
        }
    }

    async fn publish(&mut self, publisher: &Publisher) -> Result<()> {
        let exchange = self.site.names.inbound();
        let publications = self.pending.iter().map(|wire| publication(&exchange, wire)).collect();
        let outcomes = publisher.publish_all(publications).await?;
        let mut left = Vec::new();
        for (wire, outcome) in std::mem::take(&mut self.pending).into_iter().zip(outcomes) {
            match outcome {
                Outcome::Confirmed => {}
                Outcome::Nacked | Outcome::TimedOut | Outcome::Returned { .. } => left.push(wire),
                Outcome::Invalid(why) => bail!("message {} is invalid: {why:?}", wire.message_id),
            }
        }
        self.pending = left;
        Ok(())
    }
}
