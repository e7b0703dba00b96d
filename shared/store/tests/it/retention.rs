//! What goes by age, and what never goes.

use std::collections::BTreeMap;
use std::time::Duration;

use store::retention::{self, Kind, Periods, Share};
use store::{Database, outbox, suspects, violations};
use testkit::shop::order_id;

use crate::home::{Home, Sql};
use crate::letters::park;
use crate::life;
use crate::pipeline::{decide, run};
use crate::vault::marked;

/// Rows that go and rows that stay, by kind.
fn counts(shares: &[Share]) -> BTreeMap<String, (i64, i64)> {
    let count = |share: &Share| (format!("{:?}", share.kind), (share.rows, share.kept));
    shares.iter().map(count).collect()
}

/// What goes and what stays of one kind: planned first, then done, then nothing is left to do.
async fn trimmed(database: &mut Database, kind: Kind) -> (i64, i64) {
    let periods = Periods::default();
    let planned = counts(&retention::plan(database, &periods).await.unwrap());
    let done = counts(&retention::run(database, &periods).await.unwrap());
    let name = format!("{kind:?}");
    assert_eq!(planned[&name], done[&name]);
    let again = counts(&retention::plan(database, &periods).await.unwrap());
    assert_eq!(again[&name], (0, done[&name].1));
    done[&name]
}

async fn pass(sql: &mut Sql, days: u32, columns: &[(&str, &str)]) {
    for (table, column) in columns {
        let earlier = format!("{column} - INTERVAL '{days} days'");
        sql.run(&format!("UPDATE {table} SET {column} = {earlier}")).await;
    }
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_a_young_database_keeps_everything() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    run(&mut database, &[life::created(1), life::captured(1)]).await.unwrap();
    park(&mut database, &[marked("a", "nobody")]).await.unwrap();
    let all = "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox)
         + (SELECT count(*) FROM dead_letters) + (SELECT count(*) FROM subject_keys)";
    let before = sql.count(all).await;
    let plan = retention::plan(&mut database, &Periods::default()).await.unwrap();
    assert!(plan.iter().all(|share| share.rows == 0), "{plan:?}");
    retention::run(&mut database, &Periods::default()).await.unwrap();
    assert_eq!(sql.count(all).await, before);

    let old = Periods { outbox: Duration::ZERO, ..Periods::default() };
    sql.run("UPDATE outbox SET sent_at = now(), created_at = now() - INTERVAL '9 days'").await;
    let plan = retention::plan(&mut database, &old).await.unwrap();
    assert!(plan[0].rows > 0 && plan[0].bytes > 0, "{plan:?}");
    assert_eq!(sql.count(all).await, before);
}

#[tokio::test]
async fn sent_messages_go_by_days_and_unsent_ones_stay() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    run(&mut database, &[life::created(1), life::captured(1)]).await.unwrap();
    outbox::ensure_partitions(&mut database, 0).await.unwrap();
    let sent = sql.count("SELECT count(*) FROM outbox").await;
    assert!(sent > 0);
    // A day long ago, as if it had been today then.
    sql.run(
        "CREATE TABLE outbox_20200101 PARTITION OF outbox
         FOR VALUES FROM ('2020-01-01T00:00Z') TO ('2020-01-02T00:00Z');
         UPDATE outbox SET created_at = '2020-01-01T12:00Z'; SET client_min_messages = error",
    )
    .await;
    assert_eq!(trimmed(&mut database, Kind::SentMessages).await, (0, sent));
    sql.run("UPDATE outbox SET sent_at = now()").await;
    assert_eq!(trimmed(&mut database, Kind::SentMessages).await, (sent, 0));
    assert_eq!(sql.count("SELECT count(*) FROM outbox").await, 0);
}

#[tokio::test]
async fn forgotten_events_leave_history_and_ledger_whole() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    run(&mut database, &[life::created(1), life::captured(1)]).await.unwrap();
    decide(&mut database, life::captured(9)).await;
    pass(&mut sql, 401, &[("inbox", "received_at")]).await;
    run(&mut database, &[life::created(2), life::captured(2)]).await.unwrap();
    assert_eq!(trimmed(&mut database, Kind::AcceptedEvents).await, (2, 1));
    assert_eq!(sql.count("SELECT count(*) FROM inbox").await, 3);
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
    // What is younger is still held to its event.
    sql.run("DELETE FROM inbox WHERE outcome = 'applied'").await;
    let found = violations::all(&mut database).await.unwrap();
    assert!(found.iter().any(|it| it.invariant.starts_with("I22")), "{found:?}");
}

/// Makes everything that was recorded so far so many days older.
async fn age(sql: &mut Sql, days: u32) {
    let tables = ["history", "transfers", "judgements"];
    let recorded = tables.map(|table| (table, "recorded_at"));
    for table in tables {
        sql.run(&format!("ALTER TABLE {table} DISABLE TRIGGER USER")).await;
    }
    pass(sql, days, &recorded).await;
    pass(sql, days, &[("unapplied_money", "recorded_at"), ("inbox", "received_at")]).await;
    sql.run(&format!(
        "UPDATE orders SET placed_at = placed_at - INTERVAL '{days} days',
         expires_at = expires_at - INTERVAL '{days} days'"
    ))
    .await;
    for table in tables {
        sql.run(&format!("ALTER TABLE {table} ENABLE TRIGGER USER")).await;
    }
}

/// How many rows there are of orders and money.
const OF_ORDERS: &str = "SELECT
    (SELECT count(*) FROM orders) + (SELECT count(*) FROM history)
    + (SELECT count(*) FROM transfers) + (SELECT count(*) FROM timers)
    + (SELECT count(*) FROM payment_attempts) + (SELECT count(*) FROM captures)
    + (SELECT count(*) FROM refunds) + (SELECT count(*) FROM unapplied_money)
    + (SELECT count(*) FROM judgements)";

#[tokio::test]
async fn orders_go_with_their_history_and_ledger_when_their_years_are_over() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    run(&mut database, &[life::created(1), life::captured(1), life::created(2)]).await.unwrap();
    decide(&mut database, life::captured(2)).await;
    decide(&mut database, life::refund_wanted(2, "r-1", 1_000)).await;
    let before = sql.count(OF_ORDERS).await;
    age(&mut sql, 3_650).await;
    assert_eq!(trimmed(&mut database, Kind::Orders).await, (0, 0), "not quite ten years");
    assert_eq!(sql.count(OF_ORDERS).await, before);
    age(&mut sql, 5).await;
    assert_eq!(trimmed(&mut database, Kind::Orders).await, (1, 1), "a refund is on its way");
    let left = format!("SELECT count(*) FROM orders WHERE id = '{}'", order_id(2));
    assert_eq!(sql.count(&left).await, 1);
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
    sql.run("UPDATE refunds SET status = 'succeeded', held_until = NULL").await;
    sql.run("UPDATE timers SET status = 'cancelled', resolved_at = now()").await;
    assert_eq!(trimmed(&mut database, Kind::Orders).await, (1, 0));
    assert_eq!(sql.count(OF_ORDERS).await, 0);
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test]
async fn money_without_an_order_goes_with_its_ledger_once_it_is_settled() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::captured(8)).await;
    sql.run("UPDATE inbox SET parked_until = now() - INTERVAL '1 second'").await;
    decide(&mut database, life::captured(8)).await;
    age(&mut sql, 3_655).await;
    assert_eq!(trimmed(&mut database, Kind::Orders).await, (0, 1), "nobody settled it");
    sql.run("UPDATE unapplied_money SET resolved_at = now(), resolution = 'written_off'").await;
    sql.run("UPDATE timers SET status = 'cancelled', resolved_at = now()").await;
    assert_eq!(trimmed(&mut database, Kind::Orders).await, (1, 0));
    assert_eq!(sql.count(OF_ORDERS).await, 0);
}

#[tokio::test]
async fn the_law_of_the_place_says_how_long_orders_are_kept() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    run(&mut database, &[life::created(1), life::captured(1)]).await.unwrap();
    age(&mut sql, 2_200).await;
    sql.refused("history_kept", "DELETE FROM history").await;
    sql.run("UPDATE retention_periods SET keep = INTERVAL '6 years'").await;
    assert_eq!(trimmed(&mut database, Kind::Orders).await, (1, 0));
    let short = "UPDATE retention_periods SET keep = INTERVAL '1 day'";
    sql.refused("retention_periods_long_enough", short).await;
    sql.run("DELETE FROM retention_periods").await;
    run(&mut database, &[life::created(2), life::captured(2)]).await.unwrap();
    age(&mut sql, 9_999).await;
    assert_eq!(trimmed(&mut database, Kind::Orders).await, (0, 0), "nobody said how long");
    sql.refused("history_kept", "DELETE FROM history").await;
}

#[tokio::test]
async fn suspects_that_nobody_tried_again_are_acquitted() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    for event_id in ["a", "b"] {
        let suspect = suspects::Suspect { queue: "q", source: "/shop", event_id };
        suspects::note(&mut database, suspect).await.unwrap();
    }
    let old = "UPDATE suspects SET last_tried_at = now() - INTERVAL '31 days'
         WHERE event_id = 'a'";
    sql.run(old).await;
    assert_eq!(trimmed(&mut database, Kind::Suspects).await, (1, 0));
    assert_eq!(sql.texts("SELECT event_id FROM suspects").await, ["b"]);
}

#[tokio::test]
async fn open_letters_stay_however_old_they_are() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let letters = ["a", "b", "c"].map(|key| marked(key, "nobody"));
    park(&mut database, &letters).await.unwrap();
    sql.run("UPDATE dead_letters SET status = 'archived' WHERE message_key = 'a'").await;
    sql.run("UPDATE dead_letters SET status = 'resolved' WHERE message_key = 'b'").await;
    pass(&mut sql, 91, &[("dead_letters", "status_changed_at")]).await;
    assert_eq!(trimmed(&mut database, Kind::ClosedLetters).await, (2, 1));
    assert_eq!(sql.texts("SELECT message_key FROM dead_letters").await, ["c"]);
}

#[tokio::test]
async fn the_key_of_a_day_goes_once_nothing_open_needs_it() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    park(&mut database, &[marked("a", "nobody")]).await.unwrap();
    pass(&mut sql, 91, &[("subject_keys", "created_at")]).await;
    assert_eq!(trimmed(&mut database, Kind::DayKeys).await, (0, 1));
    sql.run("UPDATE dead_letters SET status = 'archived'").await;
    assert_eq!(trimmed(&mut database, Kind::DayKeys).await, (1, 0));
    let destroyed = "SELECT count(*) FROM subject_keys WHERE wrapped IS NULL";
    assert_eq!(sql.count(destroyed).await, 1, "its row tells that it is gone");
}

#[tokio::test]
async fn keys_that_nothing_is_sealed_with_are_deleted() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let order = order_id(1).to_string();
    park(&mut database, &[marked("a", &order), marked("b", "nobody")]).await.unwrap();
    sql.run("DELETE FROM dead_letters WHERE message_key = 'a'").await;
    assert_eq!(trimmed(&mut database, Kind::UnusedKeys).await, (1, 0));
    let left = sql.texts("SELECT subject FROM subject_keys").await;
    assert!(left.len() == 1 && left[0].starts_with("day:"), "{left:?}");
}

#[tokio::test]
async fn what_came_for_somebody_erased_goes_as_soon_as_it_is_done_with() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    let customer = "c-1".parse().unwrap();
    let order =
        store::privacy::Order { customer: &customer, by: "anna", reason: "asked to", force: false };
    store::privacy::erase(&mut database, order).await.unwrap();
    park(&mut database, &[marked("a", &order_id(1).to_string())]).await.unwrap();
    assert_eq!(trimmed(&mut database, Kind::ErasedKeys).await, (0, 1));
    // Nobody looked at it for a month: somebody is to be told.
    sql.run("BEGIN; ALTER TABLE erasures DISABLE TRIGGER USER").await;
    pass(&mut sql, 31, &[("erasures", "erased_at"), ("subject_keys", "created_at")]).await;
    let found = "SELECT left(invariant, 3) FROM violations";
    assert_eq!(sql.texts(found).await, ["I24"]);
    sql.run("ROLLBACK; UPDATE dead_letters SET status = 'resolved'").await;
    assert_eq!(trimmed(&mut database, Kind::ErasedKeys).await, (1, 0));
}
