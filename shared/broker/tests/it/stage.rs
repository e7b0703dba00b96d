//! A deployment of a test's own, with one worker.

use std::time::Duration;

use broker::{
    AmqpConfig, Consumer, DelayProvider, Delivery, Names, Outcome, Properties, Publication,
    Publisher, PublisherConfig, Session,
    topology::{Topology, WorkerRoute},
};
use testkit::TestBroker;
use tokio::time::timeout;

/// Longest wait for anything that should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The worker every stage has.
pub(crate) const WORKER: &str = "payment-attempted";

pub(crate) struct Stage {
    pub(crate) names: Names,
    pub(crate) session: Session,
    pub(crate) broker: TestBroker,
}

impl Stage {
    /// A session with the topology applied.
    pub(crate) async fn set() -> Self {
        let stage = Self::bare().await;
        stage.topology().apply(&stage.session).await.unwrap();
        stage
    }

    /// A session on a broker that has nothing yet.
    pub(crate) async fn bare() -> Self {
        let broker = TestBroker::unique();
        let names = Names::new(broker.prefix()).unwrap();
        let session = Session::open(&config(&[broker.amqp_url()])).await.unwrap();
        Self { names, session, broker }
    }

    pub(crate) fn topology(&self) -> Topology {
        let routes = [WorkerRoute { worker: WORKER, routing_keys: &["payment.attempted"] }];
        Topology::of(&self.names, &routes, DelayProvider::Ladder)
    }

    pub(crate) fn queue(&self) -> String {
        self.names.work_queue(WORKER)
    }

    pub(crate) async fn publisher(&self) -> Publisher {
        self.session.publisher(PublisherConfig::default()).await.unwrap()
    }

    pub(crate) async fn consumer(&self, queue: &str) -> Consumer {
        self.session.consumer(queue, 100).await.unwrap()
    }

    /// Publishes messages with these ids straight to the work queue.
    pub(crate) async fn fill(&self, ids: &[&str]) {
        let to_queue = |id: &&str| self.to_queue(id);
        let publications: Vec<Publication> = ids.iter().map(to_queue).collect();
        all_confirmed(&self.publisher().await, publications).await;
    }

    /// A message on its way straight to the work queue.
    pub(crate) fn to_queue(&self, id: &str) -> Publication {
        Publication::new(self.names.return_exchange(), self.queue(), identified(id), Vec::new())
    }
}

pub(crate) fn config(urls: &[&str]) -> AmqpConfig {
    AmqpConfig {
        urls: urls.iter().map(|url| url.parse().unwrap()).collect(),
        connection_name: "broker tests".to_owned(),
        heartbeat: Duration::from_secs(10),
        operation_timeout: Duration::from_secs(10),
    }
}

pub(crate) fn identified(id: &str) -> Properties {
    Properties { message_id: Some(id.to_owned()), ..Properties::default() }
}

pub(crate) async fn all_confirmed(publisher: &Publisher, publications: Vec<Publication>) {
    let count = publications.len();
    let outcomes = publisher.publish_all(publications).await.unwrap();
    assert_eq!(outcomes, vec![Outcome::Confirmed; count]);
}

/// The next delivery, which must come soon.
pub(crate) async fn next(consumer: &mut Consumer) -> Delivery {
    timeout(SOON, consumer.next()).await.expect("no delivery came").unwrap()
}

/// The ids of the next deliveries, in order.
pub(crate) async fn next_ids(consumer: &mut Consumer, count: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        ids.push(id_of(&next(consumer).await).to_owned());
    }
    ids
}

pub(crate) fn id_of(delivery: &Delivery) -> &str {
    delivery.properties.message_id.as_deref().unwrap()
}
