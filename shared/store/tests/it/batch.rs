//! A batch is all or nothing, and a connection says when it cannot be trusted any more.

use std::time::Duration;

use contracts::Timestamp;
use contracts::events::OrderEvent;
use domain::{Decision, Draft};
use store::inbox::Claimed;
use store::locks::lock_orders;
use store::write_set::{self, Decided, Original};
use store::{Class, Error, InboxId, Transaction, inbox};
use testkit::shop::{self, order_id};

use crate::home::Home;
use crate::life;
use crate::pipeline::{decide, run, steps};

const TABLES: [&str; 8] =
    ["inbox", "orders", "payment_attempts", "captures", "timers", "history", "transfers", "outbox"];

#[tokio::test]
async fn case_032_a_crash_before_commit_leaves_nothing_not_even_a_message() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let mut open = database.begin("batch").await.unwrap();
    steps(&mut open, &[life::created(1), life::captured(1)]).await.unwrap();
    open.rollback().await.unwrap();
    for table in TABLES {
        let rows = sql.count(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn a_whole_life_fits_into_one_batch() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let wanted = life::refund_wanted(1, "r-1", 2_500);
    let jobs = [life::created(1), life::captured(1), wanted, life::disputed(1, 500)];
    run(&mut database, &jobs).await.unwrap();
    assert_eq!(sql.texts("SELECT status::text FROM orders").await, ["paid"]);
    assert_eq!(sql.count("SELECT version FROM orders").await, 4);
    let timers = sql.texts("SELECT status::text FROM timers ORDER BY kind").await;
    let expected = ["cancelled", "armed", "armed"];
    assert_eq!(timers, expected, "armed and cancelled within one batch");
    // The deadlines of dispute and refund are long past by the real clock.
    sql.run("UPDATE timers SET due_at = now() WHERE status = 'armed'").await;
    assert_eq!(store::violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test]
async fn a_step_is_committed_if_it_succeeds_and_else_undone_on_a_connection_still_good() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let fails = async |open: &mut Transaction<'_>| {
        steps(open, &[life::created(1)]).await?;
        steps(open, &[life::created(2)]).await?;
        Err::<(), _>(Error::NoOrder { event: "e-1".to_owned() })
    };
    let error = database.within("fails", fails).await.unwrap_err();
    assert_eq!(error.code(), "no-order");
    let succeeds = async |open: &mut Transaction<'_>| steps(open, &[life::created(3)]).await;
    database.within("succeeds", succeeds).await.unwrap();
    let written = sql.texts("SELECT id::text FROM orders").await;
    assert_eq!(written, [order_id(3).to_string()]);
}

#[tokio::test]
async fn a_step_that_is_given_up_half_way_spoils_its_connection() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let stuck = async |_: &mut Transaction<'_>| std::future::pending::<Result<(), Error>>().await;
    let given_up = tokio::time::timeout(Duration::from_millis(50), database.within("stuck", stuck));
    given_up.await.unwrap_err();
    assert!(!database.is_usable());
}

#[tokio::test]
async fn a_dropped_transaction_spoils_its_connection_and_leaves_nothing() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    assert!(database.is_usable());
    {
        let mut open = database.begin("abandoned").await.unwrap();
        steps(&mut open, &[life::created(1)]).await.unwrap();
    }
    assert!(!database.is_usable());
    let error = database.begin("next").await.unwrap_err();
    assert_eq!(error.class(), Class::DependencyDown);
    assert!(error.to_string().contains("`abandoned`"), "{error}");
    assert!(database.ping().await.is_err());
    drop(database);
    let mut other = home.connect().await;
    decide(&mut other, life::created(1)).await;
    assert_eq!(sql.count("SELECT count(*) FROM orders").await, 1);
}

#[tokio::test]
async fn a_failed_transaction_rolls_back_and_the_connection_goes_on() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let mut sql = home.sql().await;
    decide(&mut database, life::created(1)).await;
    sql.run("UPDATE orders SET merchant_id = 'a b'").await;
    assert!(run(&mut database, &[life::created(2), life::captured(1)]).await.is_err());
    assert!(database.is_usable());
    database.ping().await.unwrap();
    assert_eq!(sql.count("SELECT count(*) FROM inbox").await, 1);
}

async fn claimed(transaction: &mut Transaction<'_>, job: &crate::pipeline::Job) -> InboxId {
    match inbox::claim(transaction, &[job.claim()]).await.unwrap()[0] {
        Claimed::Fresh(inbox) => inbox,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn case_038_a_stale_read_modify_write_is_refused() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    decide(&mut database, life::created(1)).await;
    let stale = life::load(&mut database, order_id(1)).await;
    decide(&mut database, life::captured(1)).await;

    let event = shop::cancel_requested(order_id(1));
    let (envelope, job) = (event.decoded::<OrderEvent>(), life::order(&event));
    let mut draft = Draft::new(&stale, &envelope, Timestamp::EPOCH);
    draft.touch();
    let mut twice = Draft::new(&stale, &envelope, Timestamp::EPOCH);
    twice.touch();
    let (first, mut second) = (Decision::apply(draft.finish()), Decision::apply(twice.finish()));
    // A batch of two stale decisions ends with a version above the one in the database.
    second.changes.order.as_mut().unwrap().version += 1;

    let mut transaction = database.begin("stale").await.unwrap();
    lock_orders(&mut transaction, &[order_id(1)]).await.unwrap();
    let inbox = claimed(&mut transaction, &job).await;
    let decided = [&first, &second].map(|decision| Decided {
        inbox,
        again: false,
        order: Some(order_id(1)),
        source: &job.source,
        event_id: &job.event_id,
        kind: envelope.kind,
        occurred_at: Timestamp::EPOCH,
        decision,
        trace: None,
        original: Original {
            queue: "orderflow.test",
            content_type: None,
            headers_json: None,
            message_id: None,
            body: b"",
        },
    });
    let error = write_set::write(&mut transaction, &decided).await.unwrap_err();
    assert!(matches!(error, Error::LostUpdate { wanted: 1, lost: 1 }), "{error:?}");
    assert_eq!((error.class(), error.code()), (Class::Transient, "lost-update"));
    transaction.rollback().await.unwrap();
    let status = home.sql().await.texts("SELECT status::text FROM orders").await;
    assert_eq!(status, ["paid"]);
}

#[tokio::test]
async fn a_lost_server_is_a_dependency_that_is_down() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let mut sql = home.sql().await;
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sql.run(others).await;
    let error = run(&mut database, &[life::created(1)]).await.unwrap_err();
    assert_eq!(error.class(), Class::DependencyDown, "{error:?}");
}

#[tokio::test]
async fn messages_are_structured_cloud_events_caused_by_their_event() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    decide(&mut database, life::created(1)).await;
    let captured = life::captured(1);
    let cause = captured.event_id.clone();
    decide(&mut database, captured).await;
    let bodies = sql.texts("SELECT convert_from(body, 'UTF8') FROM outbox ORDER BY id").await;
    let body: serde_json::Value = serde_json::from_str(bodies.last().unwrap()).unwrap();
    assert_eq!(body["specversion"], "1.0");
    assert_eq!(body["source"], "/orderflow");
    assert_eq!(body["type"], "orderflow.order.paid.v1");
    assert_eq!(body["causationid"], cause);
    assert_eq!(body["subject"], order_id(1).to_string());
    let ids = sql.texts("SELECT message_id FROM outbox ORDER BY id").await;
    assert_eq!(body["id"], *ids.last().unwrap());
}

#[tokio::test]
async fn no_statement_of_a_lane_reads_a_whole_table_even_if_planned_while_it_was_empty() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    // Every statement is planned on its first use, over tables that are all but empty.
    for number in 0..20 {
        let jobs = [
            life::captured(number),
            life::created(number),
            life::captured(number),
            life::refund_wanted(number, "r-1", 100),
            life::disputed(number, 500),
            life::disputed(number, 500),
        ];
        for job in jobs {
            decide(&mut database, job).await;
        }
    }
    // A connection reports its statistics when it ends, at the latest.
    database.close().await.unwrap();
    let mut sql = home.sql().await;
    let written = "SELECT sum(n_tup_ins) FROM pg_stat_user_tables WHERE relname = 'inbox'";
    let reported = async || sql.count(written).await == 80;
    testkit::eventually(Duration::from_secs(10), "the statistics", reported).await;
    let scanned = "SELECT relname::text || ' ' || seq_scan FROM pg_stat_user_tables
         WHERE seq_scan > 0 AND relname <> 'transitions_allowed'";
    assert_eq!(sql.texts(scanned).await, Vec::<String>::new());
}
