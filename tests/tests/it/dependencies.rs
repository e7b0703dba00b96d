//! Broker and database go away, come back, and are slow: workers pause and resume by themselves.
//!
//! Each test says how long the workers took to be ready again; nothing asserts a speed.

use std::time::Duration;

use fleet::{Link, Weather};
use system_tests::{Lines, Stage, StageOptions, open_order};
use testkit::eventually;
use testkit::shop::{attempt_id, captured, order_id};
use tokio::time::{Instant, sleep};

/// How long noticing and coming back may take on a busy machine.
const BOUND: Duration = Duration::from_mins(1);

async fn stage() -> Stage {
    Stage::start(StageOptions::everyone().by_lines()).await
}

fn lines(stage: &Stage) -> &Lines {
    stage.lines.as_ref().expect("the stage has lines")
}

/// Orders and payments whose numbers begin here.
async fn publish(stage: &Stage, first: u32) {
    let orders: Vec<_> = (first..first + 50).map(open_order).collect();
    let payments: Vec<_> = (first..first + 50)
        .map(|number| captured(order_id(number), attempt_id(number), 10_000))
        .collect();
    stage.publish(&orders).await;
    stage.publish(&payments).await;
}

async fn until_paid(stage: &Stage, orders: i64) {
    let paid = "SELECT count(*) FROM orders WHERE status = 'paid'";
    stage.until("every order is paid", paid, orders).await;
    stage.until("everything is sent", "SELECT count(*) FROM outbox WHERE sent_at IS NULL", 0).await;
    assert_eq!(stage.database.number("SELECT count(*) FROM dead_letters").await, 0);
}

/// Waits until every worker's readiness is red and says this; all of them live.
async fn until_red(stage: &mut Stage, why: &str) {
    for member in stage.fleet.members() {
        eventually(BOUND, "readiness is red and says why", async || {
            match member.page("readyz").await {
                Ok((503, text)) if text.contains(why) => Ok(()),
                other => Err(format!("{}: {other:?}", member.binary())),
            }
        })
        .await;
        let (alive, text) = member.page("livez").await.expect("liveness is served");
        assert_eq!(alive, 200, "{}: {text}", member.binary());
    }
}

async fn until_green(stage: &mut Stage, after: &str) {
    let healed = Instant::now();
    stage.fleet.wait_until_ready(BOUND).await.expect("the workers come back by themselves");
    println!("ready {:?} after {after}", healed.elapsed());
    assert_eq!(stage.fleet.casualties(), Vec::<String>::new());
}

/// A dependency is away while events come in; nothing is lost, and nothing is dead-lettered.
async fn go_away(line: fn(&Lines) -> &Link, why: &str) {
    let mut stage = stage().await;
    publish(&stage, 0).await;
    line(lines(&stage)).set(Weather::Cut);
    publish(&stage, 50).await;
    until_red(&mut stage, why).await;
    publish(&stage, 100).await;
    line(lines(&stage)).set(Weather::Clear);
    until_green(&mut stage, &format!("the {why} was back")).await;
    until_paid(&stage, 150).await;
    stage.finish().await;
}

#[tokio::test]
async fn workers_pause_while_the_database_is_away_and_resume_by_themselves() {
    go_away(|lines| &lines.database, "database").await;
}

#[tokio::test]
async fn workers_pause_while_the_broker_is_away_and_resume_by_themselves() {
    go_away(|lines| &lines.broker, "broker").await;
}

#[tokio::test]
async fn workers_pause_while_the_database_is_read_only() {
    let mut stage = stage().await;
    let read_only = |switch: &str| {
        format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = \
             {switch}', current_database()); END $$"
        )
    };
    let end_sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'orderflow/%'";
    publish(&stage, 0).await;
    stage.database.run(&read_only("on")).await;
    stage.database.run(end_sessions).await;
    publish(&stage, 50).await;
    until_red(&mut stage, "read-only").await;
    // A new session of the test's own is read-only as well, until it says otherwise.
    let writable = format!("BEGIN READ WRITE; {}; COMMIT", read_only("off"));
    stage.database.run(&writable).await;
    until_green(&mut stage, "the database took writes again").await;
    until_paid(&stage, 100).await;
    stage.finish().await;
}

#[tokio::test]
async fn workers_notice_database_connections_that_pass_nothing_and_never_end() {
    let mut stage = stage().await;
    publish(&stage, 0).await;
    until_paid(&stage, 50).await;
    lines(&stage).database.strand();
    // Nobody has anything to do, and everybody notices all the same.
    until_red_once(&mut stage).await;
    until_green(&mut stage, "the connections were stranded").await;
    publish(&stage, 50).await;
    until_paid(&stage, 100).await;
    stage.finish().await;
}

/// Waits until every worker has lost its database once, by what it logged.
async fn until_red_once(stage: &mut Stage) {
    for member in stage.fleet.members() {
        eventually(2 * BOUND, "the worker gives its connection up", async || {
            let log = std::fs::read_to_string(member.log()).unwrap_or_default();
            let gave_up = ["no answer within", "did not answer in time"];
            let noticed = gave_up.iter().any(|words| log.contains(words));
            if noticed { Ok(()) } else { Err(member.binary()) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_slow_database_lowers_the_rate_and_nothing_else() {
    let mut stage = stage().await;
    lines(&stage).database.set(Weather::Late(Duration::from_millis(150)));
    publish(&stage, 0).await;
    for _ in 0..10 {
        for member in stage.fleet.members() {
            let (ready, text) = member.page("readyz").await.expect("readiness is served");
            assert_eq!(ready, 200, "{}: {text}", member.binary());
        }
        sleep(Duration::from_millis(100)).await;
    }
    until_paid(&stage, 50).await;
    lines(&stage).database.set(Weather::Clear);
    stage.finish().await;
}

#[tokio::test]
async fn a_queue_deleted_under_its_consumer_is_made_again_and_consumed() {
    let mut stage = stage().await;
    publish(&stage, 0).await;
    until_paid(&stage, 50).await;
    for worker in ["order-created", "payment-attempted"] {
        let queue = stage.names.work_queue(worker);
        stage.delete_queue(&queue).await;
        // The consumer was cancelled by the broker; the session that follows declares the queue.
        let member = stage.fleet.member(worker).expect("it runs");
        eventually(BOUND, "the worker notices", async || {
            let log = std::fs::read_to_string(member.log()).unwrap_or_default();
            if log.contains("session ended") { Ok(()) } else { Err(worker) }
        })
        .await;
    }
    until_green(&mut stage, "the queues were deleted").await;
    publish(&stage, 50).await;
    until_paid(&stage, 100).await;
    stage.finish().await;
}

#[tokio::test]
async fn broker_connections_that_pass_nothing_and_never_end_are_given_up() {
    let mut stage = stage().await;
    publish(&stage, 0).await;
    lines(&stage).broker.strand();
    publish(&stage, 50).await;
    until_paid(&stage, 100).await;
    until_green(&mut stage, "the connections were stranded").await;
    stage.finish().await;
}
