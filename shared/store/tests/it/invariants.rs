//! Every invariant fires on its own fault, and none without one.

use store::violations;
use testkit::shop::{self, order_id};

use crate::home::{Home, Sql};
use crate::life;
use crate::pipeline::{decide, run};

/// Orders in every situation: pending, paid and refunded, expired with late money, disputed,
/// parked, orphaned.
async fn town(home: &Home) -> Sql {
    let mut database = home.connect().await;
    let mut sql = home.sql().await;
    let everything: Vec<_> = (1..=6).map(life::created).collect();
    run(&mut database, &everything).await.unwrap();
    sql.run("UPDATE timers SET due_at = now()").await;
    let due = "2026-03-01T12:30:00Z".parse().unwrap();
    let jobs = [
        life::captured(2),
        life::refund_wanted(2, "r-1", 2_500),
        life::refund_wanted(2, "r-2", 9_000),
        life::timed_out(3, due),
        life::captured(3),
        life::captured(4),
        life::disputed(4, 4_000),
        life::order(&shop::cancel_requested(order_id(5))),
        life::order(&shop::consent_withdrawn(order_id(5), "recovery")),
    ];
    for job in jobs {
        decide(&mut database, job).await;
    }
    for refund in life::load(&mut database, order_id(2)).await.refunds {
        if refund.code.is_none() {
            decide(&mut database, life::refund_reported(2, refund.id, "succeeded")).await;
        }
    }
    let lost = shop::dispute_updated(order_id(4), shop::dispute_id(4), "chargeback", "lost");
    decide(&mut database, life::dispute(&lost)).await;
    decide(&mut database, life::captured(8)).await;
    sql.run("UPDATE inbox SET parked_until = now() WHERE outcome = 'parked'").await;
    decide(&mut database, life::captured(8)).await;
    decide(&mut database, life::captured(9)).await;
    sql
}

async fn found(home: &Home) -> Vec<String> {
    let found = violations::all(&mut home.connect().await).await.unwrap();
    let mut numbers: Vec<String> =
        found.iter().map(|violation| violation.invariant[..3].to_owned()).collect();
    numbers.dedup();
    numbers
}

#[tokio::test]
async fn a_busy_town_violates_nothing() {
    let home = Home::new().await;
    let mut sql = town(&home).await;
    assert_eq!(found(&home).await, Vec::<String>::new());
    let statuses = "SELECT status::text FROM orders ORDER BY id";
    let expected = ["pending_payment", "paid", "expired", "paid", "cancelled", "pending_payment"];
    assert_eq!(sql.texts(statuses).await, expected);
}

#[tokio::test]
async fn a_refused_wish_in_another_currency_violates_nothing() {
    let home = Home::new().await;
    let mut sql = town(&home).await;
    let refused = "SELECT count(*) FROM refunds WHERE status = 'rejected' AND currency = 'USD'";
    sql.run("UPDATE refunds SET currency = 'USD' WHERE status = 'rejected'").await;
    assert_eq!(sql.count(refused).await, 1);
    assert_eq!(found(&home).await, Vec::<String>::new());
}

/// Faults that the constraints let pass, and the invariant that each of them breaks.
const FAULTS: &[(&str, &str)] = &[
    (
        "I01",
        "ALTER TABLE transfers DROP CONSTRAINT transfers_accounts_differ;
         ALTER TABLE transfers DISABLE TRIGGER USER;
         UPDATE transfers SET debit = credit WHERE code = 'dispute_opened'",
    ),
    (
        "I02",
        "UPDATE refunds SET amount_minor = 10001, status = 'approved'
         WHERE order_id = $paid AND status = 'succeeded'",
    ),
    ("I03", "UPDATE payment_attempts SET amount_minor = 1 WHERE order_id = $paid"),
    ("I04", "UPDATE captures SET applied_minor = 0 WHERE order_id = $paid"),
    ("I05", "UPDATE orders SET total_minor = 0 WHERE id = $pending"),
    ("I06", "DELETE FROM refunds WHERE order_id = $expired"),
    ("I04", "UPDATE captures SET applied_minor = 9999 WHERE order_id = $paid"),
    // Money may wait for its order's stock only until a timer ends that.
    (
        "I06",
        "DELETE FROM refunds WHERE order_id = $expired;
         UPDATE captures SET classification = 'held' WHERE order_id = $expired",
    ),
    ("I07", "UPDATE orders SET total_minor = 9999 WHERE id = $paid"),
    ("I08", "UPDATE payment_attempts SET status = 'review' WHERE order_id = $paid"),
    (
        "I09",
        "INSERT INTO history (order_id, seq, inbox_id, entity, entity_id, from_status, to_status,
         recorded_at) VALUES ($pending, 5, 1, 'order', $pending, 'paid', 'cancelled', now())",
    ),
    ("I09", "UPDATE orders SET history_len = 9 WHERE id = $pending"),
    ("I10", "DELETE FROM timers WHERE order_id = $pending"),
    ("I11", "UPDATE timers SET status = 'armed', resolved_at = NULL WHERE order_id = $paid"),
    ("I12", "UPDATE timers SET due_at = now() - INTERVAL '1 hour' WHERE order_id = $pending"),
    ("I13", "UPDATE parked_events SET park_until = now() - INTERVAL '1 hour'"),
    ("I14", "UPDATE outbox SET publish_after = now() - INTERVAL '1 hour'"),
    ("I15", "UPDATE orders SET stock_released_at = NULL WHERE id = $expired"),
    ("I16", "UPDATE orders SET stock_released_at = now() WHERE id = $paid"),
    ("I17", "UPDATE disputes SET fee_minor = 1 WHERE order_id = $disputed"),
    ("I17", "UPDATE unapplied_money SET amount_minor = 1"),
    ("I17", "UPDATE unapplied_money SET resolved_at = now(), resolution = 'written_off'"),
    (
        "I17",
        "UPDATE unapplied_money SET resolved_at = now(), resolution = 'refunded',
         refund_id = id, refund_status = 'succeeded', refund_event_at = now()",
    ),
    (
        "I18",
        "UPDATE disputes SET status = 'needs_response', closed_at = NULL
         WHERE order_id = $disputed",
    ),
    (
        "I19",
        "UPDATE disputes SET amount_minor = 8000, loss_minor = 0 WHERE order_id = $disputed;
         INSERT INTO refunds (order_id, id, customer_ref, request_key, part, reason, requested_at,
         attempt_id, currency, amount_minor, status, funded_from, last_event_at)
         SELECT order_id, gen_random_uuid(), 'c-1', 'r-9', 0, 'goodwill', now(), id, 'EUR', 3000,
         'approved', 'customer_funds', now() FROM payment_attempts WHERE order_id = $disputed",
    ),
    (
        "I20",
        "ALTER TABLE transfers DISABLE TRIGGER USER;
         UPDATE transfers SET amount_minor = 20000
         WHERE subject_id = $paid AND code = 'refund_reserved'",
    ),
    (
        "I21",
        "ALTER TABLE history DISABLE TRIGGER USER;
         DELETE FROM history WHERE entity = 'dispute'",
    ),
    (
        "I22",
        "ALTER TABLE history DISABLE TRIGGER USER;
         UPDATE history SET inbox_id = 999999 WHERE order_id = $pending",
    ),
    (
        "I22",
        "ALTER TABLE transfers DISABLE TRIGGER USER;
         UPDATE transfers SET inbox_id = 999999 WHERE subject_id = $paid",
    ),
    (
        "I23",
        "UPDATE outbox SET body = '{\"note\":\"4111 1111 1111 1111\"}'
         WHERE id = (SELECT min(id) FROM outbox)",
    ),
    (
        "I24",
        "INSERT INTO erasures (customer_ref, erased_at, erased_by, reason, forced, keys_destroyed,
         letters_emptied) VALUES ('c-1', now() - INTERVAL '31 days', 'me', 'asked', false, 0, 0);
         INSERT INTO subject_keys (id, subject, created_at, master, wrapped) VALUES
         (gen_random_uuid(), 'customer:c-1', now() - INTERVAL '40 days', 'k',
         decode(repeat('00', 60), 'hex'))",
    ),
    (
        "I24",
        "INSERT INTO erasures (customer_ref, erased_at, erased_by, reason, forced, keys_destroyed,
         letters_emptied) VALUES ('c-1', now() - INTERVAL '31 days', 'me', 'asked', false, 0, 0);
         INSERT INTO dead_letters (source_queue, message_key, key_source, event_type, order_id,
         error_class, error_code, fingerprint, first_failed_at, last_failed_at, exchange,
         routing_key, properties, headers, body, digest) VALUES ('q', 'k', 'ce', 't', $paid,
         'c', 'x', sha256(''), now() - INTERVAL '40 days', now() - INTERVAL '40 days', '', '', '{}',
         '{}', 'a body', sha256('a body'))",
    ),
    (
        "I25",
        "ALTER TABLE transfers DISABLE TRIGGER USER;
         DELETE FROM transfers WHERE code = 'refund_settled' AND subject_id = $paid",
    ),
    ("I26", "UPDATE unapplied_money SET recorded_at = now() - INTERVAL '4 days'"),
    ("I27", "UPDATE parked_events SET order_id = $paid"),
    ("I28", "DELETE FROM orders WHERE id = $paid"),
    ("I28", "UPDATE captures SET currency = 'JPY' WHERE order_id = $paid"),
    ("I28", "DELETE FROM payment_attempts WHERE order_id = $paid"),
    ("I29", "UPDATE orders SET ledger_len = 7 WHERE id = $pending"),
    ("I29", "UPDATE unapplied_money SET ledger_len = 7"),
];

#[tokio::test]
async fn every_invariant_fires_on_its_own_fault() {
    let home = Home::new().await;
    let mut sql = town(&home).await;
    let names = [("$pending", 1), ("$paid", 2), ("$expired", 3), ("$disputed", 4)];
    for (number, fault) in FAULTS {
        let fault = names.iter().fold((*fault).to_owned(), |fault, (name, order)| {
            fault.replace(name, &format!("'{}'", order_id(*order)))
        });
        sql.run("BEGIN").await;
        sql.run(&fault).await;
        let found = sql.texts("SELECT DISTINCT left(invariant, 3) FROM violations").await;
        sql.run("ROLLBACK").await;
        assert!(found.iter().any(|found| found == number), "{number} by {fault}: {found:?}");
    }
    assert_eq!(found(&home).await, Vec::<String>::new());
}
