//! RabbitMQ is killed, or takes nothing for want of memory or disk.

use std::time::Duration;

use contracts::EventKind;
use fleet::WORKERS;
use system_tests::{Resource, Server, Servers, garbage, open_order, short_order};
use testkit::eventually;
use tokio::time::Instant;

use super::{BOUND, events, publish, stage, until_green, until_paid_once, until_red};

#[tokio::test]
async fn a_broker_killed_under_load_loses_nothing_and_the_workers_resume_by_themselves() {
    let mut servers = Servers::alone().await;
    let mut stage = stage(&servers).await;
    publish(&mut stage, &events(0..500)).await;
    servers.kill(Server::Broker);
    until_red(&mut stage, &WORKERS, "broker").await;
    servers.start_again().await;
    let healed = Instant::now();
    publish(&mut stage, &events(500..800)).await;
    until_green(&mut stage, healed, "the killed broker answered").await;
    until_paid_once(&stage, 800).await;
    stage.finish().await;
}

/// What publishes by itself: messages, and what becomes of a message that failed.
const PUBLISHERS: [&str; 2] = ["outbox-relay", "order-created"];

/// Starts what publishes only after the broker ran short, and sees it wait.
async fn out_of(resource: Resource) {
    let mut servers = Servers::alone().await;
    let mut stage = stage(&servers).await;
    for binary in PUBLISHERS {
        let mut member = stage.fleet.take(binary).expect("it runs");
        member.terminate();
        member.wait_until_gone(BOUND).await.expect("it stops in order");
    }
    publish(&mut stage, &events(0..50)).await;
    stage.publish_raw(vec![garbage(&stage.names, EventKind::OrderCreated)]).await;
    servers.run_short_of(resource).await;
    for binary in PUBLISHERS {
        stage.fleet.spawn(binary).expect("the binary is built");
    }
    until_red(&mut stage, &PUBLISHERS, "takes no messages").await;
    servers.heal().await;
    until_green(&mut stage, Instant::now(), "the broker had enough again").await;
    for binary in PUBLISHERS {
        let member = stage.fleet.member(binary).expect("it runs");
        let ended = member.metric("orderflow_sessions_ended_total", &[]).await;
        let ended = ended.expect("it is counted from the start");
        assert!(ended < 1.0, "{binary} gave up a session that only had to wait: {ended}");
    }
    let count = |rows: &str| format!("SELECT count(*) FROM {rows}");
    stage.until("every order is paid", &count("orders WHERE status = 'paid'"), 50).await;
    stage.until("everything is sent", &count("outbox WHERE sent_at IS NULL"), 0).await;
    stage.until("the broken one is dead", &count("dead_letters"), 1).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_memory_alarm_makes_publishers_wait_and_say_so() {
    out_of(Resource::Memory).await;
}

#[tokio::test]
async fn a_disk_alarm_makes_publishers_wait_and_say_so() {
    out_of(Resource::Disk).await;
}

#[tokio::test]
async fn a_retry_on_the_ladder_survives_a_killed_broker() {
    let mut servers = Servers::alone().await;
    let mut stage = super::stage_with(&servers, &[("ORDERFLOW_RETRY_BASE", "10s")]).await;
    // What the database cannot do for one order, it may do later.
    stage
        .database
        .run(
            "CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE 'not now' USING ERRCODE = '40001'; END $$;
             CREATE TRIGGER conflict BEFORE INSERT ON orders FOR EACH ROW
                 WHEN (NEW.customer_ref = 'later') EXECUTE FUNCTION conflict()",
        )
        .await;
    publish(&mut stage, &[open_order(1).with("customer_ref", "later"), open_order(2)]).await;
    stage.until("its neighbour is applied", "SELECT count(*) FROM orders", 1).await;
    eventually(BOUND, "another try is scheduled", async || {
        let member = stage.fleet.member("order-created").expect("it runs");
        match member.metric("orderflow_retries_scheduled_total", &[]).await {
            Ok(1.0..) => Ok(()),
            other => Err(other),
        }
    })
    .await;
    servers.kill(Server::Broker);
    until_red(&mut stage, &["order-created"], "broker").await;
    stage.database.run("DROP TRIGGER conflict ON orders").await;
    servers.start_again().await;
    until_green(&mut stage, Instant::now(), "the killed broker answered").await;
    stage.until("it is applied in the end", "SELECT count(*) FROM orders", 2).await;
    assert_eq!(stage.database.number("SELECT count(*) FROM dead_letters").await, 0);
    stage.finish().await;
}

#[tokio::test]
async fn a_consumer_that_the_broker_gave_up_on_consumes_again() {
    let mut servers = Servers::alone().await;
    // Shorter than any limit of ours, which otherwise are far below that of the broker.
    servers.set_consumer_timeout(Duration::from_secs(2)).await;
    let mut stage = stage(&servers).await;
    let held = stage.database.hold("LOCK TABLE orders IN SHARE MODE").await;
    publish(&mut stage, &events(0..50)).await;
    eventually(BOUND, "the broker gives up on the consumer", async || {
        let member = stage.fleet.member("order-created").expect("it runs");
        let log = std::fs::read_to_string(member.log()).unwrap_or_default();
        log.contains("delivery acknowledgement on channel")
    })
    .await;
    held.release().await;
    let healed = Instant::now();
    servers.heal().await;
    until_green(&mut stage, healed, "the table was free").await;
    until_paid_once(&stage, 50).await;
    stage.finish().await;
}

#[tokio::test]
async fn timeouts_on_the_ladder_survive_a_killed_broker_and_none_is_early() {
    let mut servers = Servers::alone().await;
    let mut stage = stage(&servers).await;
    // Some fall due while nobody is there to tell.
    let orders: Vec<_> = (0..60).map(|number| short_order(number, 6 + number % 12)).collect();
    publish(&mut stage, &orders).await;
    let handed_over = "SELECT count(*) FROM timers
         WHERE kind = 'payment_timeout' AND handed_over_at IS NOT NULL";
    stage.until("the timeouts ride in the broker", handed_over, 60).await;
    servers.kill(Server::Broker);
    until_red(&mut stage, &["payment-timeout"], "broker").await;
    servers.start_again().await;
    let back = stage.database.texts("SELECT now()::text").await.concat();
    let expired = "SELECT count(*) FROM orders WHERE status = 'expired'";
    stage.until("every order expires", expired, 60).await;
    let early = "SELECT count(*) FROM orders WHERE closed_at < expires_at";
    assert_eq!(stage.database.number(early).await, 0);
    let late = format!(
        "SELECT max((extract(epoch FROM closed_at - greatest(expires_at, '{back}')) * 1000)::bigint)
         FROM orders"
    );
    let late = stage.database.number(&late).await;
    println!("at most {late} ms after the later of its time and the broker's return");
    stage.finish().await;
}
