use std::{collections::HashSet, time::Duration};

use broker::{
    AmqpConfig, Class, DelayChoice, DelayProvider, Publication, Settled,
    delay::{delayed, knows_exchange_type, probe},
};
use tokio::time::{Instant, timeout};

use crate::stage::{SOON, Stage, all_confirmed, config, id_of, identified, next, next_ids};

fn by_ladder(stage: &Stage, queue: &str, id: &str, delay: Duration) -> Publication {
    delayed(&stage.names, DelayProvider::Ladder, queue, delay, identified(id), Vec::new())
}

#[tokio::test]
async fn messages_come_back_after_their_delay_and_never_before() {
    let stage = Stage::set().await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    let delays = [("1", 1), ("2", 2), ("3", 3), ("5", 5)];
    let late = |(id, seconds): &(&str, u64)| {
        by_ladder(&stage, &stage.queue(), id, Duration::from_secs(*seconds))
    };
    let started = Instant::now();
    all_confirmed(&stage.publisher().await, delays.iter().map(late).collect()).await;
    for (id, seconds) in delays {
        let delivery = next(&mut consumer).await;
        assert_eq!(id_of(&delivery), id);
        assert!(started.elapsed() >= Duration::from_secs(seconds), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn no_delay_comes_at_once() {
    let stage = Stage::set().await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    let publication = by_ladder(&stage, &stage.queue(), "now", Duration::ZERO);
    all_confirmed(&stage.publisher().await, vec![publication]).await;
    assert_eq!(id_of(&next(&mut consumer).await), "now");
}

#[tokio::test]
async fn messages_without_a_home_stop_nobody_and_are_parked() {
    // The broker stops a level for ever at the 33rd message that cannot leave it.
    const LOST: usize = 40;
    let stage = Stage::set().await;
    let ghost = stage.names.work_queue("ghost");
    let second = Duration::from_secs(1);
    let mut publications: Vec<Publication> =
        (0..LOST).map(|n| by_ladder(&stage, &ghost, &format!("lost {n}"), second)).collect();
    publications.push(by_ladder(&stage, &stage.queue(), "good", second));
    all_confirmed(&stage.publisher().await, publications).await;

    let mut consumer = stage.consumer(&stage.queue()).await;
    assert_eq!(id_of(&next(&mut consumer).await), "good");
    let mut parked = stage.consumer(&stage.names.unroutable()).await;
    let ids: HashSet<String> = next_ids(&mut parked, LOST).await.into_iter().collect();
    assert_eq!(ids.len(), LOST);
}

#[tokio::test]
async fn a_message_rides_the_ladder_again_and_again() {
    let stage = Stage::set().await;
    let mut consumer = stage.consumer(&stage.queue()).await;
    let publisher = stage.publisher().await;
    let mut publication = by_ladder(&stage, &stage.queue(), "retry", Duration::from_secs(1));
    for ride in 1..=5 {
        all_confirmed(&publisher, vec![publication]).await;
        let delivery = next(&mut consumer).await;
        let death = delivery.properties.headers.get("x-death");
        let deaths = format!("{:?}", death.expect("the broker notes the ride"));
        assert!(deaths.contains("\"count\": I64(1)"), "ride {ride}: {deaths}");
        assert_eq!(consumer.settler().ack(delivery.tag).await.unwrap(), Settled::Done);
        // The next copy carries the headers as received; the publisher has to strip them.
        publication = Publication {
            properties: delivery.properties,
            ..by_ladder(&stage, &stage.queue(), "retry", Duration::from_secs(1))
        };
    }
}

async fn probed(config: &AmqpConfig, choice: DelayChoice) -> (DelayProvider, String) {
    timeout(SOON, probe(config, choice)).await.expect("the probe ends").unwrap()
}

#[tokio::test]
async fn without_the_plugin_the_choice_falls_on_the_ladder_and_says_why() {
    let stage = Stage::bare().await;
    let config = config(&[stage.broker.amqp_url()]);
    let (provider, why) = probed(&config, DelayChoice::Auto).await;
    assert_eq!(provider, DelayProvider::Ladder);
    assert_eq!(why, "the broker has no exchange type x-delayed-message");
    let (provider, why) = probed(&config, DelayChoice::Ladder).await;
    assert_eq!((provider, why.as_str()), (DelayProvider::Ladder, "it was asked for"));

    let error = probe(&config, DelayChoice::Plugin).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::Permanent, "delay-plugin-missing"));
    assert!(error.to_string().contains("--delay ladder"), "{error}");
}

#[tokio::test]
async fn an_exchange_type_the_broker_has_is_recognised() {
    let stage = Stage::bare().await;
    let config = config(&[stage.broker.amqp_url()]);
    assert!(knows_exchange_type(&config, "topic").await.unwrap());
    assert!(!knows_exchange_type(&config, "x-no-such-type").await.unwrap());
}
