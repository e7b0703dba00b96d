//! Hears what we send: commands as their executor, everything as a subscriber.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use broker::{Session, Settled};
use domain::message::{Body, Routing};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use crate::provider::Heard;
use crate::site::Site;

/// Messages handed over and not settled.
const PREFETCH: u16 = 500;

/// How often each message of ours came to the subscriber, by its id.
#[derive(Clone, Debug, Default)]
pub struct Audit(Arc<Mutex<HashMap<String, u32>>>);

impl Audit {
    fn count(&self, id: &str) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *heard.entry(id.to_owned()).or_default() += 1;
    }

    /// Every id that came, with how often.
    pub fn heard(&self) -> HashMap<String, u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many different messages came.
    pub fn distinct(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Listens to both queues; a task that ends has lost the broker.
///
/// # Errors
/// When the broker refuses a consumer.
pub async fn listen(
    site: &Site,
    session: &Session,
    heard: &UnboundedSender<Heard>,
    audit: &Audit,
) -> Result<JoinSet<Result<()>>> {
    let mut tasks = JoinSet::new();
    let commands = session.consumer(&site.commands(), PREFETCH).await?;
    tasks.spawn(consume(commands, heard.clone(), |_| true));
    let everything = session.consumer(&site.everything(), PREFETCH).await?;
    let audit = audit.clone();
    // A command reaches its executor by its own queue.
    let announcements = move |message: &Heard| {
        audit.count(&message.id);
        !is_command(message.name())
    };
    tasks.spawn(consume(everything, heard.clone(), announcements));
    Ok(tasks)
}

async fn consume(
    mut consumer: broker::Consumer,
    heard: UnboundedSender<Heard>,
    passes_on: impl Fn(&Heard) -> bool,
) -> Result<()> {
    let settler = consumer.settler();
    loop {
        let delivery = consumer.next().await.context("the demo lost the broker")?;
        let message: Heard = serde_json::from_slice(&delivery.body)
            .context("a message of ours is not what it should be")?;
        if passes_on(&message) {
            // Nobody listening means that the day is over.
            heard.send(message).unwrap_or_default();
        }
        match settler.ack(delivery.tag).await? {
            Settled::Done => {}
            Settled::Stale => bail!("the demo lost the broker"),
        }
    }
}

fn is_command(name: &str) -> bool {
    let known = Body::ROUTES.iter().find(|(known, _)| *known == name);
    known.is_some_and(|(_, routing)| *routing == Routing::Command)
}
