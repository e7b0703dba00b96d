//! A database, a broker prefix and running workers, for one test.

use std::path::PathBuf;
use std::time::Duration;

use broker::delay::DelayProvider;
use broker::topology::{Topology, accounts, accounts_json};
use broker::{
    AmqpConfig, Consumer, Names, Outcome, Properties, Publication, Publisher, PublisherConfig,
    Session,
};
use contracts::STRUCTURED_CONTENT_TYPE;
use fleet::{Fleet, FleetSpec, Link, WORKERS};
use store::{Database, DatabaseConfig};
use testkit::shop::ShopEvent;
use testkit::{Endpoints, TestBroker, TestDatabase, eventually};

use crate::servers::Servers;

/// The workers that run rules.
const RULES: [&str; 5] =
    ["order-created", "payment-attempted", "payment-timeout", "refund-requested", "dispute-opened"];

/// How long anything may take before a test gives up.
const BOUND: Duration = Duration::from_mins(1);

/// How much longer a backlog may take for each of its events. One transaction per event makes
/// about 500/s on two idle cores, and 35/s where debug builds share busy ones.
const BOUND_PER_EVENT: Duration = Duration::from_millis(50);

/// Set for a run of all tests in which no worker may do more than it needs.
const LEAST_PRIVILEGE: &str = "ORDERFLOW_TEST_LEAST_PRIVILEGE";

/// The password of every restricted user of the broker.
const PASSWORD: &str = "only-for-tests";

/// What a stage starts with.
#[derive(Clone, Debug)]
pub struct StageOptions {
    /// The binaries to run.
    pub binaries: Vec<&'static str>,
    /// Settings beyond the addresses.
    pub settings: Vec<(&'static str, String)>,
    /// Whether each worker has a user and a role of its own that may do only what it needs.
    pub least_privilege: bool,
    /// Whether workers reach broker and database by lines that can be cut.
    pub lines: bool,
    /// Where broker and database are, if not at the usual place.
    pub endpoints: Option<Endpoints>,
    /// What exchanges and queues are called by, if not by a name that no other test has.
    pub prefix: Option<&'static str>,
}

impl StageOptions {
    /// Every worker.
    pub fn everyone() -> Self {
        Self::of(&WORKERS)
    }

    /// The workers that run rules, and these.
    pub fn rules_and(others: &[&'static str]) -> Self {
        Self::of(&[&RULES, others].concat())
    }

    /// These binaries, with settings that make time pass faster than in production.
    pub fn of(binaries: &[&'static str]) -> Self {
        let fast = [
            ("ORDERFLOW_POLL", "100ms"),
            ("ORDERFLOW_PARK_TTL", "30s"),
            ("ORDERFLOW_TIMER_GRACE", "3s"),
            ("ORDERFLOW_RETRY_ATTEMPTS", "3"),
            ("ORDERFLOW_DELAY", "ladder"),
        ];
        let settings = fast.map(|(name, value)| (name, value.to_owned())).to_vec();
        let least_privilege = std::env::var_os(LEAST_PRIVILEGE).is_some();
        Self {
            binaries: binaries.to_vec(),
            settings,
            least_privilege,
            lines: false,
            endpoints: None,
            prefix: None,
        }
    }

    /// Each worker with a user and a role of its own.
    #[must_use]
    pub fn with_least_privilege(self) -> Self {
        Self { least_privilege: true, ..self }
    }

    /// Workers reach broker and database by [`Lines`], all with one account.
    #[must_use]
    pub fn by_lines(self) -> Self {
        Self { lines: true, least_privilege: false, ..self }
    }

    /// On servers that the test may kill, all workers with one account.
    #[must_use]
    pub fn on(self, servers: &Servers) -> Self {
        Self { endpoints: Some(servers.endpoints()), least_privilege: false, ..self }
    }

    /// With the names that a deployment has; for servers that are this test's alone.
    #[must_use]
    pub fn named(self, prefix: &'static str) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    /// One more setting, or another value for one.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value.into()));
        self
    }
}

/// The lines between the workers and what they depend on.
#[derive(Debug)]
pub struct Lines {
    /// To RabbitMQ.
    pub broker: Link,
    /// To Postgres.
    pub database: Link,
}

impl Lines {
    fn lay(broker: &TestBroker, database: &TestDatabase) -> Self {
        let line = |url: &str| {
            let url = url.split_once("://").map_or(url, |(_scheme, rest)| rest);
            let host = url.rsplit_once('@').map_or(url, |(_login, host)| host);
            let host = host.split_once('/').map_or(host, |(host, _path)| host);
            let server = host.parse().expect("private servers have an IP address and a port");
            Link::to(server).expect("a port is free")
        };
        let (broker, database) = (line(broker.amqp_url()), line(database.url()));
        Self { broker, database }
    }
}

/// One test's world.
#[derive(Debug)]
pub struct Stage {
    /// The test's database.
    pub database: TestDatabase,
    /// The running workers.
    pub fleet: Fleet,
    /// The names of the test's exchanges and queues.
    pub names: Names,
    /// The lines of the workers, if they were asked for.
    pub lines: Option<Lines>,
    broker: TestBroker,
    session: Session,
    publisher: Publisher,
}

impl Stage {
    /// Starts workers and waits until each is ready.
    pub async fn start(options: StageOptions) -> Self {
        let mut stage = Self::prepare(&options).await;
        stage.start_workers(&options).await;
        stage
    }

    /// Everything but running workers: what is published waits in the queues.
    pub async fn prepare(options: &StageOptions) -> Self {
        let endpoints = options.endpoints.clone().unwrap_or_else(testkit::endpoints);
        let database = TestDatabase::migrated_at(&endpoints).await;
        let broker = match options.prefix {
            Some(prefix) => TestBroker::named_at(endpoints, prefix),
            None => TestBroker::unique_at(endpoints),
        };
        let names = Names::new(broker.prefix()).expect("test prefixes are valid names");
        let lines = options.lines.then(|| Lines::lay(&broker, &database));
        let mut fleet = Fleet::new(spec(options, &database, &broker, lines.as_ref()));
        if options.least_privilege {
            restrict(&mut fleet, &names, &database, &broker).await;
        }
        let session = Session::open(&amqp(&broker)).await.expect("the broker is running");
        let publisher = session.publisher(PublisherConfig::default()).await;
        let publisher = publisher.expect("the broker takes publications");
        let stage = Self { database, fleet, names, lines, broker, session, publisher };
        stage.declare_topology().await;
        stage
    }

    /// Starts the workers and waits until each is ready.
    pub async fn start_workers(&mut self, options: &StageOptions) {
        for binary in &options.binaries {
            self.fleet.spawn(binary).expect("the binary is built");
        }
        self.fleet.wait_until_ready(BOUND).await.expect("the workers become ready");
    }

    /// Another fleet in the same world, with settings of its own.
    pub fn other_fleet(&self, options: &StageOptions) -> Fleet {
        Fleet::new(spec(options, &self.database, &self.broker, self.lines.as_ref()))
    }

    /// Declares everything anew, as a worker that starts does.
    pub async fn declare_topology(&self) {
        let topology = Topology::of(&self.names, &runtime::worker_routes(), DelayProvider::Ladder);
        topology.apply(&self.session).await.expect("the broker takes the topology");
    }

    /// Deletes a queue with everything in it.
    pub async fn delete_queue(&self, name: &str) {
        self.broker.delete_queue(name).await;
    }

    /// How many messages are ready in a queue.
    pub async fn ready(&self, queue: &str) -> u32 {
        let ready = self.session.ready_messages(queue).await.expect("the broker answers");
        ready.expect("the queue is there")
    }

    /// Publishes events as a shop does and waits for the broker's word.
    pub async fn publish(&self, events: &[ShopEvent]) {
        self.publish_raw(self.publications(events)).await;
    }

    fn publications(&self, events: &[ShopEvent]) -> Vec<Publication> {
        let publication = |event: &ShopEvent| {
            let json = event.json();
            let properties = Properties {
                message_id: json["id"].as_str().map(str::to_owned),
                content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
                type_name: Some(event.kind().type_name().to_owned()),
                ..Properties::default()
            };
            let key = event.kind().name();
            Publication::new(self.names.inbound(), key, properties, event.body())
        };
        events.iter().map(publication).collect()
    }

    /// Publishes events as a shop does that connects anew until the broker has them all.
    ///
    /// What was not confirmed is sent again under the same id.
    pub async fn publish_persistently(&mut self, events: &[ShopEvent], within: Duration) {
        eventually(within, "the broker takes the events", async || {
            let sent = self.publisher.publish_all(self.publications(events)).await;
            let confirmed = |outcomes: &Vec<Outcome>| {
                outcomes.iter().all(|outcome| *outcome == Outcome::Confirmed)
            };
            if sent.as_ref().is_ok_and(confirmed) {
                return Ok(());
            }
            if let Ok(session) = Session::open(&amqp(&self.broker)).await
                && let Ok(publisher) = session.publisher(PublisherConfig::default()).await
            {
                self.session = session;
                self.publisher = publisher;
            }
            Err(sent)
        })
        .await;
    }

    /// Publishes anything.
    pub async fn publish_raw(&self, publications: Vec<Publication>) {
        let outcomes = self.publisher.publish_all(publications).await.expect("the broker answers");
        for outcome in outcomes {
            assert_eq!(outcome, Outcome::Confirmed);
        }
    }

    /// Waits until a query answers with this number.
    pub async fn until(&self, what: &str, sql: &str, expected: i64) {
        self.until_within(BOUND, what, sql, expected).await;
    }

    pub(crate) async fn until_within(&self, bound: Duration, what: &str, sql: &str, expected: i64) {
        eventually(bound, what, async || {
            let found = self.database.number(sql).await;
            if found == expected { Ok(()) } else { Err(found) }
        })
        .await;
    }

    /// Waits until this many events of shops have an outcome that is not "parked".
    pub async fn until_decided(&self, events: u32) {
        let sql = "SELECT count(*) FROM inbox WHERE outcome <> 'parked' AND source = '/test/shop'";
        let bound = BOUND + BOUND_PER_EVENT * events;
        self.until_within(bound, "every event is decided", sql, i64::from(events)).await;
    }

    /// The status of the only order.
    pub async fn order_status(&self) -> String {
        self.database.texts("SELECT status::text FROM orders").await.concat()
    }

    /// Consumes a queue.
    pub async fn consumer(&self, queue: &str) -> Consumer {
        self.session.consumer(queue, 100).await.expect("the queue is there")
    }

    /// Takes everything of this test from the broker, as if its disk were lost.
    pub async fn wipe_broker(&self) {
        self.broker.wipe().await;
    }

    /// A connection as workers have.
    pub async fn connect(&self) -> Database {
        let url = self.database.url().parse().expect("testkit makes valid addresses");
        Database::connect(&DatabaseConfig::new(url, "system-tests")).await.expect("it is running")
    }

    /// Stops the workers in order, and checks every invariant.
    pub async fn finish(self) {
        let violations = store::violations::all(&mut self.connect().await).await;
        assert_eq!(violations.expect("the invariants can be checked"), []);
        self.fleet.stop(Duration::from_secs(30)).await.expect("every worker stops in order");
        self.session.close().await;
        self.broker.delete().await;
    }
}

/// Gives each worker a user and a role of its own; none of them may declare anything.
async fn restrict(fleet: &mut Fleet, names: &Names, database: &TestDatabase, broker: &TestBroker) {
    let accounts = accounts(names, &runtime::worker_routes(), DelayProvider::Ladder);
    let mut definitions = accounts_json(&accounts, "/");
    for user in definitions["users"].as_array_mut().into_iter().flatten() {
        let user = user.as_object_mut().expect("a user is an object");
        user.remove("password_hash");
        user.insert("password".to_owned(), PASSWORD.into());
    }
    broker.import(&definitions).await;
    for worker in WORKERS {
        let user = format!("{}-{worker}", names.prefix());
        let role = format!("orderflow_{}", worker.replace('-', "_"));
        fleet.set_for(worker, "ORDERFLOW_TOPOLOGY", "verify");
        fleet.set_for(worker, "ORDERFLOW_AMQP_URL", broker.amqp_url_as(&user, PASSWORD));
        fleet.set_for(worker, "ORDERFLOW_DATABASE_URL", database.url_as(&role).await);
    }
}

fn amqp(broker: &TestBroker) -> AmqpConfig {
    AmqpConfig {
        urls: broker
            .amqp_url()
            .split(',')
            .map(|url| url.parse().expect("testkit makes valid addresses"))
            .collect(),
        connection_name: "system-tests".to_owned(),
        heartbeat: Duration::from_secs(10),
        operation_timeout: Duration::from_secs(20),
    }
}

fn spec(
    options: &StageOptions,
    database: &TestDatabase,
    broker: &TestBroker,
    lines: Option<&Lines>,
) -> FleetSpec {
    let bin_dir = build_folder();
    let log_dir = bin_dir.join("system-tests-logs").join(broker.prefix());
    let by = |line: Option<&Link>, url: &str| {
        line.map_or_else(|| url.to_owned(), |line| line.url(url).expect("it is a URL"))
    };
    let broker_line = lines.map(|lines| &lines.broker);
    let database_line = lines.map(|lines| &lines.database);
    let mut spec = FleetSpec { bin_dir, log_dir, env: Vec::new() }
        .with("ORDERFLOW_AMQP_URL", by(broker_line, broker.amqp_url()))
        .with("ORDERFLOW_DATABASE_URL", by(database_line, database.url()))
        .with("ORDERFLOW_PREFIX", broker.prefix());
    for (name, value) in &options.settings {
        spec = spec.with(name, value.as_str());
    }
    spec
}

/// Where cargo put the binaries; tests run from `deps` below it, tools from the folder itself.
pub fn build_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its binary");
    let folder = own.parent().expect("a binary is in a folder");
    if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder).to_owned()
    } else {
        folder.to_owned()
    }
}
