//! What is wrong around somebody who types a page's commands.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use system_tests::{Stage, Surroundings, surroundings};
use testkit::{Held, TestBroker, TestDatabase};

use super::table::Incident;

/// The surroundings of an incident, and those in which it is mended.
pub(super) struct Scene {
    pub(super) incident: Incident,
    pub(super) during: Surroundings,
    pub(super) mending: Surroundings,
}

/// Everything that is out of order, for as long as it lives.
pub(super) struct Staged {
    nowhere: TestBroker,
    other: TestBroker,
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
        Self { nowhere, other, empty, full, read_only, held, _lock: lock }
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
            (I::BrokerHangsUp, at_broker(&broker_at(answering(Some(b""))))),
            (
                I::BrokerTalksOtherwise,
                at_broker(&broker_at(answering(Some(b"220 mail ready\r\n")))),
            ),
            (I::BrokerSilent, at_broker(&broker_at(answering(None)))),
            (I::BrokerWithoutTls, at_broker(&broker.replacen("amqp:", "amqps:", 1))),
            (I::BrokerRefuses, at_broker(&self.other.amqp_url_as("nobody", "wrong"))),
            (I::BrokerUnnamed, with("ORDERFLOW_AMQP_URL", "")),
            (I::OtherArguments, with("ORDERFLOW_PREFIX", self.other.prefix())),
            (I::PluginMissing, with("ORDERFLOW_DELAY", "plugin")),
            (I::DatabaseAway, at_database(&database_at(closed))),
            (I::DatabaseSilent, at_database(&database_at(answering(None)))),
            (I::DatabaseWithoutTls, at_database(&format!("{database}{separator}sslmode=require"))),
            (I::DatabaseRefuses, at_database(&format!("{database}_that_is_not_there"))),
            (I::DatabaseFull, at_database(&full)),
            (I::ReadOnly, at_database(self.read_only.url())),
            (I::TableHeld, at_database(self.held.url())),
        ];
        let mut scenes: Vec<_> = during
            .into_iter()
            .map(|(incident, during)| Scene { incident, during, mending: well.clone() })
            .collect();
        // What is missing is made where it is missing.
        for (incident, during) in [
            (I::Drift, with("ORDERFLOW_PREFIX", self.nowhere.prefix())),
            (I::SchemaBehind, at_database(self.empty.url())),
        ] {
            scenes.push(Scene { incident, mending: during.clone(), during });
        }
        let well_all_along = [
            I::BadEvent,
            I::Contradiction,
            I::WorkerFails,
            I::RefusedRow,
            I::CopiedLetter,
            I::Letters,
            I::PoliciesRefused,
        ];
        scenes.extend(well_all_along.map(|incident| Scene {
            incident,
            during: well.clone(),
            mending: well.clone(),
        }));
        scenes
    }

    /// Removes what is on the broker.
    pub(super) async fn clear(self) {
        self.nowhere.delete().await;
        self.other.delete().await;
    }
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

/// Somebody else who listens: sends this and hangs up, or keeps everybody waiting.
fn answering(answer: Option<&'static [u8]>) -> SocketAddr {
    static WAITING: Mutex<Vec<TcpStream>> = Mutex::new(Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut caller in listener.incoming().flatten() {
            match answer {
                // Whoever has hung up before hears nothing.
                Some(answer) => caller.write_all(answer).unwrap_or_default(),
                None => WAITING.lock().unwrap_or_else(PoisonError::into_inner).push(caller),
            }
        }
    });
    address
}
