//! Timeouts through the delayed exchange.

use fleet::Weather;
use system_tests::{Stage, StageOptions, short_order};
use testkit::shop::{attempt_id, captured, order_created, order_id};

#[tokio::test]
async fn unpaid_orders_expire_on_time_and_never_early_and_paid_ones_do_not() {
    let stage = Stage::start(StageOptions::everyone()).await;
    let orders: Vec<_> = (0..40).map(|number| short_order(number, 3)).collect();
    let payments: Vec<_> = (0..10)
        .map(|n| {
            captured(order_id(n), attempt_id(n), 10_000)
                .with("occurred_at", runtime::now().to_string())
        })
        .collect();
    stage.publish(&orders).await;
    stage.publish(&payments).await;
    stage.until("thirty expire", "SELECT count(*) FROM orders WHERE status = 'expired'", 30).await;
    let early = "SELECT count(*) FROM orders WHERE closed_at < expires_at";
    assert_eq!(stage.database.number(early).await, 0);
    assert_eq!(
        stage.database.number("SELECT count(*) FROM orders WHERE status = 'paid'").await,
        10
    );
    let released = "SELECT count(*) FROM outbox WHERE routing_key = 'inventory.release_requested'";
    assert_eq!(stage.database.number(released).await, 30);
    stage.finish().await;
}

#[tokio::test]
async fn case_010_a_timeout_that_the_broker_lost_is_fired_by_the_database() {
    let mut stage =
        Stage::start(StageOptions::everyone().with("ORDERFLOW_TIMER_GRACE", "2s")).await;
    // Without its scheduler the timer rests; then it is marked as handed over and was not.
    let mut scheduler = stage.fleet.take("timer-scheduler").expect("it runs");
    scheduler.terminate();
    scheduler.wait_until_gone(std::time::Duration::from_secs(20)).await.expect("it stops");
    stage.publish(&[short_order(1, 3)]).await;
    stage.until("the order is open", "SELECT count(*) FROM orders", 1).await;
    stage.database.run("UPDATE timers SET handed_over_at = now(), handovers = handovers + 1").await;
    stage.fleet.spawn("timer-scheduler").expect("the binary is there");
    stage
        .until("the order expires", "SELECT count(*) FROM orders WHERE status = 'expired'", 1)
        .await;
    stage.finish().await;
}

#[tokio::test]
async fn case_020_a_payment_parked_before_a_late_order_wins_over_its_timeout() {
    let stage = Stage::start(StageOptions::everyone()).await;
    stage.publish(&[captured(order_id(1), attempt_id(1), 10_000)]).await;
    stage.until("the payment is parked", "SELECT count(*) FROM parked_events", 1).await;
    // Placed long ago: its window was over before it came.
    stage.publish(&[order_created(order_id(1))]).await;
    stage.until("it is paid", "SELECT count(*) FROM orders WHERE status = 'paid'", 1).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_wiped_broker_loses_no_timeout_and_fires_none_early() {
    let stage = Stage::start(StageOptions::everyone().by_lines()).await;
    let orders: Vec<_> = (0..30).map(|number| short_order(number, 8)).collect();
    stage.publish(&orders).await;
    let handed_over = "SELECT count(*) FROM timers
         WHERE kind = 'payment_timeout' AND handed_over_at IS NOT NULL";
    stage.until("the timeouts ride in the broker", handed_over, 30).await;
    let line = &stage.lines.as_ref().expect("the stage has lines").broker;
    line.set(Weather::Cut);
    stage.wipe_broker().await;
    line.set(Weather::Clear);
    let expired = "SELECT count(*) FROM orders WHERE status = 'expired'";
    stage.until("every order expires", expired, 30).await;
    let early = "SELECT count(*) FROM orders WHERE closed_at < expires_at";
    assert_eq!(stage.database.number(early).await, 0);
    let late =
        "SELECT max((extract(epoch FROM closed_at - expires_at) * 1000)::bigint) FROM orders";
    let late = stage.database.number(late).await;
    println!("at most {late} ms late over a wiped broker, with a grace of 3 s");
    stage.finish().await;
}

#[tokio::test]
async fn a_timer_that_a_lost_session_had_in_hand_is_given_back() {
    let options = StageOptions::everyone()
        .by_lines()
        .with("ORDERFLOW_TIMER_HORIZON", "4s")
        // The database does not help out: only what was given back is handed over again.
        .with("ORDERFLOW_TIMER_GRACE", "1h");
    let stage = Stage::start(options).await;
    stage.publish(&[short_order(1, 12)]).await;
    stage.until("the order is open", "SELECT count(*) FROM orders", 1).await;
    let in_hand = "SELECT count(*) FROM timers
         WHERE kind = 'payment_timeout' AND handed_over_at IS NOT NULL";
    assert_eq!(stage.database.number(in_hand).await, 0, "it rests until its last seconds");
    // From now on nobody confirms what is sent by the connections that there are.
    stage.lines.as_ref().expect("the stage has lines").broker.strand();
    stage.until("the scheduler has it in hand", in_hand, 1).await;
    let expired = "SELECT count(*) FROM orders WHERE status = 'expired'";
    stage.until("the order expires", expired, 1).await;
    stage.finish().await;
}
