use std::{ops::Range, time::Duration};

use broker::{Class, Error, InvalidPublication, Outcome, Publication, PublisherConfig, Session};
use futures_util::FutureExt as _;
use lapin::{
    Connection, ConnectionProperties,
    options::{QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use tokio::time::timeout;

use crate::{
    proxy::Proxy,
    stage::{Stage, all_confirmed, config, identified, next_ids},
};

fn returned() -> Outcome {
    Outcome::Returned { code: 312, text: "NO_ROUTE".to_owned() }
}

/// The dead-letter exchange has no alternate: what it cannot route comes back.
fn to_dead_letters(stage: &Stage, id: usize, key: &str) -> Publication {
    let (exchange, properties) = (stage.names.dead_exchange(), identified(&id.to_string()));
    Publication::new(exchange, key, properties, b"{}".to_vec())
}

/// A queue in memory, whose confirms come at once and many in one frame; gone with the connection.
async fn bind_quick_queue(stage: &Stage) -> Connection {
    let url = stage.broker.amqp_url();
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queue = ShortString::from(format!("{}.quick", stage.names));
    let none = FieldTable::default;
    let options = QueueDeclareOptions::exclusive();
    channel.queue_declare(queue.clone(), options, none()).await.unwrap();
    let exchange = stage.names.dead_exchange().into();
    let options = QueueBindOptions::default();
    channel.queue_bind(queue, exchange, "quick".into(), options, none()).await.unwrap();
    connection
}

fn has_route(id: usize) -> bool {
    id % 7 != 3
}

/// Messages for the quick queue, every seventh without a route.
fn mixed(stage: &Stage, ids: Range<usize>) -> Vec<Publication> {
    let key = |id| if has_route(id) { "quick" } else { "nowhere" };
    ids.map(|id| to_dead_letters(stage, id, key(id))).collect()
}

fn assert_mixed(ids: Range<usize>, outcomes: &[Outcome]) {
    assert_eq!(ids.len(), outcomes.len());
    for (id, outcome) in ids.zip(outcomes) {
        let expected = if has_route(id) { Outcome::Confirmed } else { returned() };
        assert_eq!(outcome, &expected, "message {id}");
    }
}

#[tokio::test]
async fn exactly_the_messages_without_a_route_are_returned() {
    let stage = Stage::set().await;
    let _quick = bind_quick_queue(&stage).await;
    let outcomes = stage.publisher().await.publish_all(mixed(&stage, 0..500)).await.unwrap();
    assert_mixed(0..500, &outcomes);
}

#[tokio::test]
async fn messages_arrive_in_the_order_they_were_given() {
    let stage = Stage::set().await;
    let ids: Vec<String> = (0..600).map(|id| format!("{id:03}")).collect();
    stage.fill(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut consumer = stage.session.consumer(&stage.queue(), 1000).await.unwrap();
    assert_eq!(next_ids(&mut consumer, 600).await, ids);
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_fails_alone() {
    let stage = Stage::set().await;
    let mut nameless = stage.to_queue("x");
    nameless.properties.message_id = None;
    let publications = vec![stage.to_queue("a"), nameless, stage.to_queue("b")];
    let outcomes = stage.publisher().await.publish_all(publications).await.unwrap();
    let invalid = Outcome::Invalid(InvalidPublication::NoMessageId);
    assert_eq!(outcomes, [Outcome::Confirmed, invalid, Outcome::Confirmed]);
}

#[tokio::test]
async fn a_publisher_works_again_after_its_channel_was_closed() {
    let stage = Stage::set().await;
    let publisher = stage.publisher().await;
    let missing = Publication::new("no such exchange", "", identified("lost"), Vec::new());
    let error = publisher.publish_all(vec![missing]).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    assert_eq!(error.class(), Class::DependencyDown);
    all_confirmed(&publisher, vec![stage.to_queue("next")]).await;
}

#[tokio::test]
async fn tasks_share_a_publisher_without_mixing_their_returns() {
    let stage = Stage::set().await;
    let publisher = stage.publisher().await;
    let queue = stage.queue();
    let batch = |key: &str| (0..300).map(|id| to_dead_letters(&stage, id, key)).collect();
    let (good, lost) =
        tokio::join!(publisher.publish_all(batch(&queue)), publisher.publish_all(batch("nowhere")));
    assert_eq!(good.unwrap(), vec![Outcome::Confirmed; 300]);
    assert_eq!(lost.unwrap(), vec![returned(); 300]);
}

#[tokio::test]
async fn without_an_answer_a_publish_times_out_and_the_next_one_works() {
    let stage = Stage::set().await;
    let proxy = Proxy::start().await;
    let session = Session::open(&config(&[proxy.url()])).await.unwrap();
    let confirm_timeout = Duration::from_millis(200);
    let config = PublisherConfig { window: 2, confirm_timeout, ..PublisherConfig::default() };
    let publisher = session.publisher(config).await.unwrap();

    proxy.pause();
    let publications = ["a", "b", "c"].map(|id| stage.to_queue(id)).to_vec();
    let outcomes = publisher.publish_all(publications).await.unwrap();
    assert_eq!(outcomes, vec![Outcome::TimedOut; 3]);
    proxy.resume();
    all_confirmed(&publisher, vec![stage.to_queue("d")]).await;
}

#[tokio::test]
async fn returns_of_a_call_that_was_dropped_are_not_mistaken_for_those_of_the_next() {
    let stage = Stage::set().await;
    let _quick = bind_quick_queue(&stage).await;
    let proxy = Proxy::start().await;
    let session = Session::open(&config(&[proxy.url()])).await.unwrap();
    let publisher = session.publisher(PublisherConfig::default()).await.unwrap();

    for _round in 0..5 {
        proxy.pause();
        let dropped = publisher.publish_all(mixed(&stage, 0..250));
        assert!(timeout(Duration::from_millis(100), dropped).await.is_err());
        let next = publisher.publish_all(mixed(&stage, 250..500));
        let (outcomes, ()) = tokio::join!(next, async { proxy.resume() });
        assert_mixed(250..500, &outcomes.unwrap());
    }
}

#[tokio::test]
async fn nothing_to_publish_is_nothing_to_wait_for() {
    let stage = Stage::bare().await;
    let publisher = stage.publisher().await;
    let outcomes = publisher.publish_all(Vec::new()).now_or_never();
    assert_eq!(outcomes.unwrap().unwrap(), []);
}
