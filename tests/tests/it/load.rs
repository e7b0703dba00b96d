//! Much at once: one order that gets everything, bodies at the limit, workers that are replaced.

use std::time::Duration;

use contracts::events::PaymentOutcome;
use fleet::WORKERS;
use system_tests::{Stage, StageOptions, open_order};
use testkit::shop::{ShopEvent, attempt_id, captured, order_id, payment};

/// How long a worker may take to stop or to start.
const BOUND: Duration = Duration::from_mins(1);
/// Events of one publication.
const CHUNK: usize = 500;

/// How often as much as in every run: `ORDERFLOW_TEST_LOAD`, 1 without it.
fn times(usual: u32) -> u32 {
    let factor = std::env::var("ORDERFLOW_TEST_LOAD");
    usual * factor.map_or(1, |it| it.parse::<u32>().expect("ORDERFLOW_TEST_LOAD is a number"))
}

async fn publish(stage: &Stage, events: &[ShopEvent]) {
    for chunk in events.chunks(CHUNK) {
        stage.publish(chunk).await;
    }
}

#[tokio::test]
async fn a_rolling_restart_under_load_decides_nothing_twice_and_loses_nothing() {
    let orders = 1_000;
    let mut stage = Stage::start(StageOptions::everyone().with("ORDERFLOW_BATCH", "20")).await;
    let opened: Vec<_> = (0..orders).map(open_order).collect();
    let paid: Vec<_> = (0..orders).map(|n| captured(order_id(n), attempt_id(n), 10_000)).collect();
    publish(&stage, &opened).await;
    for (binary, part) in WORKERS.iter().zip(paid.chunks(paid.len().div_ceil(WORKERS.len()))) {
        publish(&stage, part).await;
        let mut old = stage.fleet.take(binary).expect("it runs");
        stage.fleet.spawn(binary).expect("the binary is built");
        old.terminate();
        old.wait_until_gone(BOUND).await.expect("it stops in order");
    }
    stage.fleet.wait_until_ready(BOUND).await.expect("the new ones are ready");
    stage.until_decided(orders * 2).await;
    let count = |rows: &str| format!("SELECT count(*) FROM {rows}");
    stage.until("everything is sent", &count("outbox WHERE sent_at IS NULL"), 0).await;
    // What was in hand was finished and acknowledged: the broker gave nothing decided out again.
    assert_eq!(stage.database.number(&count("inbox WHERE deliveries > 1")).await, 0);
    assert_eq!(stage.database.number(&count("orders WHERE status = 'paid'")).await, 1_000);
    assert_eq!(stage.database.number(&count("dead_letters")).await, 0);
    stage.finish().await;
}

#[tokio::test]
async fn a_hot_order_does_not_starve_the_others() {
    let (hot, others) = (times(5_000), 200);
    let options = StageOptions::everyone();
    let mut stage = Stage::prepare(&options).await;
    publish(&stage, &(0..=others).map(open_order).collect::<Vec<_>>()).await;
    // Reports of ever the same attempt, and behind them the money for everybody else.
    let report = |n: u32| {
        let pending = payment(order_id(0), attempt_id(0), PaymentOutcome::Processing, 10_000);
        pending.id(&format!("hot-{n}"))
    };
    publish(&stage, &(0..hot).map(report).collect::<Vec<_>>()).await;
    let paid = |n| captured(order_id(n), attempt_id(n), 10_000);
    publish(&stage, &(1..=others).map(paid).collect::<Vec<_>>()).await;
    stage.start_workers(&options).await;
    let paid = "SELECT count(*) FROM orders WHERE status = 'paid'";
    stage.until_decided(1 + others + hot + others).await;
    stage.until("the others are paid", paid, i64::from(others)).await;
    // A transaction takes a batch of the hot order like any other: a few for thousands of events.
    let commits = "SELECT count(DISTINCT xmin::text) FROM inbox WHERE event_id LIKE 'hot-%'";
    let commits = stage.database.number(commits).await;
    assert!(commits < i64::from(hot / 20), "{commits} transactions for {hot} events of one order");
    stage.finish().await;
}

/// Memory of a worker that has nothing in hand, in MiB.
const AT_REST: usize = 120;
/// The largest body that is accepted, in bytes.
const LARGEST: usize = 64 * 1024;

/// An order as large as one may be.
fn large_order(number: u32) -> ShopEvent {
    let padded = |room: usize| open_order(number).with("of_a_later_version", "x".repeat(room));
    padded(LARGEST - padded(0).body().len())
}

#[tokio::test]
async fn memory_is_bounded_by_the_prefetch_whatever_waits() {
    let (large, small, prefetch) = (2_000, times(5_000), 200);
    let options = StageOptions::of(&["order-created", "outbox-relay"])
        .with("ORDERFLOW_PREFETCH", prefetch.to_string())
        .with("ORDERFLOW_BATCH", "50");
    let mut stage = Stage::prepare(&options).await;
    assert_eq!(large_order(0).body().len(), LARGEST);
    let order = |n: u32| if n < large { large_order(n) } else { open_order(n) };
    for numbers in (0..large + small).collect::<Vec<u32>>().chunks(100) {
        stage.publish(&numbers.iter().copied().map(order).collect::<Vec<_>>()).await;
    }
    stage.start_workers(&options).await;
    stage.until_decided(large + small).await;
    let member = stage.fleet.member("order-created").expect("it runs");
    let peak = peak_memory_mib(member.pid().expect("it runs"));
    // What is in hand four times over: as it came, as it is decoded, and on the way to either.
    let bound = AT_REST + 4 * prefetch * LARGEST / (1 << 20);
    println!("{large} orders of {LARGEST} bytes, {small} others: {peak} MiB; bound {bound} MiB");
    assert!(peak < bound, "{peak} MiB, more than {bound} MiB");
    stage.finish().await;
}

/// The most memory that a process had, in MiB.
fn peak_memory_mib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    kib.expect("Linux tells the peak in KiB") / 1_024
}
