//! Publishes what the director says, with confirms, and knows when each message left.

use std::time::Duration;

use anyhow::{Result, bail};
use broker::{Headers, Outcome, Properties, Publication, Publisher};
use contracts::Timestamp;
use runtime::now;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::departures::Departures;
use crate::director::{Director, Standing};
use crate::provider::Heard;
use crate::scenario::Wire;

/// Most messages published at once.
const WINDOW: usize = 256;
/// Longest time without a look at the agenda.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// How often the standing is made known: it looks at every story.
const STANDING_EVERY: Duration = Duration::from_millis(500);
/// Wait before messages that the broker did not take are published again.
const SECOND_TRY_AFTER: Duration = Duration::from_millis(200);
/// Tries of a message before the demo gives up.
const TRIES: u32 = 50;

/// What publishing is told while it goes on.
#[derive(Debug)]
pub(crate) struct Controls {
    /// Messages of ours.
    pub(crate) heard: UnboundedReceiver<Heard>,
    /// Whether no further story may begin, because the workers are behind.
    pub(crate) hold_back: watch::Receiver<bool>,
    /// Whether the day is over.
    pub(crate) over: watch::Receiver<bool>,
}

/// Publishes the day until it is over.
#[derive(Debug)]
pub(crate) struct Press {
    director: Director,
    publisher: Publisher,
    exchange: String,
    departures: Departures,
    standing: watch::Sender<Standing>,
    next_standing: Timestamp,
}

impl Press {
    /// Publishes to the exchange for shops.
    pub(crate) fn new(
        director: Director,
        publisher: Publisher,
        exchange: String,
        departures: Departures,
        standing: watch::Sender<Standing>,
    ) -> Self {
        let next_standing = Timestamp::EPOCH;
        Self { director, publisher, exchange, departures, standing, next_standing }
    }

    /// Publishes each message at its time.
    ///
    /// # Errors
    /// When the broker is lost, or does not take a message time after time.
    pub(crate) async fn run(mut self, mut controls: Controls) -> Result<()> {
        while !*controls.over.borrow() {
            while let Ok(heard) = controls.heard.try_recv() {
                self.director.hear(&heard, now());
            }
            let hold_back = *controls.hold_back.borrow();
            let wires = self.director.due(now(), WINDOW, hold_back);
            self.make_known();
            if wires.is_empty() {
                let pause = self.director.next().map_or(LONGEST_PAUSE, |next| next.since(now()));
                tokio::select! {
                    heard = controls.heard.recv() => match heard {
                        Some(heard) => self.director.hear(&heard, now()),
                        None => sleep(LONGEST_PAUSE).await,
                    },
                    () = sleep(pause.min(LONGEST_PAUSE)) => {}
                }
            } else {
                self.publish(&wires).await?;
            }
        }
        Ok(())
    }

    fn make_known(&mut self) {
        if now() >= self.next_standing {
            self.next_standing = now().plus(STANDING_EVERY);
            self.standing.send_replace(self.director.standing());
        }
    }

    async fn publish(&mut self, wires: &[Wire]) -> Result<()> {
        self.departures.leave(wires.iter().map(|wire| &wire.message_id), now());
        let mut left: Vec<&Wire> = wires.iter().collect();
        for _ in 0..TRIES {
            left = self.try_to_publish(left).await?;
            if left.is_empty() {
                return Ok(());
            }
            sleep(SECOND_TRY_AFTER).await;
        }
        bail!("the broker does not take {} messages", left.len());
    }

    /// Publishes messages once; returns those that the broker did not take.
    async fn try_to_publish<'w>(&self, wires: Vec<&'w Wire>) -> Result<Vec<&'w Wire>> {
        let publications = wires.iter().map(|wire| publication(&self.exchange, wire)).collect();
        let outcomes = self.publisher.publish_all(publications).await?;
        let mut left = Vec::new();
        for (wire, outcome) in wires.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Confirmed => {}
                Outcome::Nacked | Outcome::TimedOut => left.push(wire),
                Outcome::Returned { .. } | Outcome::Invalid(_) => {
                    bail!("message {} was not taken: {outcome:?}", wire.message_id)
                }
            }
        }
        Ok(left)
    }
}

/// A message of the day as it is published.
pub fn publication(exchange: &str, wire: &Wire) -> Publication {
    let mut headers = Headers::default();
    for (name, value) in &wire.headers {
        headers.insert(name.as_str(), value.as_str());
    }
    let properties = Properties {
        message_id: Some(wire.message_id.clone()),
        content_type: wire.content_type.map(str::to_owned),
        app_id: Some("demo".to_owned()),
        headers,
        ..Properties::default()
    };
    Publication::new(exchange, wire.routing_key, properties, wire.body.clone())
}
