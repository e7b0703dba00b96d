//! Replays: one claim per message, paced, stopped, and ended by what becomes of each message.

use std::time::Duration;

use contracts::Timestamp;
use sha2::{Digest, Sha256};
use store::Database;
use store::dead_letters::{DeadLetter, ingest};
use store::replays::{self, Done, ItemId, Letter, Settled};
use testkit::shop::at;

use crate::home::{Home, Sql};
use crate::letters::{letter, park};

const QUEUE: &str = "orderflow.payment-attempted";
const MINUTE: Duration = Duration::from_mins(1);

/// Parks letters with these keys.
async fn parked(database: &mut Database, keys: &[String]) {
    let letters: Vec<_> = keys.iter().map(|key| letter(key, "panic", at("12:00:00"))).collect();
    park(database, &letters).await.unwrap();
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("shop e-{number}")).collect()
}

/// A call that starts a replay as fast as there is, of everything, with other words at its end.
fn start(canary: u32, filter: &str, rest: &str) -> String {
    format!(
        "SELECT batch_id, claimed, held, guarded FROM replay_start('ann', 'fixed', '{filter}', \
         'x', NULL, 10000, 1000, {canary}, 20, 5, 1000, {rest})"
    )
}

/// Starts a replay of everything; what is to be paced is paced as if a second had passed.
async fn started(sql: &mut Sql, canary: u32) {
    sql.run(&start(canary, r#"{"all": true}"#, "NULL, false, NULL")).await;
    sql.run("UPDATE replay_batches SET paced_at = now() - interval '10 s'").await;
}

async fn taken(database: &mut Database, sql: &mut Sql) -> Vec<Letter> {
    sql.run("UPDATE replay_batches SET paced_at = now() - interval '10 s'").await;
    replays::take(database, &[], MINUTE, 1000).await.unwrap()
}

async fn sent(database: &mut Database, letters: &[Letter]) {
    let settled = Settled::Sent { trace_id: "t".to_owned() };
    let items: Vec<_> = letters.iter().map(|letter| (letter.item, settled.clone())).collect();
    replays::settle(database, &items).await.unwrap();
}

fn done(item: ItemId) -> Done {
    Done { item, digest: Sha256::digest(b"\x00\xff").into() }
}

async fn succeeded(database: &mut Database, items: &[ItemId]) -> u64 {
    let done: Vec<_> = items.iter().map(|item| done(*item)).collect();
    let mut transaction = database.begin("resolve").await.unwrap();
    let resolved = replays::resolve(&mut transaction, QUEUE, &done).await.unwrap();
    transaction.commit().await.unwrap();
    resolved
}

async fn failed_again(database: &mut Database, key: &str, item: i64, failed_at: Timestamp) {
    let failed = DeadLetter { replay_item: Some(item), ..letter(key, "panic", failed_at) };
    park(database, &[failed]).await.unwrap();
}

/// Every letter with its items, as `status: state ..`.
async fn states(sql: &mut Sql) -> Vec<String> {
    sql.texts(
        "SELECT letter.status || ': ' || coalesce(
             string_agg(concat_ws('/', item.state, item.code), ' ' ORDER BY item.id), '-'
         )
         FROM dead_letters AS letter LEFT JOIN replay_items AS item ON item.letter_id = letter.id
         GROUP BY letter.id, letter.status ORDER BY letter.id",
    )
    .await
}

async fn batch(sql: &mut Sql) -> String {
    let batch = "SELECT concat_ws(' ', state, stopped_because) FROM replay_batches ORDER BY id";
    sql.texts(batch).await.join(", ")
}

#[tokio::test]
async fn a_letter_goes_from_parked_to_resolved_and_its_replay_is_done() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(2)).await;
    started(&mut sql, 0).await;
    assert_eq!(states(&mut sql).await, ["claimed: claimed", "claimed: claimed"]);
    let letters = taken(&mut database, &mut sql).await;
    assert_eq!(letters.len(), 2);
    let content = letters[0].content.as_ref().unwrap();
    assert_eq!((content.body.as_slice(), letters[0].target.as_str()), (&b"\x00\xff"[..], QUEUE));
    sent(&mut database, &letters).await;
    assert_eq!(states(&mut sql).await, ["claimed: sent", "claimed: sent"]);
    assert_eq!(succeeded(&mut database, &[letters[0].item]).await, 1);
    replays::advance(&mut database).await.unwrap();
    assert_eq!(batch(&mut sql).await, "running");
    assert_eq!(succeeded(&mut database, &[letters[1].item, letters[0].item]).await, 1);
    replays::advance(&mut database).await.unwrap();
    assert_eq!(states(&mut sql).await, ["resolved: resolved", "resolved: resolved"]);
    assert_eq!(batch(&mut sql).await, "done");
    let audit = "SELECT action || ' ' || actor || ' ' || role FROM audit ORDER BY id";
    let expected = ["replay.start ann operator", "replay.done replayer system"];
    assert_eq!(sql.texts(audit).await, expected);
}

#[tokio::test]
async fn two_operators_on_one_group_share_it_without_overlap() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    parked(&mut database, &keys(300)).await;
    let (mut one, mut other, mut third) = (home.sql().await, home.sql().await, home.sql().await);
    let group = format!(r#"{{"group": ["{}"]}}"#, "07".repeat(32));
    let call = start(0, &group, "NULL, false, NULL");
    let (first, second) = tokio::join!(one.try_run(&call), other.try_run(&call));
    assert!(first.is_ok() || second.is_ok(), "{first:?} {second:?}");
    for refused in [first, second].into_iter().filter_map(Result::err) {
        assert_eq!(sqlstate(&refused), "OF004");
    }
    let items = "SELECT count(*) FROM replay_items";
    assert_eq!(third.count(items).await, 300);
    let letters = "SELECT count(DISTINCT letter_id) FROM replay_items";
    assert_eq!(third.count(letters).await, 300);
    third.refused_with("OF004", &call).await;
}

fn sqlstate(error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.map(std::borrow::Cow::into_owned).unwrap_or_default()
}

#[tokio::test]
async fn what_was_leased_by_one_who_died_is_sent_again() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(1)).await;
    started(&mut sql, 0).await;
    let first = replays::take(&mut database, &[], Duration::ZERO, 10).await.unwrap();
    let again = taken(&mut database, &mut sql).await;
    assert_eq!(first[0].item, again[0].item);
    assert!(taken(&mut database, &mut sql).await.is_empty(), "its lease is not over");
    // The first one was not dead after all: both sent it, and it is sent.
    sent(&mut database, &first).await;
    sent(&mut database, &again).await;
    assert_eq!(states(&mut sql).await, ["claimed: sent"]);
}

#[tokio::test]
async fn a_new_failure_closes_its_item_and_no_other() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(1)).await;
    started(&mut sql, 0).await;
    let item = taken(&mut database, &mut sql).await[0].item;
    // An old copy of the message fails beside it: it says nothing of the replay.
    park(&mut database, &[letter("shop e-0", "panic", at("12:30:00"))]).await.unwrap();
    assert_eq!(states(&mut sql).await, ["claimed: sending"]);
    failed_again(&mut database, "shop e-0", item.0, at("13:00:00")).await;
    assert_eq!(states(&mut sql).await, ["parked: reparked/panic"]);
    // Told twice, and the confirm comes late.
    failed_again(&mut database, "shop e-0", item.0, at("13:00:00")).await;
    replays::settle(&mut database, &[(item, Settled::Sent { trace_id: "t".to_owned() })])
        .await
        .unwrap();
    assert_eq!(states(&mut sql).await, ["parked: reparked/panic"]);
    // It had been sent twice, and the second copy succeeds.
    succeeded(&mut database, &[item]).await;
    assert_eq!(states(&mut sql).await, ["resolved: resolved"]);
}

#[tokio::test]
async fn a_success_is_believed_only_for_the_same_body_in_the_same_queue() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(1)).await;
    started(&mut sql, 0).await;
    let letters = taken(&mut database, &mut sql).await;
    sent(&mut database, &letters).await;
    let item = letters[0].item;
    let other_body = Done { item, digest: [0; 32] };
    for (queue, done) in [("orderflow.refund-requested", done(item)), (QUEUE, other_body)] {
        let mut transaction = database.begin("resolve").await.unwrap();
        assert_eq!(replays::resolve(&mut transaction, queue, &[done]).await.unwrap(), 0);
        transaction.commit().await.unwrap();
    }
    assert_eq!(states(&mut sql).await, ["claimed: sent"]);
}

#[tokio::test]
async fn canaries_go_first_and_stop_the_rest_when_they_fail() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(5)).await;
    started(&mut sql, 2).await;
    let canaries = taken(&mut database, &mut sql).await;
    assert_eq!(canaries.len(), 2);
    sent(&mut database, &canaries).await;
    replays::advance(&mut database).await.unwrap();
    assert!(taken(&mut database, &mut sql).await.is_empty(), "they are awaited");
    succeeded(&mut database, &[canaries[0].item]).await;
    failed_again(&mut database, "shop e-1", canaries[1].item.0, at("13:00:00")).await;
    replays::advance(&mut database).await.unwrap();
    assert_eq!(batch(&mut sql).await, "stopped canary-failed");
    assert!(taken(&mut database, &mut sql).await.is_empty());
    sql.run("SELECT replay_resume('ann', 'one was bad', 1)").await;
    replays::advance(&mut database).await.unwrap();
    assert_eq!(taken(&mut database, &mut sql).await.len(), 3);
}

#[tokio::test]
async fn too_many_failures_stop_a_replay_and_a_queue_that_is_gone_does_at_once() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(12)).await;
    started(&mut sql, 0).await;
    sql.run("UPDATE replay_batches SET max_in_flight = 6").await;
    let letters = taken(&mut database, &mut sql).await;
    assert_eq!(letters.len(), 6, "no more is in flight than asked for");
    sent(&mut database, &letters).await;
    for (number, letter) in letters.iter().enumerate().take(2) {
        let key = format!("shop e-{number}");
        failed_again(&mut database, &key, letter.item.0, at("13:00:00")).await;
    }
    succeeded(&mut database, &[letters[2].item, letters[3].item]).await;
    replays::advance(&mut database).await.unwrap();
    assert_eq!(batch(&mut sql).await, "running", "four are too few to tell");
    succeeded(&mut database, &[letters[4].item]).await;
    replays::advance(&mut database).await.unwrap();
    assert_eq!(batch(&mut sql).await, "stopped too-many-reparked");
    sql.run("SELECT replay_resume('ann', 'go on', 1)").await;
    let next = taken(&mut database, &mut sql).await;
    replays::settle(&mut database, &[(next[0].item, Settled::Returned)]).await.unwrap();
    replays::advance(&mut database).await.unwrap();
    assert_eq!(batch(&mut sql).await, "stopped target-gone");
    let returned = "SELECT letter.status || ' ' || letter.replays FROM dead_letters AS letter
         INNER JOIN replay_items ON letter_id = letter.id WHERE state = 'returned'";
    assert_eq!(sql.texts(returned).await, ["parked 0"], "it was not replayed");
}

#[tokio::test]
async fn a_cancelled_replay_gives_back_what_was_not_sent() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(3)).await;
    started(&mut sql, 0).await;
    let one = replays::take(&mut database, &[], MINUTE, 1).await.unwrap();
    sent(&mut database, &one).await;
    sql.run("UPDATE replay_batches SET paced_at = now() - interval '10 s'").await;
    let dying = replays::take(&mut database, &[], Duration::ZERO, 1).await.unwrap();
    assert_eq!(dying.len(), 1);
    sql.run("SELECT replay_cancel('ann', 'wrong group', 1, false)").await;
    replays::advance(&mut database).await.unwrap();
    let expected = ["claimed: sent", "parked: skipped/cancelled", "parked: skipped/cancelled"];
    assert_eq!(states(&mut sql).await, expected);
    sql.run("SELECT replay_cancel('ann', 'it was lost', 1, true)").await;
    assert_eq!(states(&mut sql).await[0], "parked: skipped/cancelled");
    assert_eq!(sql.count("SELECT sum(replays) FROM dead_letters").await, 0);
    sql.refused_with("OF005", "SELECT replay_pause('ann', 'why not', 1)").await;
    sql.refused_with("OF008", "SELECT replay_pause('ann', 'why not', 99)").await;
}

#[tokio::test]
async fn guards_stand_in_the_statement_that_acts() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(3)).await;
    let all = r#"{"all": true}"#;
    sql.refused_with("OF001", &start(0, "{}", "NULL, false, NULL")).await;
    sql.refused_with("OF007", &start(0, r#"{"colour": ["red"]}"#, "NULL, false, NULL")).await;
    sql.refused_with("OF002", &start(0, r#"{"code": ["other"]}"#, "NULL, false, NULL")).await;
    let digest = "(SELECT set_digest FROM replay_plan('{\"all\": true}', NULL, false))";
    let planned = sql.texts(&format!("SELECT quote_literal({digest}) || '::bytea'")).await;
    let planned = format!("NULL, false, {}", planned[0]);
    park(&mut database, &[letter("shop late", "panic", at("12:00:00"))]).await.unwrap();
    sql.refused_with("OF003", &start(0, all, &planned)).await;
    sql.run("UPDATE dead_letters SET replays = 3").await;
    sql.refused_with("OF006", &start(0, all, "NULL, false, NULL")).await;
    assert_eq!(sql.count("SELECT count(*) FROM replay_batches").await, 0);
    assert_eq!(sql.count("SELECT count(*) FROM audit").await, 0, "what was refused was not done");
    sql.run(&start(0, all, "2, true, NULL")).await;
    assert_eq!(sql.count("SELECT count(*) FROM replay_items").await, 2);
}

#[tokio::test]
async fn a_full_queue_is_passed_over() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(1)).await;
    let elsewhere = DeadLetter {
        source_queue: "orderflow.refund-requested",
        ..letter("shop r-1", "panic", at("12:00:00"))
    };
    let mut transaction = database.begin("park").await.unwrap();
    ingest(&mut transaction, &[elsewhere]).await.unwrap();
    transaction.commit().await.unwrap();
    started(&mut sql, 0).await;
    let targets = replays::targets(&mut database).await.unwrap();
    let queues: Vec<_> = targets.iter().map(|target| target.queue.as_str()).collect();
    assert_eq!(queues, [QUEUE, "orderflow.refund-requested"]);
    let taken = replays::take(&mut database, &[QUEUE.to_owned()], MINUTE, 10).await.unwrap();
    let queues: Vec<_> = taken.iter().map(|letter| letter.target.as_str()).collect();
    assert_eq!(queues, ["orderflow.refund-requested"]);
}

#[tokio::test]
async fn what_fails_in_another_queue_than_its_own_lies_there_and_nowhere_else() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    parked(&mut database, &keys(1)).await;
    started(&mut sql, 0).await;
    sql.run("UPDATE replay_batches SET target = 'orderflow.refund-requested'").await;
    let letters = taken(&mut database, &mut sql).await;
    assert_eq!(letters[0].target, "orderflow.refund-requested");
    sent(&mut database, &letters).await;
    let failed = DeadLetter {
        source_queue: "orderflow.refund-requested",
        replay_item: Some(letters[0].item.0),
        ..letter("shop e-0", "panic", at("13:00:00"))
    };
    park(&mut database, &[failed]).await.unwrap();
    assert_eq!(states(&mut sql).await, ["archived: reparked/panic", "parked: "]);
}
