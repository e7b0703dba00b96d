//! Servers that are killed, or have no connection left, while events come in: private ones, apart
//! from those that the other tests share.
//!
//! Each test says how long the workers took to be ready again; nothing asserts a speed.

mod broker;
mod database;
mod replays;

use std::time::Duration;

use fleet::Link;
use system_tests::{Servers, Stage, StageOptions, open_order};
use testkit::eventually;
use testkit::shop::{ShopEvent, attempt_id, captured, order_id};
use tokio::time::Instant;

/// How long noticing and coming back may take on a busy machine.
const BOUND: Duration = Duration::from_mins(1);

/// Events of one publication; between two of them a shop that lost its connection opens another.
const CHUNK: usize = 100;

/// Every worker, on servers that can be killed, reached by lines that can be cut.
async fn stage(servers: &Servers) -> Stage {
    stage_with(servers, &[]).await
}

async fn stage_with(servers: &Servers, settings: &[(&'static str, &str)]) -> Stage {
    // Batches so small that many are under way when something ends.
    let options = StageOptions::everyone().on(servers).by_lines().with("ORDERFLOW_BATCH", "20");
    let with =
        |options: StageOptions, (name, value): &(&'static str, &str)| options.with(name, *value);
    Stage::start(settings.iter().fold(options, with)).await
}

fn database_line(stage: &Stage) -> &Link {
    &stage.lines.as_ref().expect("the stage has lines").database
}

/// Orders with these numbers, and the money for each.
fn events(numbers: std::ops::Range<u32>) -> Vec<ShopEvent> {
    let both = |n| [open_order(n), captured(order_id(n), attempt_id(n), 10_000)];
    numbers.flat_map(both).collect()
}

/// Publishes as a shop does that keeps on trying.
async fn publish(stage: &mut Stage, events: &[ShopEvent]) {
    for chunk in events.chunks(CHUNK) {
        stage.publish_persistently(chunk, BOUND).await;
    }
}

/// Waits until every order is paid and everything about it was sent; once, and nothing is dead.
async fn until_paid_once(stage: &Stage, orders: i64) {
    let count = |rows: &str| format!("SELECT count(*) FROM {rows}");
    stage.until("every order is paid", &count("orders WHERE status = 'paid'"), orders).await;
    stage.until("everything is sent", &count("outbox WHERE sent_at IS NULL"), 0).await;
    assert_eq!(stage.database.number(&count("captures")).await, orders);
    let announced = count("outbox WHERE routing_key = 'order.paid'");
    assert_eq!(stage.database.number(&announced).await, orders);
    assert_eq!(stage.database.number(&count("dead_letters")).await, 0);
}

/// Waits until the readiness of each of these is red and says this; all of them live.
async fn until_red(stage: &mut Stage, binaries: &[&str], why: &str) {
    for binary in binaries {
        let member = stage.fleet.member(binary).expect("it runs");
        eventually(BOUND, "readiness is red and says why", async || {
            match member.page("readyz").await {
                Ok((503, text)) if text.contains(why) => Ok(()),
                other => Err(format!("{binary}: {other:?}")),
            }
        })
        .await;
    }
    for member in stage.fleet.members() {
        let (alive, text) = member.page("livez").await.expect("liveness is served");
        assert_eq!(alive, 200, "{}: {text}", member.binary());
    }
}

/// Waits until every worker is ready again, by itself; says how long that took.
async fn until_green(stage: &mut Stage, healed: Instant, after: &str) {
    stage.fleet.wait_until_ready(BOUND).await.expect("the workers come back by themselves");
    println!("ready {:?} after {after}", healed.elapsed());
    assert_eq!(stage.fleet.casualties(), Vec::<String>::new());
}
