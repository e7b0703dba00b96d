//! What each user may do on the broker, tried operation by operation.

use broker::topology::{Account, Topology, WorkerRoute, accounts, accounts_json};
use broker::{
    DelayProvider, Error, Names, Outcome, Properties, Publication, PublisherConfig, Session,
};
use testkit::TestBroker;

use crate::stage::config;

const ROUTES: [WorkerRoute<'static>; 2] = [
    WorkerRoute { worker: "order-created", routing_keys: &["order.created"] },
    WorkerRoute { worker: "payment-timeout", routing_keys: &[] },
];

const PASSWORD: &str = "only-for-tests";

/// A broker with a topology and a user for each account.
struct Guarded {
    broker: TestBroker,
    names: Names,
    topology: Topology,
    accounts: Vec<Account>,
}

impl Guarded {
    async fn set() -> Self {
        let broker = TestBroker::unique();
        let names = Names::new(broker.prefix()).unwrap();
        let accounts = accounts(&names, &ROUTES, DelayProvider::Ladder);
        let mut definitions = accounts_json(&accounts, "/");
        for user in definitions["users"].as_array_mut().unwrap() {
            user.as_object_mut().unwrap().remove("password_hash");
            user["password"] = PASSWORD.into();
        }
        broker.import(&definitions).await;
        let topology = Topology::of(&names, &ROUTES, DelayProvider::Ladder);
        let guarded = Self { broker, names, topology, accounts };
        let deployer = guarded.session("deployer").await;
        guarded.topology.apply(&deployer).await.expect("the deployer may declare everything");
        deployer.close().await;
        guarded
    }

    async fn session(&self, who: &str) -> Session {
        let user = format!("{}-{who}", self.names.prefix());
        let url = self.broker.amqp_url_as(&user, PASSWORD);
        let urls: Vec<&str> = url.split(',').collect();
        Session::open(&config(&urls)).await.unwrap()
    }

    /// The users that are not the deployer.
    fn who(&self) -> Vec<String> {
        let begin = format!("{}-", self.names.prefix());
        let all = self.accounts.iter().map(|it| it.name.strip_prefix(&begin).unwrap().to_owned());
        all.filter(|who| who != "deployer").collect()
    }

    /// The names without the prefix.
    fn short(&self, name: &str) -> String {
        name.strip_prefix(&format!("{}.", self.names.prefix())).unwrap().to_owned()
    }
}

/// Whether the broker let us; anything but a refusal of rights fails the test.
fn let_in<T>(done: Result<T, Error>) -> bool {
    match done {
        Ok(_) => true,
        Err(Error::AccessRefused { .. }) => false,
        Err(error) => panic!("{error}: {error:?}"),
    }
}

async fn may_publish(session: &Session, exchange: &str) -> bool {
    let publisher = session.publisher(PublisherConfig::default()).await.unwrap();
    let properties = Properties { message_id: Some("m".to_owned()), ..Properties::default() };
    let publication = Publication::new(exchange, "nowhere", properties, Vec::new());
    match publisher.publish_all(vec![publication]).await {
        Ok(outcomes) => {
            let heard = |it: &Outcome| matches!(it, Outcome::Confirmed | Outcome::Returned { .. });
            assert!(outcomes.iter().all(heard), "{outcomes:?}");
            true
        }
        Err(error) => let_in::<()>(Err(error)),
    }
}

#[tokio::test]
async fn each_user_consumes_its_queues_and_no_other() {
    let guarded = Guarded::set().await;
    for who in guarded.who() {
        let session = guarded.session(&who).await;
        let mut readable = Vec::new();
        for queue in &guarded.topology.queues {
            if let_in(session.consumer(&queue.name, 1).await) {
                readable.push(guarded.short(&queue.name));
            }
        }
        let expected: &[&str] = match who.as_str() {
            "order-created" => &["order-created"],
            "payment-timeout" => &["payment-timeout"],
            "dead-letter-parker" => &["unroutable", "order-created.dead", "payment-timeout.dead"],
            _ => &[],
        };
        assert_eq!(readable, expected, "{who}");
        session.close().await;
    }
}

#[tokio::test]
async fn each_user_publishes_where_its_work_leads_and_nowhere_else() {
    let guarded = Guarded::set().await;
    let levels = |rest: &[&str]| {
        let ladder = (0..12).map(|level| format!("delay.{level}"));
        let mut all: Vec<String> = rest.iter().map(|it| (*it).to_owned()).chain(ladder).collect();
        all.sort();
        all
    };
    for who in guarded.who() {
        let session = guarded.session(&who).await;
        let mut writable = Vec::new();
        for exchange in &guarded.topology.exchanges {
            if may_publish(&session, &exchange.name).await {
                writable.push(guarded.short(&exchange.name));
            }
        }
        writable.sort();
        let expected = match who.as_str() {
            "order-created" | "payment-timeout" => levels(&["dead", "return"]),
            "timer-scheduler" => levels(&["return"]),
            "outbox-relay" => vec!["events".to_owned(), "return".to_owned()],
            "dead-letter-parker" => vec!["return".to_owned()],
            "shop" => vec!["shop.events".to_owned()],
            _ => Vec::new(),
        };
        assert_eq!(writable, expected, "{who}");
        // The default exchange leads to every queue.
        assert!(!may_publish(&session, "").await, "{who}");
        session.close().await;
    }
}

#[tokio::test]
async fn nobody_but_the_deployer_declares_and_all_may_look() {
    let guarded = Guarded::set().await;
    let more = Topology::of(&guarded.names, &[], DelayProvider::Ladder);
    for who in guarded.who() {
        let session = guarded.session(&who).await;
        assert!(!let_in(more.apply(&session).await), "{who}");
        assert_eq!(guarded.topology.verify(&session).await.unwrap(), [], "{who}");
        session.close().await;
    }
    let deployer = guarded.session("deployer").await;
    assert_eq!(guarded.topology.verify(&deployer).await.unwrap(), []);
    deployer.close().await;
}
