use broker::{Class, ConsumeEnd, Consumer, Error, PublisherConfig, Session, Settled};
use lapin::{Connection, ConnectionProperties, options::QueueDeleteOptions};
use tokio::time::timeout;

use crate::{
    proxy::Proxy,
    stage::{SOON, Stage, all_confirmed, config, id_of, next, next_ids},
};

async fn end_of(consumer: &mut Consumer) -> ConsumeEnd {
    let next = timeout(SOON, consumer.next()).await.expect("the consumer ends");
    next.expect_err("no delivery is left")
}

async fn delete_queue(stage: &Stage, queue: &str) {
    let url = stage.broker.amqp_url();
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    connection.close(200, "done".into()).await.unwrap();
}

#[tokio::test]
async fn the_end_is_noticed_when_the_queue_is_deleted() {
    let stage = Stage::set().await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    delete_queue(&stage, &stage.queue()).await;
    assert!(matches!(end_of(&mut consumer).await, ConsumeEnd::Cancelled));
    // And it stays ended instead of waiting for ever.
    assert!(matches!(end_of(&mut consumer).await, ConsumeEnd::Cancelled));
    assert!(matches!(consumer.try_next(), Some(Err(ConsumeEnd::Cancelled))));
}

#[tokio::test]
async fn a_queue_that_does_not_exist_cannot_be_consumed() {
    let stage = Stage::bare().await;
    let error = stage.session.consumer("no such queue", 1).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn after_cancel_what_was_received_is_read_and_then_it_is_stopped() {
    let stage = Stage::set().await;
    stage.fill(&["a", "b", "c"]).await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    assert_eq!(id_of(&next(&mut consumer).await), "a");
    consumer.cancel().await.unwrap();
    consumer.cancel().await.unwrap();
    stage.fill(&["too late"]).await;
    assert_eq!(next_ids(&mut consumer, 2).await, ["b", "c"]);
    assert!(matches!(end_of(&mut consumer).await, ConsumeEnd::Stopped));
}

#[tokio::test]
async fn a_tag_the_broker_does_not_know_closes_the_channel() {
    let stage = Stage::set().await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    assert_eq!(consumer.settler().ack(7).await.unwrap(), Settled::Done);
    let end = end_of(&mut consumer).await;
    let ConsumeEnd::ChannelClosed(Error::PreconditionFailed { text }) = &end else {
        panic!("{end:?}");
    };
    assert!(text.contains("unknown delivery tag"), "{text}");
}

#[tokio::test]
async fn a_cut_wire_ends_the_consumer_and_makes_its_settlements_stale() {
    let stage = Stage::set().await;
    stage.fill(&["a"]).await;
    let proxy = Proxy::start().await;
    let session = Session::open(&config(&[proxy.url()])).await.unwrap();
    let mut consumer = session.consumer(&stage.queue(), 10).await.unwrap();
    let settler = consumer.settler();
    let delivery = next(&mut consumer).await;
    drop(proxy);
    assert!(matches!(end_of(&mut consumer).await, ConsumeEnd::ConnectionLost(_)));
    assert_eq!(settler.ack(delivery.tag).await.unwrap(), Settled::Stale);
    assert_eq!(settler.ack_through(delivery.tag).await.unwrap(), Settled::Stale);
    assert_eq!(settler.requeue(delivery.tag).await.unwrap(), Settled::Stale);
    assert_eq!(settler.reject(delivery.tag, true).await.unwrap(), Settled::Stale);
}

#[tokio::test]
async fn a_message_that_breaks_the_protocol_is_told_apart_from_a_lost_network() {
    let stage = Stage::set().await;
    let spoiler = Proxy::start_spoiling(b"not text").await;
    let session = Session::open(&config(&[spoiler.url()])).await.unwrap();
    let publisher = session.publisher(PublisherConfig::default()).await.unwrap();
    all_confirmed(&publisher, vec![stage.to_queue("good"), stage.to_queue("not text")]).await;

    let mut consumer = stage.consumer(&stage.queue()).await;
    assert_eq!(id_of(&next(&mut consumer).await), "good");
    let ConsumeEnd::ConnectionLost(error) = end_of(&mut consumer).await else {
        panic!("the connection is lost");
    };
    assert_eq!((error.class(), error.code()), (Class::Transient, "broker-frame-unreadable"));
}

#[tokio::test]
async fn closing_the_session_ends_the_consumer() {
    let stage = Stage::set().await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    let settler = consumer.settler();
    stage.session.close().await;
    assert!(matches!(end_of(&mut consumer).await, ConsumeEnd::ConnectionLost(_)));
    assert_eq!(settler.ack(1).await.unwrap(), Settled::Stale);
}

#[tokio::test]
async fn ack_through_ends_the_prefix_and_nothing_else() {
    let stage = Stage::set().await;
    stage.fill(&["1", "2", "3", "4", "5"]).await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    let mut tags = Vec::new();
    for _ in 0..5 {
        tags.push(next(&mut consumer).await.tag);
    }
    assert_eq!(consumer.settler().ack_through(tags[2]).await.unwrap(), Settled::Done);
    drop(consumer);

    let mut consumer = stage.consumer(&stage.queue()).await;
    for expected in ["4", "5"] {
        let delivery = next(&mut consumer).await;
        assert_eq!(id_of(&delivery), expected);
        assert!(delivery.redelivered);
        assert_eq!(delivery.delivery_count, 1);
    }
}

#[tokio::test]
async fn a_requeued_message_comes_again_in_its_old_place() {
    let stage = Stage::set().await;
    stage.fill(&["first", "second"]).await;
    let mut consumer = stage.session.consumer(&stage.queue(), 1).await.unwrap();
    let delivery = next(&mut consumer).await;
    assert_eq!(id_of(&delivery), "first");
    assert_eq!(consumer.settler().requeue(delivery.tag).await.unwrap(), Settled::Done);
    let again = next(&mut consumer).await;
    assert_eq!(id_of(&again), "first");
    assert!(again.redelivered);
    // Giving back is no failed delivery from RabbitMQ 4.3 on.
    assert!(again.delivery_count <= 1, "{}", again.delivery_count);
}

#[tokio::test]
async fn no_more_than_the_prefetch_is_unsettled() {
    let stage = Stage::set().await;
    stage.fill(&["a", "b", "c"]).await;
    let mut consumer = stage.session.consumer(&stage.queue(), 2).await.unwrap();
    let first = next(&mut consumer).await;
    assert_eq!(id_of(&next(&mut consumer).await), "b");
    assert!(consumer.try_next().is_none());
    assert_eq!(consumer.settler().ack(first.tag).await.unwrap(), Settled::Done);
    assert_eq!(id_of(&next(&mut consumer).await), "c");
}
