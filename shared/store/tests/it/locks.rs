//! One lock per order.

use std::time::Duration;

use contracts::OrderId;
use store::locks::lock_orders;
use store::suspects::{self, Suspect};
use store::{Class, Database, DatabaseConfig};
use testkit::shop::order_id;
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::home::Home;

#[tokio::test]
async fn who_waits_for_a_lock_reads_a_later_clock_than_who_held_it() {
    let home = Home::new().await;
    let (mut first, mut second) = (home.connect().await, home.connect().await);
    let mut holder = first.begin("holder").await.unwrap();
    let held_at = lock_orders(&mut holder, &[order_id(1), order_id(2)]).await.unwrap();

    let waiting = tokio::spawn(async move {
        let mut waiter = second.begin("waiter").await.unwrap();
        let now = lock_orders(&mut waiter, &[order_id(3), order_id(2)]).await.unwrap();
        waiter.commit().await.unwrap();
        now
    });
    let mut sql = home.sql().await;
    let is_waiting = async || {
        sql.count("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'").await
            == 1
    };
    testkit::eventually(Duration::from_secs(10), "the second waits", is_waiting).await;
    let released_at = sql.count("SELECT extract(EPOCH FROM clock_timestamp()) * 1000000").await;
    holder.commit().await.unwrap();
    let waiter_at = waiting.await.unwrap();
    assert!(held_at < waiter_at);
    assert!(released_at < waiter_at.micros(), "the clock was read before the lock was held");
}

#[tokio::test]
async fn no_orders_and_the_same_order_twice_are_fine() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let mut transaction = database.begin("locks").await.unwrap();
    let before = lock_orders(&mut transaction, &[]).await.unwrap();
    let after = lock_orders(&mut transaction, &[order_id(1), order_id(1)]).await.unwrap();
    assert!(before < after);
    transaction.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_over_the_same_orders_in_opposite_order_never_deadlock() {
    let home = Home::new().await;
    let start = Barrier::new(2);
    let lane = async |orders: Vec<OrderId>| {
        let mut database = home.connect().await;
        for _ in 0..200 {
            start.wait().await;
            let mut transaction = database.begin("locks").await.unwrap();
            lock_orders(&mut transaction, &orders).await.unwrap();
            transaction.commit().await.unwrap();
        }
    };
    let orders: Vec<OrderId> = (0..20).map(order_id).collect();
    let reversed = orders.iter().rev().copied().collect();
    tokio::join!(lane(orders), lane(reversed));
}

#[tokio::test]
async fn a_lock_that_is_not_had_in_time_may_be_nobody_s_fault() {
    let home = Home::new().await;
    let mut first = home.connect().await;
    let mut holder = first.begin("holder").await.unwrap();
    lock_orders(&mut holder, &[order_id(1)]).await.unwrap();
    let impatient = DatabaseConfig { lock_timeout: Duration::from_millis(50), ..home.config() };
    let mut second = Database::connect(&impatient).await.unwrap();
    let mut waiter = second.begin("waiter").await.unwrap();
    let error = lock_orders(&mut waiter, &[order_id(1)]).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::Slow, "lock-timeout"));
    waiter.rollback().await.unwrap();
    holder.rollback().await.unwrap();
}

#[tokio::test]
async fn a_statement_that_gets_no_answer_ends_and_its_connection_with_it() {
    let home = Home::new().await;
    let mut holder = home.sql().await;
    holder.run("BEGIN; LOCK TABLE suspects IN ACCESS EXCLUSIVE MODE").await;
    let (forever, limit) = (Duration::from_hours(1), Duration::from_millis(200));
    let config = DatabaseConfig {
        statement_timeout: forever,
        lock_timeout: forever,
        answer_timeout: limit,
        ..home.config()
    };
    let mut database = Database::connect(&config).await.unwrap();
    let suspect = Suspect { queue: "queue", source: "shop", event_id: "1" };
    let note = timeout(Duration::from_secs(20), suspects::note(&mut database, suspect));
    let error = note.await.expect("a statement has a limit of its own").unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::DependencyDown, "no-answer"));
    assert!(!database.is_usable());
    holder.run("ROLLBACK").await;
    // The late answer would be taken for the next statement's: nothing more is asked.
    let error = suspects::note(&mut database, suspect).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::DependencyDown, "no-answer"));
    assert_eq!(database.begin("batch").await.unwrap_err().class(), Class::DependencyDown);
}
