//! Every process ends once between any two steps of its work, and the state is as if none had.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use contracts::events::PaymentOutcome;
use system_tests::{Stage, StageOptions, open_order, short_order};
use testkit::eventually;
use testkit::shop::{ShopEvent, attempt_id, captured, dispute_id, dispute_opened, order_id};
use testkit::shop::{payment, refund_requested};
use tokio::time::{Instant, sleep};

/// Between these a worker that runs rules can end.
const RULES: [&str; 8] =
    ["received", "claimed", "locked", "loaded", "decided", "written", "committed", "acknowledged"];
/// Also between these, when a message fails.
const FAILURE: [&str; 2] = ["failed", "brought-away"];
const RELAY: [&str; 3] = ["read", "published", "marked"];
const SCHEDULER: [&str; 2] = ["handed-over", "published"];
const PARKER: [&str; 3] = ["taken", "stored", "acknowledged"];

/// Longest time for all of it, restarts included.
const BOUND: Duration = Duration::from_mins(4);
/// Orders that are paid; as many are not.
const ORDERS: u32 = 40;

/// Steps of one process that are named at once. A worker that ends over one message five times has
/// it convicted, so each few ends come over other events.
const AT_ONCE: usize = 2;

/// Every step of every process, in turns.
fn turns() -> Vec<Vec<String>> {
    let workers = ["order-created", "payment-attempted", "payment-timeout"];
    let rules = workers.into_iter().chain(["refund-requested", "dispute-opened"]);
    let mut steps: Vec<_> = rules.flat_map(|worker| RULES.map(|step| (worker, step))).collect();
    steps.extend(FAILURE.map(|step| ("payment-attempted", step)));
    steps.extend(RELAY.map(|step| ("outbox-relay", step)));
    steps.extend(SCHEDULER.map(|step| ("timer-scheduler", step)));
    steps.extend(PARKER.map(|step| ("dead-letter-parker", step)));
    let mut turns: Vec<Vec<String>> = Vec::new();
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for (worker, step) in steps {
        let earlier = named.entry(worker).or_default();
        let turn = *earlier / AT_ONCE;
        *earlier += 1;
        turns.resize_with(turns.len().max(turn + 1), Vec::new);
        turns[turn].push(format!("{worker}.{step}"));
    }
    turns
}

/// Names steps, each by a file that its process removes when it ends there.
fn name_steps(folder: &Path, steps: &[String]) {
    for step in steps {
        std::fs::write(folder.join(step), "").expect("the folder is there");
    }
}

/// Steps at which nobody has ended yet.
fn left(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there").flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Orders that are paid, refunded and disputed; orders that expire; one payment that is refused.
fn events(round: u32) -> Vec<ShopEvent> {
    let mut events = Vec::new();
    for number in round * ORDERS..(round + 1) * ORDERS {
        let (order, attempt) = (order_id(number), attempt_id(number));
        events.push(open_order(number));
        events.push(captured(order, attempt, 10_000));
        events.push(refund_requested(order, &format!("r-{number}"), 2_000));
        events.push(dispute_opened(order, dispute_id(number), attempt, 3_000));
        events.push(short_order(100_000 + number, 1));
    }
    // Paid by a merchant's fault in another currency: a conflict.
    let number = 200_000 + round;
    events.push(open_order(number));
    let foreign = payment(order_id(number), attempt_id(number), PaymentOutcome::Captured, 10_000);
    events.push(foreign.with("amount", serde_json::json!({"amount_minor": 1, "currency": "CHF"})));
    events
}

#[tokio::test]
async fn every_process_killed_once_between_any_two_steps_leaves_no_trace() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let options = StageOptions::everyone()
        .with("ORDERFLOW_FAILPOINTS", format!("steps:{}", folder.path().display()))
        .with("ORDERFLOW_PARK_TTL", "10m");
    let mut stage = Stage::start(options).await;
    let (started, mut rounds, mut ends) = (Instant::now(), 0, 0);
    let turns = turns();
    let steps = u32::try_from(turns.concat().len()).expect("steps are few");
    for steps in turns {
        name_steps(folder.path(), &steps);
        // A process that ended late has nothing left to do: it is given more, until all have ended.
        while !left(folder.path()).is_empty() {
            assert!(started.elapsed() < BOUND, "not reached: {:?}", left(folder.path()));
            stage.publish(&events(rounds)).await;
            rounds += 1;
            for _ in 0..60 {
                ends += stage.fleet.revive().expect("the binaries are built");
                if left(folder.path()).is_empty() {
                    break;
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        // The next ends must not come over the same events: see `AT_ONCE`.
        while !decided(&stage, rounds).await {
            assert!(started.elapsed() < BOUND, "the events of {rounds} rounds are not decided");
            ends += stage.fleet.revive().expect("the binaries are built");
            sleep(Duration::from_millis(50)).await;
        }
    }
    // A step's name is taken away before its process ends: the last ends may still be under way.
    while ends < steps {
        assert!(started.elapsed() < BOUND, "{ends} processes ended of {steps}");
        ends += stage.fleet.revive().expect("the binaries are built");
        sleep(Duration::from_millis(50)).await;
    }
    println!("{ends} processes ended between two steps, over {rounds} rounds of events");
    check(&stage, i64::from(rounds)).await;
    stage.fleet.wait_until_ready(Duration::from_mins(1)).await.expect("the workers come back");
    stage.finish().await;
}

/// Whether every event of a shop is decided, once and for all.
async fn decided(stage: &Stage, rounds: u32) -> bool {
    let each_round = i64::try_from(events(0).len()).expect("events are few");
    // A payment that conflicts is a dead letter, and its row says so.
    let sql = "SELECT count(*) FROM inbox WHERE outcome <> 'parked' AND source = '/test/shop'";
    stage.database.number(sql).await == i64::from(rounds) * each_round
}

/// What the events must come to, however often the processes ended.
async fn check(stage: &Stage, rounds: i64) {
    let orders = rounds * i64::from(ORDERS);
    let count = |what: &str| format!("SELECT count(*) FROM {what}");
    let all = [
        ("orders WHERE status = 'paid'", orders),
        ("orders WHERE status = 'expired'", orders),
        ("captures", orders),
        ("refunds", orders),
        ("disputes", orders),
        ("outbox WHERE routing_key = 'inventory.release_requested'", orders),
        ("outbox WHERE routing_key = 'order.paid'", orders),
        // A hand-over that was lost with its scheduler is made up for after a while.
        ("timers WHERE status = 'armed' AND due_at <= now()", 0),
        // Nobody listens to commands here: what has to reach a queue waits.
        ("outbox WHERE sent_at IS NULL AND NOT must_route", 0),
    ];
    let odd = "SELECT concat_ws(' ', source_queue, error_code, message_key) FROM dead_letters
        WHERE error_code <> 'currency-mismatch'";
    for (what, expected) in all {
        eventually(Duration::from_mins(1), what, async || {
            let found = stage.database.number(&count(what)).await;
            let odd = stage.database.texts(odd).await;
            if found == expected && odd.is_empty() { Ok(()) } else { Err((found, expected, odd)) }
        })
        .await;
    }
    stage.until("dead letters", &count("dead_letters"), rounds).await;
}
