//! A database and a corner of the broker of one measurement's own.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use broker::Session;
use broker::delay::DelayProvider;
use broker::topology::Topology;
use broker::{AmqpConfig, Names, Outcome, Properties, Publication, Publisher, PublisherConfig};
use contracts::STRUCTURED_CONTENT_TYPE;
use fleet::{Fleet, FleetSpec};
use lapin::options::{QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use sqlx::{Connection as _, PgConnection};
use testkit::shop::ShopEvent;
use testkit::{TestBroker, TestDatabase};

use crate::mix;
use crate::progress::Progress;

/// The workers that take a shop's events or our timers.
pub(crate) const RULES: [&str; 5] =
    ["order-created", "payment-attempted", "payment-timeout", "refund-requested", "dispute-opened"];
/// Messages between two looks at the progress of publishing.
const CHUNK: usize = 5_000;
/// Messages published before their confirms are awaited.
const WINDOW: usize = 1_024;
/// Longest time that workers may take to stop in order.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// Where one measurement takes place.
#[derive(Debug)]
pub(crate) struct Site {
    /// Its database.
    pub(crate) database: TestDatabase,
    /// The names of its exchanges and queues.
    pub(crate) names: Names,
    broker: TestBroker,
    session: Session,
    publisher: Publisher,
    looker: Connection,
    channel: Channel,
}

impl Site {
    /// A migrated database, and all exchanges and queues, empty.
    pub(crate) async fn new() -> Result<Self> {
        let (database, broker) = (TestDatabase::migrated().await, TestBroker::unique());
        let names = Names::new(broker.prefix())?;
        let session = Session::open(&amqp(&broker)?).await?;
        Topology::of(&names, &runtime::worker_routes(), DelayProvider::Ladder)
            .apply(&session)
            .await?;
        let config = PublisherConfig { window: WINDOW, ..PublisherConfig::default() };
        let publisher = session.publisher(config).await?;
        let looker = connection(broker.amqp_url()).await?;
        let channel = looker.create_channel().await?;
        subscribe_to_all(&channel, &names).await?;
        Ok(Self { database, names, broker, session, publisher, looker, channel })
    }

    /// Where the broker is.
    pub(crate) fn amqp_url(&self) -> &str {
        self.broker.amqp_url()
    }

    /// Where the database is, with user and password.
    pub(crate) fn database_url(&self) -> &str {
        self.database.url()
    }

    /// A plain connection to the database.
    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(self.database.url()).await?)
    }

    /// Publishes events as a shop does, and waits until the broker has them.
    pub(crate) async fn publish(&self, events: &[ShopEvent]) -> Result<()> {
        let progress = Progress::begin("Publishing the backlog", events.len());
        let (mut done, exchange) = (0, self.names.inbound());
        for chunk in events.chunks(CHUNK) {
            let publications =
                chunk.iter().map(|event| publication(exchange.clone(), event.kind().name(), event));
            self.publish_all(publications.collect()).await?;
            done += chunk.len();
            progress.set(done);
        }
        Ok(())
    }

    /// Publishes events straight to the queue of their worker, as timers come home.
    pub(crate) async fn send_home(&self, events: &[ShopEvent]) -> Result<()> {
        for chunk in events.chunks(CHUNK) {
            let publications = chunk.iter().map(|event| {
                let queue = self.names.work_queue(mix::worker(event.kind()));
                publication(self.names.return_exchange(), &queue, event)
            });
            self.publish_all(publications.collect()).await?;
        }
        Ok(())
    }

    async fn publish_all(&self, publications: Vec<Publication>) -> Result<()> {
        let outcomes = self.publisher.publish_all(publications).await?;
        let lost = outcomes.iter().find(|outcome| **outcome != Outcome::Confirmed);
        ensure!(lost.is_none(), "the broker did not take an event: {lost:?}");
        Ok(())
    }

    /// How many messages wait in the work queues.
    pub(crate) async fn waiting(&self) -> Result<usize> {
        let mut waiting = 0;
        for worker in RULES {
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let name = self.names.work_queue(worker).into();
            let queue = self.channel.queue_declare(name, options, FieldTable::default()).await?;
            waiting += usize::try_from(queue.message_count())?;
        }
        Ok(waiting)
    }

    /// A fleet of no process yet, which knows this site.
    pub(crate) fn fleet(&self) -> Fleet {
        self.fleet_with(&[])
    }

    /// The same, with other settings than the usual ones.
    pub(crate) fn fleet_with(&self, settings: &[(&str, &str)]) -> Fleet {
        let bin_dir = worker_folder();
        let log_dir = output_folder().join("logs").join(self.names.prefix());
        let mut spec = FleetSpec { bin_dir, log_dir, env: Vec::new() }
            .with("ORDERFLOW_AMQP_URL", self.broker.amqp_url())
            .with("ORDERFLOW_DATABASE_URL", self.database.url())
            .with("ORDERFLOW_PREFIX", self.broker.prefix())
            .with("ORDERFLOW_DELAY", "ladder");
        for (name, value) in settings {
            spec = spec.with(name, *value);
        }
        Fleet::new(spec)
    }

    /// Removes everything.
    pub(crate) async fn close(self) -> Result<()> {
        self.session.close().await;
        self.looker.close(200, "OK".into()).await?;
        self.broker.delete().await;
        Ok(())
    }
}

/// Stops processes in order.
pub(crate) async fn stop(fleet: Fleet) -> Result<()> {
    fleet.stop(STOP_WITHIN).await
}

/// A connection to the broker of a reference's own.
pub(crate) async fn connection(url: &str) -> Result<Connection> {
    let connected = Connection::connect(url, ConnectionProperties::default()).await;
    connected.context("failed to connect to the broker")
}

/// Somebody hears everything we say, so that no command comes back; nothing of it is kept.
async fn subscribe_to_all(channel: &Channel, names: &Names) -> Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(1));
    // Named by the broker, and gone with its connection.
    let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), options, arguments).await?;
    let (queue, exchange) = (queue.name().clone(), names.outbound().into());
    let options = QueueBindOptions::default();
    channel.queue_bind(queue, exchange, "#".into(), options, FieldTable::default()).await?;
    Ok(())
}

fn publication(exchange: String, key: &str, event: &ShopEvent) -> Publication {
    let json = event.json();
    let properties = Properties {
        message_id: json["id"].as_str().map(str::to_owned),
        content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
        type_name: Some(event.kind().type_name().to_owned()),
        ..Properties::default()
    };
    Publication::new(exchange, key, properties, json.to_string().into_bytes())
}

fn amqp(broker: &TestBroker) -> Result<AmqpConfig> {
    Ok(AmqpConfig {
        urls: vec![broker.amqp_url().parse()?],
        connection_name: "orderflow/bench".to_owned(),
        heartbeat: Duration::from_secs(10),
        operation_timeout: Duration::from_secs(20),
    })
}

/// Where the worker binaries are: as the environment says, else beside this one.
fn worker_folder() -> PathBuf {
    std::env::var_os("ORDERFLOW_BIN_DIR").map_or_else(own_folder, PathBuf::from)
}

fn own_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its binary");
    own.parent().expect("a binary is in a folder").to_owned()
}

/// Where results and logs go: `bench` in cargo's target folder.
pub(crate) fn output_folder() -> PathBuf {
    let build = own_folder();
    build.parent().unwrap_or(&build).join("bench")
}
