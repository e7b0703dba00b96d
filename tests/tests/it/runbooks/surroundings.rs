//! What is wrong around somebody who types a page's commands.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use contracts::OrderId;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use serde_json::json;
use system_tests::{Stage, Surroundings, surroundings, typed};
use testkit::{Held, TestBroker, TestDatabase};

use super::script::in_place;
use super::table::Incident;

/// A frame that closes the connection, 503 `COMMAND_INVALID`, before anybody has said a word.
const NONSENSE: &[u8] =
    b"\x01\x00\x00\x00\x00\x00\x1a\x00\x0a\x00\x32\x01\xf7\x0fCOMMAND_INVALID\x00\x00\x00\x00\xce";

/// The surroundings of an incident, and those in which it is mended.
pub(super) struct Scene {
    pub(super) incident: Incident,
    pub(super) during: Surroundings,
    pub(super) mending: Surroundings,
    /// Where the pages of the worker are that it happens to.
    pub(super) worker: Option<String>,
    /// The log of that worker.
    pub(super) log: Option<String>,
    /// The order that it happens to.
    pub(super) order: Option<OrderId>,
}

impl Scene {
    /// Whether it is over once its commands were typed; what a shop sent wrong, the shop mends.
    pub(super) fn can_be_mended(&self) -> bool {
        use Incident::{BadEvent, Contradiction, NotStaged};
        ![BadEvent, Contradiction, NotStaged].contains(&self.incident)
    }
}

/// Everything that is out of order, for as long as it lives.
pub(super) struct Staged {
    nowhere: TestBroker,
    other: TestBroker,
    shared: TestBroker,
    empty: TestDatabase,
    full: TestDatabase,
    read_only: TestDatabase,
    held: TestDatabase,
    _lock: Held,
}

impl Staged {
    /// Puts everything out of order that is not so by its address alone.
    pub(super) async fn new() -> Self {
        let (nowhere, other) = (TestBroker::unique(), TestBroker::unique());
        let queue = format!("{}.order-created", other.prefix());
        let queue = json!({"name": queue, "vhost": "/", "durable": true, "auto_delete": false,
            "arguments": {"x-max-length": 3}});
        other.import(&json!({"queues": [queue]})).await;
        let read_only = TestDatabase::migrated().await;
        of_this_database(&read_only, "SET default_transaction_read_only = on").await;
        let full = TestDatabase::migrated().await;
        of_this_database(&full, "CONNECTION LIMIT 0").await;
        let held = TestDatabase::migrated().await;
        let lock = held.hold("LOCK TABLE orders IN SHARE MODE").await;
        let empty = TestDatabase::empty().await;
        let shared = TestBroker::unique();
        Self { nowhere, other, shared, empty, full, read_only, held, _lock: lock }
    }

    /// Every scene but those of a stage of their own.
    pub(super) async fn scenes(&self, stage: &Stage) -> Vec<Scene> {
        use Incident as I;
        let endpoints = testkit::endpoints();
        let (broker, database) = (endpoints.amqp_url.as_str(), stage.database.url());
        let prefix = stage.names.prefix();
        let well = surroundings(broker, prefix, database);
        let at_broker = |url: &str| surroundings(url, prefix, database);
        let at_database = |url: &str| surroundings(broker, prefix, url);
        let with = |name: &'static str, value: &str| {
            let mut around = well.clone();
            around.retain(|(known, _)| *known != name);
            around.push((name, value.to_owned()));
            around
        };
        let closed = SocketAddr::from(([127, 0, 0, 1], super::closed_port()));
        let (broker_at, database_at) = (moved(broker), moved(database));
        let full = self.full.url_as("orderflow_order_created").await;
        let separator = if database.contains('?') { '&' } else { '?' };
        let during = [
            (I::BrokerAway, at_broker(&broker_at(closed))),
            (I::BrokerHangsUp, at_broker(&broker_at(answering(Answer::HangUp(b""))))),
            (
                I::BrokerTalksOtherwise,
                at_broker(&broker_at(answering(Answer::HangUp(b"220 mail ready\r\n")))),
            ),
            (I::BrokerTalksNonsense, at_broker(&broker_at(answering(Answer::Wait(NONSENSE))))),
            (I::BrokerSilent, at_broker(&broker_at(answering(Answer::Wait(b""))))),
            (I::BrokerWithoutTls, at_broker(&broker.replacen("amqp:", "amqps:", 1))),
            (I::BrokerRefuses, at_broker(&self.other.amqp_url_as("nobody", "wrong"))),
            (I::BrokerUnnamed, with("ORDERFLOW_AMQP_URL", "")),
            (I::OtherArguments, with("ORDERFLOW_PREFIX", self.other.prefix())),
            (I::PluginMissing, with("ORDERFLOW_DELAY", "plugin")),
            (I::DatabaseAway, at_database(&database_at(closed))),
            (I::DatabaseSilent, at_database(&database_at(answering(Answer::Wait(b""))))),
            (I::DatabaseWithoutTls, at_database(&format!("{database}{separator}sslmode=require"))),
            (I::DatabaseRefuses, at_database(&format!("{database}_that_is_not_there"))),
            (I::DatabaseFull, at_database(&full)),
            (I::ReadOnly, at_database(self.read_only.url())),
            (I::TableHeld, at_database(self.held.url())),
        ];
        let mut scenes: Vec<_> = during
            .into_iter()
            .map(|(incident, during)| Scene { during, ..in_place(incident, well.clone()) })
            .collect();
        // What is missing is made where it is missing.
        for (incident, during) in [
            (I::Drift, with("ORDERFLOW_PREFIX", self.nowhere.prefix())),
            (I::SchemaBehind, at_database(self.empty.url())),
        ] {
            scenes.push(in_place(incident, during));
        }
        let well_all_along = [I::BadEvent, I::Contradiction, I::PoliciesRefused, I::NotStaged];
        scenes.extend(well_all_along.map(|incident| in_place(incident, well.clone())));
        scenes
    }

    /// Declares everything under a prefix but one queue, which somebody else has exclusively.
    pub(super) async fn hold_queue(&self, stage: &Stage) -> (Scene, Connection) {
        let around =
            surroundings(self.shared.amqp_url(), self.shared.prefix(), stage.database.url());
        let (exit, said) = typed("orderctl topology apply", &around, Path::new("."));
        assert_eq!(exit, Some(0), "{said}");
        let queue = format!("{}.order-created", self.shared.prefix());
        self.shared.delete_queue(&queue).await;
        let held = exclusively(self.shared.amqp_url(), &queue).await;
        (in_place(Incident::QueueHeld, around), held)
    }

    /// Removes what is on the broker.
    pub(super) async fn clear(self) {
        self.nowhere.delete().await;
        self.other.delete().await;
        self.shared.delete().await;
    }
}

/// A connection that has a queue for itself, as long as it is open.
async fn exclusively(url: &str, queue: &str) -> Connection {
    let connection = Connection::connect(url, ConnectionProperties::default()).await;
    let connection = connection.expect("the broker is there");
    let channel = connection.create_channel().await.expect("the broker gives channels");
    let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(queue.into(), exclusive, FieldTable::default()).await;
    declared.expect("nobody has such a queue");
    // The queue is the connection's; a channel that is dropped would be closing for a while.
    channel.close(200, "done".into()).await.expect("a channel can be closed");
    connection
}

async fn of_this_database(database: &TestDatabase, change: &str) {
    let statement = format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {change}', current_database()); END $$"
    );
    database.run(&statement).await;
}

/// The same address at another place.
fn moved(url: &str) -> impl Fn(SocketAddr) -> String {
    let (scheme, rest) = url.split_once("://").expect("an address has a scheme");
    let (login, rest) = rest.rsplit_once('@').expect("an address has a login");
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    let (scheme, login, path) = (scheme.to_owned(), login.to_owned(), path.to_owned());
    move |place| format!("{scheme}://{login}@{place}/{path}")
}

/// What somebody else who listens does with a caller.
#[derive(Clone, Copy)]
enum Answer {
    /// Hears how the caller begins, sends this, and hangs up; with nothing to send, at once.
    HangUp(&'static [u8]),
    /// Hears how the caller begins, sends this, and waits.
    Wait(&'static [u8]),
}

/// The length of what a client of AMQP begins with.
const HEADER: usize = 8;

/// Somebody else who listens.
fn answering(answer: Answer) -> SocketAddr {
    static WAITING: Mutex<Vec<TcpStream>> = Mutex::new(Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut caller in listener.incoming().flatten() {
            match answer {
                // Whoever has hung up before hears nothing.
                Answer::HangUp(words) => {
                    // Who hangs up on words not read yet takes back what was said.
                    if !words.is_empty() && caller.read_exact(&mut [0; HEADER]).is_ok() {
                        caller.write_all(words).unwrap_or_default();
                    }
                }
                Answer::Wait(words) => {
                    if !words.is_empty() && caller.read_exact(&mut [0; HEADER]).is_ok() {
                        caller.write_all(words).unwrap_or_default();
                    }
                    WAITING.lock().unwrap_or_else(PoisonError::into_inner).push(caller);
                }
            }
        }
    });
    address
}
