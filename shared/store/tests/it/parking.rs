//! Events that come before their parent wait, and are not forgotten.

use contracts::events::OrderEvent;
use domain::Status;
use domain::order::OrderStatus;
use store::{Database, parked, violations};
use testkit::shop::{self, attempt_id, order_id};
use tokio::sync::Barrier;

use crate::home::{Home, Sql};
use crate::life;
use crate::pipeline::{Job, decide, run};

const ROUNDS: u32 = 200;

async fn parked_count(sql: &mut Sql) -> i64 {
    sql.count("SELECT count(*) FROM parked_events").await
}

/// What is on its way home, in the order it will be sent.
async fn returning(sql: &mut Sql) -> Vec<String> {
    sql.texts("SELECT message_id FROM outbox WHERE exchange = 'return' ORDER BY id").await
}

async fn sweep(database: &mut Database) -> (u64, u64) {
    let mut transaction = database.begin("sweep").await.unwrap();
    let expired = parked::release_expired(&mut transaction, 100).await.unwrap();
    let stranded = parked::release_stranded(&mut transaction, 100).await.unwrap();
    transaction.commit().await.unwrap();
    (expired, stranded)
}

fn payment_at(time: &str, attempt: u32) -> Job {
    let event = shop::captured(order_id(1), attempt_id(attempt), 5_000)
        .with("occurred_at", shop::at(time).to_string())
        .id(&format!("payment-{attempt}"));
    life::payment(&event)
}

#[tokio::test]
async fn case_022_parked_events_go_home_when_their_order_comes_in_the_order_they_happened() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, payment_at("12:07:00", 2)).await;
    decide(&mut database, payment_at("12:05:00", 1)).await;
    assert_eq!(parked_count(&mut sql).await, 2);
    decide(&mut database, life::created(2)).await;
    assert_eq!(parked_count(&mut sql).await, 2, "another order wakes nobody");

    decide(&mut database, life::created(1)).await;
    assert_eq!(parked_count(&mut sql).await, 0);
    assert_eq!(returning(&mut sql).await, ["payment-1", "payment-2"]);
    let row = "SELECT routing_key || ' ' || type_name || ' ' || must_route
         FROM outbox WHERE exchange = 'return' LIMIT 1";
    assert_eq!(sql.texts(row).await, ["orderflow.test payment.attempted true"]);

    decide(&mut database, payment_at("12:05:00", 1)).await;
    decide(&mut database, payment_at("12:07:00", 2)).await;
    assert_eq!(sql.texts("SELECT status::text FROM orders ORDER BY id").await[0], "paid");
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test]
async fn an_event_parked_and_its_parent_in_one_batch_meet() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let cancel = || life::order(&shop::cancel_requested(order_id(1)));
    run(&mut database, &[cancel(), life::created(1)]).await.unwrap();
    assert_eq!(parked_count(&mut sql).await, 0);
    assert_eq!(returning(&mut sql).await.len(), 1);
    decide(&mut database, cancel()).await;
    assert_eq!(sql.texts("SELECT status::text FROM orders").await, ["cancelled"]);
}

#[tokio::test]
async fn case_025_an_event_that_waited_too_long_is_sent_home_and_its_money_kept_once() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let payment = || payment_at("12:05:00", 1);
    decide(&mut database, payment()).await;
    assert_eq!(sweep(&mut database).await, (0, 0));
    let past = "now() - INTERVAL '1 second'";
    sql.run(&format!("UPDATE parked_events SET park_until = {past}")).await;
    sql.run(&format!("UPDATE inbox SET parked_until = {past}")).await;
    assert_eq!(sweep(&mut database).await, (1, 0));
    assert_eq!(sweep(&mut database).await, (0, 0));
    assert_eq!(returning(&mut sql).await, ["payment-1"]);

    decide(&mut database, payment()).await;
    assert_eq!(sql.texts("SELECT outcome::text FROM inbox").await, ["orphaned"]);
    let transfers = "SELECT debit || ' ' || credit || ' ' || amount_minor FROM transfers";
    assert_eq!(sql.texts(transfers).await, ["psp_receivable suspense 5000"]);

    // The same money under another id is the same money.
    let event = shop::captured(order_id(1), attempt_id(1), 5_000).id("again");
    decide(&mut database, life::payment(&event)).await;
    sql.run(&format!("UPDATE parked_events SET park_until = {past}")).await;
    sql.run(&format!("UPDATE inbox SET parked_until = {past} WHERE outcome = 'parked'")).await;
    assert_eq!(sweep(&mut database).await, (1, 0));
    decide(&mut database, life::payment(&event)).await;
    assert_eq!(sql.count("SELECT count(*) FROM unapplied_money").await, 1);
    assert_eq!(sql.count("SELECT count(*) FROM transfers").await, 1);
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test]
async fn a_dispute_that_knows_only_its_payment_is_found_when_stranded() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let event = shop::dispute_opened(order_id(1), shop::dispute_id(1), attempt_id(1), 500)
        .with("order_id", serde_json::Value::Null)
        .id("dispute");
    decide(&mut database, life::dispute(&event)).await;
    let hidden = "CREATE TABLE hidden AS SELECT * FROM parked_events; DELETE FROM parked_events";
    sql.run(hidden).await;
    decide(&mut database, life::created(1)).await;
    decide(&mut database, life::captured(1)).await;
    // As if it had been parked while the payment was being committed.
    sql.run("INSERT INTO parked_events SELECT * FROM hidden").await;
    assert_eq!(sweep(&mut database).await, (0, 1));
    assert_eq!(returning(&mut sql).await, ["dispute"]);
    decide(&mut database, life::dispute(&event)).await;
    assert_eq!(sql.count("SELECT count(*) FROM disputes").await, 1);
    let found = "SELECT order_id::text FROM inbox WHERE event_id = 'dispute'";
    assert_eq!(sql.texts(found).await, [order_id(1).to_string()]);
}

#[tokio::test]
async fn an_event_claimed_by_reference_learns_its_order() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    decide(&mut database, life::captured(1)).await;
    let event = shop::dispute_opened(order_id(1), shop::dispute_id(1), attempt_id(1), 500)
        .with("order_id", serde_json::Value::Null)
        .id("dispute");
    decide(&mut database, life::dispute(&event)).await;
    let found = "SELECT order_id::text FROM inbox WHERE event_id = 'dispute'";
    assert_eq!(sql.texts(found).await, [order_id(1).to_string()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_022_a_payment_parked_while_its_order_commits_is_never_stranded() {
    let home = Home::new().await;
    let start = Barrier::new(2);
    let orders = async {
        let mut database = home.connect().await;
        for number in 0..ROUNDS {
            start.wait().await;
            decide(&mut database, life::created(number)).await;
        }
    };
    let payments = async {
        let mut database = home.connect().await;
        for number in 0..ROUNDS {
            start.wait().await;
            decide(&mut database, life::captured(number)).await;
        }
    };
    tokio::join!(orders, payments);
    let mut sql = home.sql().await;
    assert_eq!(parked_count(&mut sql).await, 0, "stranded");
    let paid = format!("status = '{}'", OrderStatus::Paid.name());
    let at_once = sql.count(&format!("SELECT count(*) FROM orders WHERE {paid}")).await;
    let sent_home = returning(&mut sql).await.len();
    assert_eq!(usize::try_from(at_once).unwrap() + sent_home, ROUNDS as usize);
}

#[tokio::test]
async fn an_event_that_stays_parked_keeps_one_place() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let cancel = || life::order(&shop::cancel_requested(order_id(1)));
    decide(&mut database, cancel()).await;
    decide(&mut database, cancel()).await;
    assert_eq!(parked_count(&mut sql).await, 1);
    assert_eq!(sql.count("SELECT deliveries FROM inbox").await, 2);
    let event = shop::cancel_requested(order_id(1)).decoded::<OrderEvent>();
    assert_eq!(sql.texts("SELECT event_id FROM parked_events").await, [event.id.to_string()]);
}
