//! RabbitMQ is killed, or takes nothing for want of memory or disk.

use broker::{Properties, Publication};
use contracts::EventKind;
use fleet::WORKERS;
use system_tests::{Resource, Server, Servers, Stage, open_order};
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

fn broken(stage: &Stage) -> Publication {
    let properties = Properties { message_id: Some("broken".to_owned()), ..Properties::default() };
    let key = EventKind::OrderCreated.name();
    Publication::new(stage.names.inbound(), key, properties, b"not json".to_vec())
}

/// Starts what publishes only after the broker ran short, and sees it wait.
async fn out_of(resource: Resource) {
    let servers = Servers::alone().await;
    let mut stage = stage(&servers).await;
    for binary in PUBLISHERS {
        let mut member = stage.fleet.take(binary).expect("it runs");
        member.terminate();
        member.wait_until_gone(BOUND).await.expect("it stops in order");
    }
    publish(&mut stage, &events(0..50)).await;
    stage.publish_raw(vec![broken(&stage)]).await;
    servers.alarm(resource, false).await;
    for binary in PUBLISHERS {
        stage.fleet.spawn(binary).expect("the binary is built");
    }
    until_red(&mut stage, &PUBLISHERS, "takes no messages").await;
    servers.alarm(resource, true).await;
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
