//! Money that fits no order: read with its order, known or not, and decided on by people.

use domain::unapplied::{MoneyDecision, Resolution};
use domain::{Decision, Draft, OrderState, Timestamp};
use store::unapplied::{self, Recorded};
use store::{Database, violations};
use testkit::shop::{self, order_id, unapplied_due};

use crate::home::{Home, Sql};
use crate::life;
use crate::pipeline::{decide, job};

/// Money for order 8, which never came.
async fn orphan(database: &mut Database, sql: &mut Sql) {
    decide(database, life::captured(8)).await;
    sql.run("UPDATE inbox SET parked_until = now() - INTERVAL '1 second'").await;
    decide(database, life::captured(8)).await;
}

/// Lets the money of order 8 fall due, and something become of it.
async fn settle(database: &mut Database, settle: fn(&mut Draft, &OrderState)) {
    let state = life::load(database, order_id(8)).await;
    let event = unapplied_due(order_id(8), state.unapplied[0].id, 1, Timestamp::EPOCH);
    let envelope = event.decoded::<contracts::events::PaymentEvent>();
    let mut due = job::<contracts::events::PaymentEvent>(&event, crate::rules::payment);
    due.decide_by(move |state, moment| {
        let mut draft = Draft::new(state, &envelope, moment.now);
        settle(&mut draft, state);
        Decision::apply(draft.finish())
    });
    decide(database, due).await;
}

#[tokio::test]
async fn money_is_read_with_an_order_that_is_not_there_and_after_it_came() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    orphan(&mut database, &mut sql).await;
    let before = life::load(&mut database, order_id(8)).await;
    assert!(before.order.is_none());
    assert_eq!((before.unapplied.len(), before.timers.len()), (1, 1));
    decide(&mut database, life::created(8)).await;
    let after = life::load(&mut database, order_id(8)).await;
    assert_eq!(after.unapplied, before.unapplied);
    assert!(life::load(&mut database, order_id(7)).await.unapplied.is_empty());
}

#[tokio::test]
async fn a_refund_without_an_order_is_written_and_read_as_it_was_decided() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    orphan(&mut database, &mut sql).await;
    settle(&mut database, |draft, state| {
        domain::settlement::refund_unapplied(draft, &state.unapplied[0]);
    })
    .await;
    let money = life::load(&mut database, order_id(8)).await.unapplied.remove(0);
    assert_eq!(money.resolution(), Some(Resolution::Refunded));
    assert_eq!(money.ledger_len, 2);
    assert!(money.refund.is_some());
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test]
async fn money_leaves_its_own_ledger_when_it_is_written_off() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    orphan(&mut database, &mut sql).await;
    settle(&mut database, |draft, state| {
        domain::settlement::write_unapplied_off(draft, &state.unapplied[0]);
    })
    .await;
    let owed = "SELECT coalesce(sum(debit_minor), 0) FROM balances";
    assert_eq!(sql.count(owed).await, 0);
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test]
async fn a_person_s_decision_reaches_the_rules_and_outlives_what_they_write() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    orphan(&mut database, &mut sql).await;
    let id = life::load(&mut database, order_id(8)).await.unapplied[0].id;
    let actor = "ops-7".parse().unwrap();
    let refund = MoneyDecision::Refund;
    let recorded = unapplied::decide(&mut database, id, refund, &actor, "why").await.unwrap();
    assert_eq!(recorded, Recorded::Recorded);
    let state = life::load(&mut database, order_id(8)).await;
    assert_eq!((state.unapplied[0].decision, state.timers[0].generation), (Some(refund), 2));
    settle(&mut database, |draft, state| {
        domain::settlement::refund_unapplied(draft, &state.unapplied[0]);
    })
    .await;
    let row = unapplied::find(&mut database, id).await.unwrap().unwrap();
    assert_eq!(row.decided_by.as_deref(), Some("ops-7"));
    assert_eq!(row.resolution.as_deref(), Some("refunded"));
    let again = unapplied::decide(&mut database, id, refund, &actor, "why").await.unwrap();
    assert_eq!(again, Recorded::AlreadyResolved);
    let nobody_s = uuid::Uuid::from(shop::attempt_id(1)).into();
    let unknown = unapplied::decide(&mut database, nobody_s, refund, &actor, "why").await;
    assert_eq!(unknown.unwrap(), Recorded::Unknown);
}
