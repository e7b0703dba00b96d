//! Dead letters: merged, never lost, never moved backwards.

use contracts::Timestamp;
use store::dead_letters::{DeadLetter, KeySource, RawDeadLetter, ingest, ingest_raw};
use store::{Class, Database, Error};
use testkit::shop::at;

use crate::home::{Home, Sql};

pub(crate) fn letter<'a>(key: &'a str, code: &'a str, failed_at: Timestamp) -> DeadLetter<'a> {
    DeadLetter {
        source_queue: "orderflow.payment-attempted",
        message_key: key,
        key_source: KeySource::CloudEvents,
        event_type: "shop.payment.attempted.v1",
        order_id: None,
        customer_ref: None,
        error_class: "permanent",
        error_code: code,
        error_detail: Some("detail"),
        detail_pattern: "detail",
        fingerprint: &[7; 32],
        attempts: 3,
        first_failed_at: failed_at,
        last_failed_at: failed_at,
        worker_version: Some("0.1.0"),
        replay_item: None,
        exchange: "shop.events",
        routing_key: "payment.attempted",
        properties_json: r#"{"type":"shop.payment.attempted.v1"}"#,
        headers_json: r#"{"a":{"type":"raw-text","value":"ff00"}}"#,
        body: b"\x00\xff",
    }
}

pub(crate) async fn park(database: &mut Database, letters: &[DeadLetter<'_>]) -> Result<(), Error> {
    let mut transaction = database.begin("park").await.unwrap();
    let parked = ingest(&mut transaction, letters).await;
    match parked {
        Ok(_) => transaction.commit().await.unwrap(),
        Err(_) => transaction.rollback().await.unwrap(),
    }
    parked.map(drop)
}

async fn row(sql: &mut Sql) -> String {
    let row = "SELECT concat_ws(' ', error_code, attempts, status, to_char(first_failed_at AT
         TIME ZONE 'UTC', 'HH24:MI'), to_char(last_failed_at AT TIME ZONE 'UTC', 'HH24:MI'))
         FROM dead_letters";
    let mut rows = sql.texts(row).await;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

#[tokio::test]
async fn the_same_failure_told_twice_counts_once() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let told = letter("a", "id-reuse", at("12:00:00"));
    park(&mut database, &[told]).await.unwrap();
    park(&mut database, &[told, told]).await.unwrap();
    assert_eq!(row(&mut sql).await, "id-reuse 3 parked 12:00 12:00");
}

#[tokio::test]
async fn a_newer_failure_replaces_and_opens_the_letter_again() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    park(&mut database, &[letter("a", "id-reuse", at("12:00:00"))]).await.unwrap();
    sql.run("UPDATE dead_letters SET status = 'resolved'").await;
    park(&mut database, &[letter("a", "invalid-amount", at("13:00:00"))]).await.unwrap();
    assert_eq!(row(&mut sql).await, "invalid-amount 6 parked 12:00 13:00");
}

#[tokio::test]
async fn an_older_failure_counts_and_widens_but_overwrites_nothing() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    park(&mut database, &[letter("a", "id-reuse", at("12:00:00"))]).await.unwrap();
    sql.run("UPDATE dead_letters SET status = 'archived'").await;
    park(&mut database, &[letter("a", "invalid-amount", at("11:00:00"))]).await.unwrap();
    assert_eq!(row(&mut sql).await, "id-reuse 6 archived 11:00 12:00");
}

#[tokio::test]
async fn several_failures_of_one_message_in_one_batch_end_as_they_would_one_by_one() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let failures = [
        letter("a", "id-reuse", at("12:00:00")),
        letter("a", "invalid-amount", at("14:00:00")),
        letter("a", "too-deep", at("13:00:00")),
    ];
    park(&mut database, &failures).await.unwrap();
    assert_eq!(row(&mut sql).await, "invalid-amount 9 parked 12:00 14:00");
}

#[tokio::test]
async fn one_id_over_two_bodies_is_two_letters_and_each_comes_back_to_its_own() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect_in_clear().await, home.sql().await);
    let said = |body, code, failed_at| DeadLetter { body, ..letter("a", code, at(failed_at)) };
    let both = [said(b"one", "malformed", "12:00:00"), said(b"two", "malformed", "13:00:00")];
    park(&mut database, &both).await.unwrap();
    park(&mut database, &[said(b"one", "panic", "14:00:00")]).await.unwrap();
    let rows = "SELECT concat_ws(' ', convert_from(body, 'UTF8'), error_code, attempts)
         FROM dead_letters ORDER BY body";
    assert_eq!(sql.texts(rows).await, ["one panic 6", "two malformed 3"]);
}

#[tokio::test]
async fn body_and_headers_are_kept_byte_for_byte() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect_in_clear().await, home.sql().await);
    park(&mut database, &[letter("a", "malformed", at("12:00:00"))]).await.unwrap();
    assert_eq!(sql.texts("SELECT encode(body, 'hex') FROM dead_letters").await, ["00ff"]);
    let headers = sql.texts("SELECT headers::text FROM dead_letters").await;
    assert_eq!(headers, [r#"{"a":{"type":"raw-text","value":"ff00"}}"#]);
}

#[tokio::test]
async fn a_letter_that_does_not_fit_is_refused_and_kept_raw_once() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let poison = DeadLetter { routing_key: "a\0b", ..letter("a", "x", at("12:00:00")) };
    let error = park(&mut database, &[poison]).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::Permanent, "invalid-data"));
    let raw = RawDeadLetter {
        source_queue: "orderflow.payment-attempted",
        reason: "invalid-data",
        headers: b"\xff",
        body: b"\x00",
    };
    for _ in 0..2 {
        let mut transaction = database.begin("raw").await.unwrap();
        ingest_raw(&mut transaction, &[raw, raw]).await.unwrap();
        transaction.commit().await.unwrap();
    }
    assert_eq!(sql.count("SELECT count(*) FROM dead_letters_raw").await, 1);
    assert_eq!(sql.count("SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test]
async fn every_failure_is_kept_up_to_the_first_and_the_latest_fifty() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let minute = |minute: u32| at(&format!("{:02}:{:02}:00", 12 + minute / 60, minute % 60));
    for number in 0..60 {
        park(&mut database, &[letter("a", "panic", minute(number))]).await.unwrap();
    }
    let kept = "SELECT to_char(failed_at AT TIME ZONE 'UTC', 'HH24:MI') FROM dead_letter_attempts
         ORDER BY failed_at";
    let kept = sql.texts(kept).await;
    assert_eq!((kept.len(), kept[0].as_str(), kept[1].as_str()), (51, "12:00", "12:10"));
}

#[tokio::test]
async fn a_group_knows_when_and_by_which_build_it_was_seen_first() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let seen = |key, time, build| DeadLetter {
        worker_version: Some(build),
        ..letter(key, "panic", at(time))
    };
    park(&mut database, &[seen("a", "12:00:00", "2"), seen("b", "13:00:00", "3")]).await.unwrap();
    let group = "SELECT concat_ws(' ', error_code, detail_pattern, first_build, parked,
             to_char(first_seen_at AT TIME ZONE 'UTC', 'HH24'),
             to_char(last_seen_at AT TIME ZONE 'UTC', 'HH24')) FROM failure_groups_listed";
    assert_eq!(sql.texts(group).await, ["panic detail 2 2 12 13"]);
    park(&mut database, &[seen("c", "11:00:00", "1"), seen("a", "14:00:00", "4")]).await.unwrap();
    assert_eq!(sql.texts(group).await, ["panic detail 1 3 11 14"]);
}

#[tokio::test]
async fn too_many_groups_end_in_one() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let most = usize::try_from(store::dead_letters::MOST_OPEN_GROUPS).unwrap();
    let fingerprints: Vec<[u8; 32]> = (0..most + 2)
        .map(|number| {
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&number.to_be_bytes());
            fingerprint
        })
        .collect();
    let keys: Vec<String> = (0..most + 2).map(|number| format!("shop e-{number}")).collect();
    let letters: Vec<_> = keys
        .iter()
        .zip(&fingerprints)
        .map(|(key, fingerprint)| DeadLetter {
            fingerprint,
            ..letter(key, "panic", at("12:00:00"))
        })
        .collect();
    for some in letters.chunks(100) {
        park(&mut database, some).await.unwrap();
    }
    let others = "SELECT source_queue || parked FROM failure_groups_listed
         WHERE error_code = 'other'";
    assert_eq!(sql.texts(others).await, ["*2"]);
    assert_eq!(sql.count("SELECT count(*) FROM failure_groups").await, 501);
    // Known groups stay open to their own, and room is made by what is done with.
    park(&mut database, &letters[..1]).await.unwrap();
    sql.run(
        "UPDATE dead_letters SET status = 'archived' WHERE message_key IN ('shop e-1', 'shop e-2')",
    )
    .await;
    let fresh = DeadLetter { fingerprint: &[9; 32], ..letter("new", "panic", at("12:00:00")) };
    park(&mut database, &[fresh]).await.unwrap();
    assert_eq!(sql.count("SELECT count(*) FROM failure_groups").await, 502);
}
