//! Reports: what happened, counted.

use contracts::OrderId;
use domain::timer::TimerKind;
use store::report::{self, Count, ParkedLetter};
use testkit::shop::{self, at, attempt_id, order_id};

use crate::home::Home;
use crate::life::{captured, created, disputed, order, payment, timed_out};
use crate::pipeline::decide;

/// Counts as `what name: count`.
fn lines(counts: impl IntoIterator<Item = Count>) -> Vec<String> {
    let line = |Count { what, name, count }| format!("{what} {name}: {count}");
    counts.into_iter().map(line).collect()
}

#[tokio::test]
async fn totals_count_everything_by_status() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    assert!(report::totals(&mut database).await.unwrap().is_empty());
    for number in 1..=3 {
        decide(&mut database, created(number)).await;
    }
    for job in [captured(1), captured(1), disputed(1, 10_000)] {
        decide(&mut database, job).await;
    }
    sql.run("UPDATE outbox SET sent_at = now() WHERE routing_key = 'order.paid'").await;
    let counted = lines(report::totals(&mut database).await.unwrap());
    for expected in [
        "order paid: 1",
        "order pending_payment: 2",
        "dispute chargeback:needs_response: 1",
        "event applied: 5",
        "message sent: 1",
    ] {
        assert!(counted.contains(&expected.to_owned()), "{expected} of {counted:?}");
    }
    assert!(!counted.iter().any(|line| line.starts_with("dead letter")), "{counted:?}");
}

#[tokio::test]
async fn an_orders_counts_and_balances_are_its_own() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    for job in [created(1), captured(1), disputed(1, 4_000), created(2)] {
        decide(&mut database, job).await;
    }
    let found = report::by_order(&mut database).await.unwrap();
    let of = |order: OrderId| {
        let counts = found.iter().filter(|found| found.order == order);
        let mut lines = lines(counts.map(|found| found.counted.clone()));
        lines.sort_unstable();
        lines
    };
    assert_eq!(
        of(order_id(1)),
        [
            "attempt captured: 1",
            "balance customer_funds: -10000",
            "balance disputes_receivable: 4000",
            "balance psp_receivable: 6000",
            "capture normal: 1",
            "dispute chargeback:needs_response: 1",
            "order paid: 1",
        ]
    );
    assert_eq!(of(order_id(2)), ["order pending_payment: 1"]);
}

#[tokio::test]
async fn an_expired_order_has_its_timer_and_its_release_reported() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let due_at = at("12:30:00");
    decide(&mut database, created(1)).await;
    sql.run("UPDATE timers SET due_at = '2026-03-01T12:30:00Z'").await;
    decide(&mut database, timed_out(1, due_at)).await;
    let fired = report::fired_timers(&mut database).await.unwrap();
    let [timer] = &*fired else { panic!("{fired:?}") };
    assert_eq!((timer.kind, timer.due_at), (TimerKind::PaymentTimeout, due_at));
    assert!(timer.fired_at > due_at);
    let counts = report::by_order(&mut database).await.unwrap().into_iter();
    let counted = lines(counts.map(|found| found.counted));
    assert!(counted.contains(&"stock release : 1".to_owned()), "{counted:?}");
    let messages = report::messages(&mut database).await.unwrap();
    assert!(messages.iter().all(|message| !message.sent), "{messages:?}");
    let keys: Vec<_> = messages.iter().map(|message| message.routing_key.as_str()).collect();
    assert_eq!(keys, ["order.expired", "inventory.release_requested"]);
}

#[tokio::test]
async fn an_event_is_reported_once_with_its_deliveries() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let event = shop::order_created(order_id(1)).id("e-1");
    let capture = shop::captured(order_id(1), attempt_id(1), 10_000).id("e-2");
    for job in [order(&event), payment(&capture), order(&event), order(&event)] {
        decide(&mut database, job).await;
    }
    let accepted = report::accepted_events(&mut database).await.unwrap();
    let found: Vec<_> =
        accepted.iter().map(|event| (event.event_id.as_str(), event.deliveries)).collect();
    assert_eq!(found, [("e-1", 3), ("e-2", 1)]);
    assert!(accepted[0].received_at < accepted[1].received_at);
}

#[tokio::test]
async fn a_dead_letter_is_reported_with_the_id_it_was_published_with() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    sql.run(
        r#"INSERT INTO dead_letters (
            source_queue, message_key, key_source, event_type, error_class, error_code,
            fingerprint, attempts, first_failed_at, last_failed_at, exchange, routing_key,
            properties, headers, body, digest
        ) VALUES (
            'orderflow.order-created', 'key', 'digest', 'unknown', 'contract', 'malformed-json',
            sha256(''), 2, '2026-03-01T12:00:00Z', '2026-03-01T12:00:05Z', 'shop.events', 'k',
            '{"message_id": "m-1"}', '{}', '', sha256('')
        )"#,
    )
    .await;
    let expected = ParkedLetter {
        message_id: Some("m-1".to_owned()),
        source_queue: "orderflow.order-created".to_owned(),
        code: "malformed-json".to_owned(),
        attempts: 2,
        first_failed_at: at("12:00:00"),
        last_failed_at: at("12:00:05"),
    };
    assert_eq!(report::dead_letters(&mut database).await.unwrap(), [expected]);
    let counted = lines(report::totals(&mut database).await.unwrap());
    assert_eq!(counted, ["dead letter malformed-json: 1"]);
}
