//! Erasure is final, and never loses money.

use std::time::Duration;

use store::dead_letters::DeadLetter;
use store::privacy::{self, CustomerRef, Erased, Erasure, Obstacle, Order};
use store::vault::Unreadable;
use store::{Database, parked, violations};
use testkit::shop::{self, order_id};

use crate::home::Home;
use crate::letters::park;
use crate::life;
use crate::pipeline::{decide, run, steps};
use crate::vault::marked;

fn customer() -> CustomerRef {
    "c-1".parse().unwrap()
}

async fn erase(database: &mut Database, force: bool) -> Erasure {
    let order = Order { customer: &customer(), by: "anna", reason: "asked to", force };
    privacy::erase(database, order).await.unwrap()
}

async fn refused(database: &mut Database, force: bool) -> Vec<Obstacle> {
    match erase(database, force).await {
        Erasure::Refused(obstacles) => obstacles,
        Erasure::Done(erased) => panic!("{erased:?}"),
    }
}

fn done(keys_destroyed: i32, letters_emptied: i32) -> Erasure {
    Erasure::Done(Erased { keys_destroyed, letters_emptied, marks_deleted: 0 })
}

/// Why nothing of the customer's letters can be read.
async fn unreadable(database: &mut Database) -> Vec<Option<Unreadable>> {
    let export = privacy::export(database, &customer()).await.unwrap();
    export.contents.into_iter().map(|stored| stored.content.err()).collect()
}

#[tokio::test]
async fn after_an_erasure_nothing_opens_what_was_sealed_not_even_from_a_copy_of_the_row() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    let order = order_id(1).to_string();
    let of_customer = DeadLetter { customer_ref: Some("c-1"), ..marked("b", "no order") };
    park(&mut database, &[marked("a", &order), of_customer]).await.unwrap();
    assert_eq!(unreadable(&mut database).await, [None, None]);
    sql.run("CREATE TABLE backup AS SELECT * FROM dead_letters").await;
    sql.run("UPDATE dead_letters SET status = 'archived'").await;

    assert_eq!(erase(&mut database, false).await, done(2, 2));
    assert_eq!(sql.count("SELECT count(*) FROM dead_letters WHERE body <> ''").await, 0);
    sql.run(
        "UPDATE dead_letters SET erased_at = NULL, key_id = backup.key_id, body = backup.body
         FROM backup WHERE backup.message_key = dead_letters.message_key",
    )
    .await;
    let erased = || Some(Unreadable::Erased);
    assert_eq!(unreadable(&mut database).await, [erased(), erased()]);
    let record = "SELECT concat_ws(' ', customer_ref, erased_by, reason, forced) FROM erasures";
    assert_eq!(sql.texts(record).await, ["c-1 anna asked to f"]);
    sql.refused("erasures_append_only", "DELETE FROM erasures").await;
}

#[tokio::test]
async fn erasing_twice_is_erasing_once_until_something_new_comes() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    let order = order_id(1).to_string();
    park(&mut database, &[marked("a", &order)]).await.unwrap();
    sql.run("UPDATE dead_letters SET status = 'resolved'").await;
    assert_eq!(erase(&mut database, false).await, done(1, 1));
    assert_eq!(erase(&mut database, false).await, done(0, 0));
    assert_eq!(sql.count("SELECT count(*) FROM erasures").await, 1);

    // What comes later is sealed with a new key, for its money's sake, and goes with it.
    park(&mut database, &[marked("b", &order)]).await.unwrap();
    assert_eq!(unreadable(&mut database).await, [Some(Unreadable::Erased), None]);
    sql.run("UPDATE dead_letters SET status = 'resolved'").await;
    assert_eq!(erase(&mut database, false).await, done(1, 1));
    assert_eq!(sql.count("SELECT count(*) FROM erasures").await, 2);
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test]
async fn an_event_that_is_not_decided_keeps_its_body_whoever_insists() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    // A refund before its capture waits for money of an order that is there.
    let early = shop::dispute_opened(order_id(1), shop::dispute_id(1), shop::attempt_id(1), 500);
    decide(&mut database, life::dispute(&early)).await;
    let obstacles = refused(&mut database, true).await;
    assert!(
        matches!(obstacles[..], [Obstacle::Parked { count: 1, until: Some(_) }]),
        "{obstacles:?}"
    );

    sql.run("UPDATE parked_events SET park_until = now()").await;
    sql.run("UPDATE inbox SET parked_until = now() WHERE outcome = 'parked'").await;
    let mut transaction = database.begin("sweep").await.unwrap();
    assert_eq!(parked::release_expired(&mut transaction, 10).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    assert_eq!(refused(&mut database, true).await, [Obstacle::Returning { count: 1 }]);
    sql.run("UPDATE outbox SET sent_at = now()").await;
    assert_eq!(erase(&mut database, false).await, done(1, 0));
    let left = "SELECT count(*) FROM outbox WHERE exchange = 'return' AND body <> ''";
    assert_eq!(sql.count(left).await, 0);
}

#[tokio::test]
async fn open_letters_and_disputes_are_given_up_only_by_force() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    run(&mut database, &[life::created(1), life::captured(1)]).await.unwrap();
    decide(&mut database, life::disputed(1, 500)).await;
    let order = order_id(1).to_string();
    park(&mut database, &[marked("a", &order)]).await.unwrap();
    let obstacles = [Obstacle::OpenLetters { count: 1 }, Obstacle::OpenDisputes { count: 1 }];
    assert_eq!(refused(&mut database, false).await, obstacles);
    assert_eq!(unreadable(&mut database).await, [None]);

    assert_eq!(erase(&mut database, true).await, done(1, 1));
    assert_eq!(sql.texts("SELECT status::text FROM dead_letters").await, ["archived"]);
    assert_eq!(sql.count("SELECT count(*) FROM erasures WHERE forced").await, 1);
}

#[tokio::test]
async fn what_was_stored_in_clear_is_emptied_too() {
    let home = Home::new().await;
    let mut database = home.connect_in_clear().await;
    decide(&mut database, life::created(1)).await;
    let order = order_id(1).to_string();
    park(&mut database, &[marked("a", &order)]).await.unwrap();
    assert_eq!(home.tables_with("Erika").await, ["dead_letters"]);
    assert_eq!(erase(&mut database, true).await, done(0, 1));
    assert_eq!(home.tables_with("Erika").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_erasure_waits_for_whoever_is_sealing_and_then_sees_it() {
    let home = Home::new().await;
    let (mut one, mut other) = (home.connect().await, home.connect().await);
    decide(&mut one, life::created(1)).await;
    let order = order_id(1).to_string();
    park(&mut one, &[marked("a", &order)]).await.unwrap();
    home.sql().await.run("UPDATE dead_letters SET status = 'archived'").await;

    // A second event of the order is being parked with the same key.
    let early = shop::dispute_opened(order_id(1), shop::dispute_id(1), shop::attempt_id(1), 500);
    let mut transaction = one.begin("park").await.unwrap();
    steps(&mut transaction, &[life::dispute(&early)]).await.unwrap();
    let erasing = refused(&mut other, false);
    let committing = async {
        let mut sql = home.sql().await;
        let waits = "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waits = async || sql.count(waits).await == 1;
        testkit::eventually(Duration::from_secs(20), "the erasure waits", waits).await;
        transaction.commit().await.unwrap();
    };
    let (obstacles, ()) = tokio::join!(erasing, committing);
    assert!(matches!(obstacles[..], [Obstacle::Parked { count: 1, .. }]), "{obstacles:?}");
    assert_eq!(unreadable(&mut one).await, [None, None]);
}

#[tokio::test]
async fn case_068_a_refund_on_the_order_of_an_erased_customer_is_recorded() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    run(&mut database, &[life::created(1), life::captured(1)]).await.unwrap();
    assert!(!privacy::is_erased(&mut database, &customer()).await.unwrap());
    assert_eq!(erase(&mut database, false).await, done(0, 0));
    // Whoever writes to customers asks this first.
    assert!(privacy::is_erased(&mut database, &customer()).await.unwrap());

    decide(&mut database, life::refund_wanted(1, "r-1", 2_500)).await;
    let refund = "SELECT customer_ref || ' ' || status || ' ' || amount_minor FROM refunds";
    assert_eq!(sql.texts(refund).await, ["c-1 approved 2500"]);
    let commands = "SELECT count(*) FROM outbox WHERE routing_key = 'refund.execute'";
    assert_eq!(sql.count(commands).await, 1);
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test]
async fn somebody_nobody_heard_of_is_told_from_somebody_without_bodies() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    decide(&mut database, life::created(1)).await;
    let held = privacy::holdings(&mut database, &customer()).await.unwrap();
    assert_eq!((held.orders, held.keys, held.is_empty()), (1, 0, false));
    let nobody = "c-2".parse().unwrap();
    assert!(privacy::holdings(&mut database, &nobody).await.unwrap().is_empty());
}
