//! The inbox: fresh, duplicate, again, reused; alone and against each other.

use std::time::Duration;

use contracts::Timestamp;
use contracts::events::{OrderEvent, PaymentEvent};
use domain::{Changes, Decision, OutcomeCode};
use store::inbox::{self, Claim, Claimed, PastOutcome};
use store::{Class, Database, InboxId};
use testkit::shop::{self, ShopEvent, order_id};
use tokio::sync::Barrier;

use crate::home::Home;
use crate::pipeline::{Job, decide, job, run};
use crate::rules;

fn created(number: u32) -> Job {
    job::<OrderEvent>(&shop::order_created(order_id(number)), rules::order)
}

fn fresh(claimed: Claimed) -> InboxId {
    match claimed {
        Claimed::Fresh(inbox) => inbox,
        other => panic!("not fresh: {other:?}"),
    }
}

async fn claim(database: &mut Database, claims: &[Claim<'_>]) -> Vec<Claimed> {
    let mut transaction = database.begin("claim").await.unwrap();
    let claimed = inbox::claim(&mut transaction, claims).await.unwrap();
    transaction.commit().await.unwrap();
    claimed
}

fn named<'a>(event_id: &'a str, digest: &'a [u8; 32]) -> Claim<'a> {
    Claim {
        source: "/shop",
        event_id,
        kind: contracts::EventKind::OrderCreated,
        digest,
        order: None,
        occurred_at: Timestamp::EPOCH,
    }
}

#[tokio::test]
async fn case_026_the_same_event_again_is_a_duplicate_and_counted() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    fresh(decide(&mut database, created(1)).await);
    let outbox = sql.count("SELECT count(*) FROM outbox").await;
    let again = decide(&mut database, created(1)).await;
    assert_eq!(again, Claimed::Duplicate { outcome: PastOutcome::Applied });
    assert_eq!(sql.count("SELECT deliveries FROM inbox").await, 2);
    assert_eq!(sql.count("SELECT count(*) FROM outbox").await, outbox);
    assert_eq!(sql.count("SELECT count(*) FROM history").await, 1);
}

#[tokio::test]
async fn case_027_the_same_id_with_another_body_is_reuse_and_the_first_wins() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let event = |merchant: &str| -> ShopEvent {
        shop::order_created(order_id(1)).id("e-1").with("merchant_id", merchant)
    };
    fresh(decide(&mut database, job::<OrderEvent>(&event("m-1"), rules::order)).await);
    let other = decide(&mut database, job::<OrderEvent>(&event("m-2"), rules::order)).await;
    assert_eq!(other, Claimed::Reused);
    let merchants = home.sql().await.texts("SELECT merchant_id FROM orders").await;
    assert_eq!(merchants, ["m-1"]);
}

#[tokio::test]
async fn a_parked_event_may_be_decided_again_with_its_deadline() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let payment = || {
        let event = shop::captured(order_id(1), shop::attempt_id(1), 10_000);
        job::<PaymentEvent>(&event, rules::payment)
    };
    fresh(decide(&mut database, payment()).await);
    match decide(&mut database, payment()).await {
        Claimed::Again { parked_until: Some(_), .. } => {}
        other => panic!("{other:?}"),
    }
    decide(&mut database, created(1)).await;
    assert!(matches!(decide(&mut database, payment()).await, Claimed::Again { .. }));
    let last = decide(&mut database, payment()).await;
    assert_eq!(last, Claimed::Duplicate { outcome: PastOutcome::Applied });
    let mut sql = home.sql().await;
    assert_eq!(sql.texts("SELECT status::text FROM orders").await, ["paid"]);
    assert_eq!(sql.count("SELECT count(*) FROM parked_events").await, 0);
    let unparked = "SELECT count(*) FROM inbox WHERE parked_until IS NOT NULL";
    assert_eq!(sql.count(unparked).await, 0);
}

#[tokio::test]
async fn a_quarantined_event_fails_again_with_its_code() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let quarantined = || {
        let mut job = created(1);
        let code = OutcomeCode::MerchantMismatch;
        job.decide_by(move |_, _| Decision::quarantine(code, Changes::default()));
        job
    };
    fresh(decide(&mut database, quarantined()).await);
    let again = decide(&mut database, quarantined()).await;
    assert_eq!(again, Claimed::Quarantined(OutcomeCode::MerchantMismatch));
}

#[tokio::test]
async fn a_rejected_event_may_be_decided_again() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let rejected = || {
        let mut job = created(1);
        job.decide_by(|_, _| Decision::reject(OutcomeCode::AlreadyPaid));
        job
    };
    fresh(decide(&mut database, rejected()).await);
    match decide(&mut database, created(1)).await {
        Claimed::Again { parked_until: None, .. } => {}
        other => panic!("{other:?}"),
    }
    let mut sql = home.sql().await;
    assert_eq!(sql.texts("SELECT outcome::text FROM inbox").await, ["applied"]);
    assert_eq!(sql.count("SELECT count(*) FROM orders").await, 1);
}

#[tokio::test]
async fn of_duplicates_within_one_batch_the_first_wins() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let (one, other) = ([1; 32], [2; 32]);
    let batch = [
        named("b", &one),
        named("a", &one),
        named("b", &one),
        named("a", &other),
        named("c", &one),
    ];
    let claimed = claim(&mut database, &batch).await;
    fresh(claimed[0]);
    fresh(claimed[1]);
    assert_eq!(claimed[2], Claimed::Duplicate { outcome: PastOutcome::Applied });
    assert_eq!(claimed[3], Claimed::Reused);
    fresh(claimed[4]);
    let mut sql = home.sql().await;
    let deliveries = "SELECT event_id || deliveries FROM inbox ORDER BY 1";
    assert_eq!(sql.texts(deliveries).await, ["a2", "b2", "c1"]);

    let claimed = claim(&mut database, &batch).await;
    let duplicate = Claimed::Duplicate { outcome: PastOutcome::Applied };
    assert_eq!(claimed, [duplicate, duplicate, duplicate, Claimed::Reused, duplicate]);
    assert_eq!(sql.texts(deliveries).await, ["a4", "b4", "c2"]);
}

#[tokio::test]
async fn the_same_id_from_two_sources_are_two_events() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let digest = [1; 32];
    let other = Claim { source: "/other-shop", ..named("e", &digest) };
    let claimed = claim(&mut database, &[named("e", &digest), other]).await;
    assert_ne!(fresh(claimed[0]), fresh(claimed[1]));
}

#[tokio::test]
async fn case_030_of_two_workers_with_one_event_the_second_waits_and_finds_a_duplicate() {
    let home = Home::new().await;
    let (mut first, mut second) = (home.connect().await, home.connect().await);
    let mut open = first.begin("first").await.unwrap();
    crate::pipeline::steps(&mut open, &[created(1)]).await.unwrap();

    let waiting = tokio::spawn(async move { decide(&mut second, created(1)).await });
    let mut sql = home.sql().await;
    let blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'";
    let is_blocked = async || sql.count(blocked).await == 1;
    testkit::eventually(Duration::from_secs(10), "the second waits", is_blocked).await;
    open.commit().await.unwrap();
    let claimed = waiting.await.unwrap();
    assert_eq!(claimed, Claimed::Duplicate { outcome: PastOutcome::Applied });
    assert_eq!(home.sql().await.count("SELECT count(*) FROM orders").await, 1);
}

#[tokio::test]
async fn case_030_when_the_first_worker_rolls_back_the_second_decides() {
    let home = Home::new().await;
    let (mut first, mut second) = (home.connect().await, home.connect().await);
    let mut open = first.begin("first").await.unwrap();
    crate::pipeline::steps(&mut open, &[created(1)]).await.unwrap();
    let waiting = tokio::spawn(async move { decide(&mut second, created(1)).await });
    open.rollback().await.unwrap();
    fresh(waiting.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_with_the_same_events_in_opposite_order_never_deadlock() {
    const ROUNDS: usize = 60;
    const EVENTS: usize = 40;
    let home = Home::new().await;
    let start = Barrier::new(2);
    let lane = async |backwards: bool| {
        let mut database = home.connect().await;
        for round in 0..ROUNDS {
            let ids: Vec<String> = (0..EVENTS).map(|event| format!("{round}-{event}")).collect();
            let digest = [0; 32];
            let mut claims: Vec<_> = ids.iter().map(|id| named(id, &digest)).collect();
            if backwards {
                claims.reverse();
            }
            start.wait().await;
            // Once fresh, once known: both statements must keep the order.
            claim(&mut database, &claims).await;
            claim(&mut database, &claims).await;
        }
    };
    tokio::join!(lane(false), lane(true));
    let mut sql = home.sql().await;
    let expected = i64::try_from(ROUNDS * EVENTS).unwrap();
    assert_eq!(sql.count("SELECT count(*) FROM inbox WHERE deliveries = 4").await, expected);
}

#[tokio::test]
async fn a_value_the_database_refuses_is_permanent_and_names_its_constraint() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    decide(&mut database, created(1)).await;
    let capture = |order, attempt| {
        let event = shop::captured(order_id(order), shop::attempt_id(attempt), 10_000)
            .with("provider_ref", "pay-1");
        job::<PaymentEvent>(&event, rules::payment)
    };
    decide(&mut database, created(2)).await;
    decide(&mut database, capture(1, 1)).await;
    // The provider's reference belongs to the first order.
    let error = run(&mut database, &[capture(2, 2)]).await.unwrap_err();
    assert_eq!(error.class(), Class::Permanent);
    assert_eq!(error.code(), "constraint-violated");
    assert_eq!(error.constraint(), Some("payment_attempts_provider_ref_key"));
    assert!(database.is_usable());
    decide(&mut database, created(3)).await;
}
