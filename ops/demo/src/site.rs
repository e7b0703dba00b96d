//! A database and a corner of the broker for one run: made, and removed again.

use anyhow::{Context as _, Result};
use broker::topology::{Arguments, Binding, DestinationKind, Queue, Topology};
use broker::{Names, Session};
use contracts::Timestamp;
use domain::message::{Body, Routing};
use store::provision::{DatabaseName, create_database, drop_database};
use store::{DatabaseConfig, DatabaseUrl};

use crate::broker_admin::BrokerAdmin;
use crate::record::{Process, Record};
use crate::surroundings::{DATABASE_PREFIX, Surroundings};

/// How the demo is called in the server's list of connections.
const CONNECTION: &str = "orderflow/demo";

/// Where one run takes place.
#[derive(Clone, Debug)]
pub struct Site {
    surroundings: Surroundings,
    /// The names of its exchanges and queues.
    pub names: Names,
    database: DatabaseName,
}

impl Site {
    /// A site that no other run has; `now` and the process tell runs apart.
    ///
    /// # Errors
    /// Never: the names are plain.
    pub fn new(surroundings: &Surroundings, now: Timestamp) -> Result<Self> {
        let seconds = now.since(Timestamp::EPOCH).as_secs();
        let id = format!("{seconds:08x}{:05x}", std::process::id());
        Ok(Self {
            surroundings: surroundings.clone(),
            names: Names::new(format!("demo{id}"))?,
            database: DatabaseName::new(format!("{DATABASE_PREFIX}{id}"))?,
        })
    }

    /// Makes the database and migrates it.
    ///
    /// # Errors
    /// When the server is not reached or refuses.
    pub async fn build(&self) -> Result<()> {
        create_database(&server(&self.surroundings)?, &self.database).await?;
        store::migrate(&self.database()?).await.context("failed to migrate the demo's database")?;
        Ok(())
    }

    /// Declares the queues of the demo's own: one for commands, one for everything.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn listen(&self, session: &Session) -> Result<()> {
        let (commands, everything) = (self.commands(), self.everything());
        let routes = Body::ROUTES.iter().filter(|(_, routing)| *routing == Routing::Command);
        let bound = routes.map(|(name, _)| (commands.clone(), (*name).to_owned()));
        let bindings =
            bound.chain([(everything.clone(), "#".to_owned())]).map(|(queue, key)| Binding {
                source: self.names.outbound(),
                destination: queue,
                destination_type: DestinationKind::Queue,
                routing_key: key,
            });
        let queue = |name| Queue { name, arguments: Arguments::default() };
        let topology = Topology {
            exchanges: Vec::new(),
            queues: vec![queue(commands.clone()), queue(everything.clone())],
            bindings: bindings.collect(),
        };
        topology.apply(session).await.context("failed to bind the demo's own queues")
    }

    /// The queue of the demo's payment provider and warehouse.
    pub fn commands(&self) -> String {
        self.names.work_queue("provider")
    }

    /// The queue of a subscriber to everything.
    pub fn everything(&self) -> String {
        self.names.work_queue("subscriber")
    }

    /// How to reach its database.
    ///
    /// # Errors
    /// When the server's address cannot be used.
    pub fn database(&self) -> Result<DatabaseConfig> {
        let url: DatabaseUrl = self.database_url().as_str().parse()?;
        Ok(DatabaseConfig::new(url, CONNECTION))
    }

    /// The address of its database.
    pub fn database_url(&self) -> url::Url {
        self.surroundings.database(self.database.as_str())
    }

    /// What is to be known to remove it later.
    pub(crate) fn record(&self, processes: Vec<Process>) -> Record {
        let (prefix, database) =
            (self.names.prefix().to_owned(), self.database.as_str().to_owned());
        Record { prefix, database, processes }
    }

    /// Removes its exchanges and queues.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn clear_broker(&self) -> Result<()> {
        BrokerAdmin::new(&self.surroundings).remove(self.names.prefix()).await
    }
}

/// Stops and removes what an earlier run left: processes, queues, database.
///
/// # Errors
/// When something cannot be removed.
pub(crate) async fn remove(surroundings: &Surroundings, record: &Record) -> Result<()> {
    record.stop_processes().await?;
    BrokerAdmin::new(surroundings).remove(&record.prefix).await?;
    let database = DatabaseName::new(&record.database)?;
    drop_database(&server(surroundings)?, &database).await?;
    Record::forget(&surroundings.folder)
}

fn server(surroundings: &Surroundings) -> Result<DatabaseConfig> {
    let url: DatabaseUrl = surroundings.other_database().as_str().parse()?;
    Ok(DatabaseConfig::new(url, CONNECTION))
}
