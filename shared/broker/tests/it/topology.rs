use broker::{
    Class, Error, Outcome, Publication, Settled,
    topology::{Drift, Object},
};
use lapin::{
    Connection, ConnectionProperties,
    options::{QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};

use crate::stage::{Stage, WORKER, all_confirmed, id_of, identified, next};

#[tokio::test]
async fn applied_twice_it_is_what_it_should_be() {
    let stage = Stage::set().await;
    stage.topology().apply(&stage.session).await.unwrap();
    assert_eq!(stage.topology().verify(&stage.session).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_missing_is_named_and_not_created() {
    let stage = Stage::bare().await;
    let topology = stage.topology();
    let drifts = topology.verify(&stage.session).await.unwrap();
    assert_eq!(drifts.len(), topology.exchanges.len() + topology.queues.len());
    assert!(drifts.contains(&Drift::Missing(Object::Exchange(stage.names.inbound()))));
    assert!(drifts.contains(&Drift::Missing(Object::Queue(stage.queue()))));
    assert_eq!(topology.verify(&stage.session).await.unwrap(), drifts);
}

#[tokio::test]
async fn a_queue_with_other_arguments_is_a_drift_in_the_brokers_words() {
    let stage = Stage::set().await;
    replace_by_unlimited(&stage, &stage.queue()).await;
    let drifts = stage.topology().verify(&stage.session).await.unwrap();
    let [Drift::Different { object, text }] = drifts.as_slice() else {
        panic!("expected one difference, found {drifts:?}");
    };
    assert_eq!(object, &Object::Queue(stage.queue()));
    assert!(text.contains("inequivalent arg"), "{text}");

    let error = stage.topology().apply(&stage.session).await.unwrap_err();
    assert!(matches!(&error, Error::PreconditionFailed { text } if text.contains(&stage.queue())));
    assert_eq!(error.class(), Class::Permanent);
}

async fn replace_by_unlimited(stage: &Stage, queue: &str) {
    let url = stage.broker.amqp_url();
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare(queue.into(), durable, arguments).await.unwrap();
    connection.close(200, "done".into()).await.unwrap();
}

#[tokio::test]
async fn rendered_definitions_are_the_same_topology() {
    let stage = Stage::bare().await;
    let definitions = stage.topology().definitions_json("/");
    let url = format!("{}/api/definitions", stage.broker.management_url());
    let import = tokio::task::spawn_blocking(move || ureq::post(&url).send_json(&definitions));
    import.await.unwrap().unwrap();
    assert_eq!(stage.topology().verify(&stage.session).await.unwrap(), []);
    // Bindings too: a message finds its way in.
    announce(&stage, "payment.attempted").await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    assert_eq!(id_of(&next(&mut consumer).await), "announced");
}

async fn announce(stage: &Stage, key: &str) {
    let event = Publication::new(stage.names.inbound(), key, identified("announced"), Vec::new());
    all_confirmed(&stage.publisher().await, vec![event]).await;
}

#[tokio::test]
async fn an_event_nobody_takes_is_parked_and_a_command_nobody_takes_comes_back() {
    let stage = Stage::set().await;
    announce(&stage, "payment.misspelt").await;
    let mut parked = stage.consumer(&stage.names.unroutable()).await;
    let delivery = next(&mut parked).await;
    assert_eq!(delivery.routing_key, "payment.misspelt");
    assert_eq!(delivery.exchange, stage.names.inbound());

    let command =
        Publication::new(stage.names.outbound(), "refund.execute", identified("c"), Vec::new());
    let outcomes = stage.publisher().await.publish_all(vec![command]).await.unwrap();
    assert_eq!(outcomes, [Outcome::Returned { code: 312, text: "NO_ROUTE".to_owned() }]);
}

#[tokio::test]
async fn a_rejected_message_is_kept_in_its_workers_dead_letter_queue() {
    let stage = Stage::set().await;
    stage.fill(&["poison"]).await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    let delivery = next(&mut consumer).await;
    let settled = consumer.settler().reject(delivery.tag, false).await.unwrap();
    assert_eq!(settled, Settled::Done);
    let mut dead = stage.consumer(&stage.names.dead_queue(WORKER)).await;
    let delivery = next(&mut dead).await;
    assert_eq!(id_of(&delivery), "poison");
    assert_eq!(delivery.routing_key, stage.queue());
}
