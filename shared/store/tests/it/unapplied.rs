//! Money that fits no order: read with its order, known or not, and decided on by people.

use domain::policy::UnappliedPolicy;
use domain::refund::RefundStatus;
use domain::timer::{TimerKind, TimerOwner, TimerStatus};
use domain::unapplied::{MoneyDecision, MoneyRefund, Resolution};
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
    let money = &state.unapplied[0];
    let event = unapplied_due(order_id(8), money.id, 1, Timestamp::EPOCH)
        .id(&format!("due-{}", money.ledger_len));
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
async fn a_dispute_that_waits_is_seen_by_the_money_whichever_of_them_it_names() {
    for order in [serde_json::json!(order_id(8)), serde_json::Value::Null] {
        let home = Home::new().await;
        let (mut database, mut sql) = (home.connect().await, home.sql().await);
        orphan(&mut database, &mut sql).await;
        assert_eq!(life::load(&mut database, order_id(8)).await.unapplied[0].disputed_since, None);
        let (dispute, attempt) = (shop::dispute_id(8), shop::attempt_id(8));
        let opened = shop::dispute_opened(order_id(8), dispute, attempt, 10_000);
        decide(&mut database, life::dispute(&opened.with("order_id", order))).await;
        let found = "SELECT order_id::text FROM parked_events";
        assert_eq!(sql.texts(found).await, [order_id(8).to_string()], "by its payment, too");
        let money = life::load(&mut database, order_id(8)).await.unapplied.remove(0);
        assert!(money.disputed_since.is_some() && money.is_disputed_unseen());
    }
}

#[tokio::test]
async fn a_refund_without_an_order_that_fails_takes_the_decision_with_it() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    orphan(&mut database, &mut sql).await;
    let id = life::load(&mut database, order_id(8)).await.unapplied[0].id;
    let actor = "ops-7".parse().unwrap();
    let decision = MoneyDecision::Refund;
    unapplied::decide(&mut database, id, decision, &actor, "why").await.unwrap();
    settle(&mut database, |draft, state| {
        let (money, policy) = (&state.unapplied[0], UnappliedPolicy::default());
        domain::settlement::refund_unapplied(draft, money, &policy);
        let money = draft.state().unapplied[0].clone();
        let refund = money.refund.clone().unwrap();
        let failed = MoneyRefund { status: RefundStatus::Failed, ..refund };
        domain::settlement::put_unapplied_refund(draft, &money, failed, &policy);
    })
    .await;
    let state = life::load(&mut database, order_id(8)).await;
    let money = &state.unapplied[0];
    assert_eq!((money.resolved, money.decision, money.decided_at), (None, None, None));
    let owner = TimerOwner::Money(money.id);
    let timer = state.timer(TimerKind::UnappliedMoneyDue, owner).unwrap();
    assert_eq!(timer.status, TimerStatus::Armed);
    assert_eq!(violations::all(&mut database).await.unwrap(), []);
}

#[tokio::test]
async fn money_that_a_failed_refund_opens_again_has_its_time_from_then_on() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    orphan(&mut database, &mut sql).await;
    sql.run("UPDATE unapplied_money SET recorded_at = now() - INTERVAL '10 days'").await;
    let overdue = "I26 unapplied money unresolved";
    assert_eq!(invariants(&mut database).await, [overdue], "nobody looked after it");
    settle(&mut database, |draft, state| {
        let (money, policy) = (&state.unapplied[0], UnappliedPolicy::default());
        domain::settlement::refund_unapplied(draft, money, &policy);
    })
    .await;
    assert_eq!(invariants(&mut database).await, [""; 0], "it is on its way");
    settle(&mut database, |draft, state| {
        let (money, policy) = (&state.unapplied[0], UnappliedPolicy::default());
        let refund = money.refund.clone().unwrap();
        let failed = MoneyRefund { status: RefundStatus::Failed, ..refund };
        domain::settlement::put_unapplied_refund(draft, money, failed, &policy);
    })
    .await;
    let money = life::load(&mut database, order_id(8)).await.unapplied.remove(0);
    assert_eq!((money.resolved, money.ledger_len), (None, 3));
    assert_eq!(invariants(&mut database).await, [""; 0], "its time has just begun");
    sql.run(
        "ALTER TABLE transfers DISABLE TRIGGER USER;
         UPDATE transfers SET recorded_at = recorded_at - INTERVAL '3 days 1 second'",
    )
    .await;
    assert_eq!(invariants(&mut database).await, [overdue], "and is over");
}

/// The invariants that do not hold.
async fn invariants(database: &mut Database) -> Vec<String> {
    let found = violations::all(database).await.unwrap();
    found.into_iter().map(|violation| violation.invariant).collect()
}

#[tokio::test]
async fn a_refund_without_an_order_is_written_and_read_as_it_was_decided() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    orphan(&mut database, &mut sql).await;
    settle(&mut database, |draft, state| {
        domain::settlement::refund_unapplied(
            draft,
            &state.unapplied[0],
            &UnappliedPolicy::default(),
        );
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
        domain::settlement::refund_unapplied(
            draft,
            &state.unapplied[0],
            &UnappliedPolicy::default(),
        );
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
