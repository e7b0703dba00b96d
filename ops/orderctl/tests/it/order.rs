//! `orderctl order`.

use testkit::TestDatabase;

use crate::program::{Ran, orderctl};
use crate::story::{order, store_early_payment, store_story};

fn show(database: &TestDatabase, columns: &str) -> Ran {
    let show = orderctl(["order", "show"]).arg(order().to_string());
    show.database(database).env("COLUMNS", columns).run().exits_with(0)
}

#[tokio::test]
async fn an_order_is_told_from_its_begin_to_what_is_still_to_come() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    insta::assert_snapshot!("order_of_100_columns", show(&database, "100").stdout);
    insta::assert_snapshot!("order_of_60_columns", show(&database, "60").stdout);
}

#[tokio::test]
async fn no_line_is_wider_than_the_terminal() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    for columns in [60, 80, 100, 140] {
        let text = show(&database, &columns.to_string()).stdout;
        for line in text.lines() {
            assert!(line.chars().count() <= columns, "{columns} columns: {line}");
        }
    }
}

#[tokio::test]
async fn programs_get_every_row_and_the_balances() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    let show = orderctl(["order", "show", "-o", "json"]).arg(order().to_string());
    let document = show.database(&database).run().exits_with(0).versioned_json();
    assert_eq!(document["order_id"], order().to_string());
    assert_eq!(document["order"]["status"], "paid");
    assert_eq!(document["order"]["payment_status"], "disputed");
    assert_eq!(document["order"]["placed_at"], "2026-03-01T12:00:00Z");
    let counts = ["attempts", "captures", "refunds", "disputes", "events", "parked", "history"]
        .map(|part| document[part].as_array().unwrap().len());
    assert_eq!(counts, [3, 2, 1, 1, 6, 1, 7]);
    let receivable = document["balances"].as_array().unwrap().iter();
    let receivable = receivable.clone().find(|it| it["account"] == "psp_receivable").unwrap();
    // Two captures came in; the disputed one and the fee are held back.
    assert_eq!(receivable["net_debit_minor"], 20_000 - 10_000 - 1_500);
    let decline = &document["guidance"]["declines"][0];
    assert_eq!(decline["code"], "insufficient_funds");
    assert_eq!(decline["category"], "soft");
    assert_eq!(decline["retry_after_s"], 24 * 60 * 60);
}

#[tokio::test]
async fn every_status_is_told_in_a_sentence() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    let closed = "paid_at = NULL, closed_at = '2026-03-01T12:31:00Z'";
    for (change, title, sentence) in [
        (
            "status = 'pending_payment', paid_at = NULL".to_owned(),
            "pending_payment, disputed",
            "It waits for EUR 100.00 until 2026-03-01T12:30:00Z; paid so far: EUR 100.00.",
        ),
        (
            format!("status = 'expired', close_reason = 'payment_timeout', {closed}"),
            "expired, disputed",
            "Its payment window ended at 2026-03-01T12:30:00Z without its EUR 100.00; it was \
             closed at 2026-03-01T12:31:00Z.",
        ),
        (
            format!("status = 'cancelled', close_reason = 'buyer', {closed}"),
            "cancelled, disputed",
            "It was called off at 2026-03-01T12:31:00Z (buyer); its total was EUR 100.00.",
        ),
    ] {
        database.run(&format!("UPDATE orders SET {change}")).await;
        let text = show(&database, "200").stdout;
        assert!(text.starts_with(&format!("Order {}: {title}\n", order())), "{text}");
        assert!(text.contains(sentence), "{text}");
    }
    database
        .run(
            "UPDATE orders SET held_since = '2026-03-01T12:30:00Z', amount_changed = true, \
             stock_released_at = '2026-03-01T12:31:00Z'",
        )
        .await;
    let text = show(&database, "200").stdout;
    for remark in ["is held for a payment under way since", "was refused", "stock was released"] {
        assert!(text.contains(remark), "{text}");
    }
}

#[tokio::test]
async fn what_to_tell_the_customer_follows_from_how_the_order_stands() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    for (change, template) in [
        ("", "payment-disputed"),
        ("UPDATE disputes SET status = 'won', closed_at = now()", "duplicate-payment-refunded"),
        ("UPDATE refunds SET status = 'submitted'", "refund-sent"),
        ("UPDATE refunds SET status = 'failed'", "refund-failed"),
        (
            "UPDATE refunds SET status = 'rejected', code = 'exceeds-refundable'",
            "refund-rejected-amount",
        ),
        ("DELETE FROM refunds", "order-paid"),
        (
            "UPDATE orders SET status = 'expired', close_reason = 'payment_timeout', \
             closed_at = now(), paid_at = NULL",
            "order-expired",
        ),
        (
            "UPDATE orders SET status = 'pending_payment', close_reason = NULL, closed_at = NULL; \
             UPDATE captures SET applied_minor = 4000, classification = 'normal' \
             WHERE capture_ref = 'cap_00000002'; \
             DELETE FROM payment_attempts WHERE status <> 'captured'",
            "payment-partial",
        ),
        ("DELETE FROM captures", "payment-reminder"),
        ("UPDATE payment_attempts SET status = 'processing'", "payment-confirming"),
        (
            "UPDATE payment_attempts SET status = 'declined', decline_code = 'stolen_card'",
            "payment-declined",
        ),
    ] {
        database.run(change).await;
        let show = orderctl(["order", "show", "-o", "json"]).arg(order().to_string());
        let document = show.database(&database).run().exits_with(0).versioned_json();
        assert_eq!(document["guidance"]["customer"]["template_id"], template, "{change}");
    }
    let text = show(&database, "200").stdout;
    let guidance = text.split("Guidance").nth(1).unwrap();
    let hint = "attempt 1  stolen_card: fraud, not to be tried again. The card is reported stolen.";
    assert!(text.contains(hint), "{text}");
    assert!(!guidance.split("support").next().unwrap().contains("reported stolen"), "{text}");
}

#[tokio::test]
async fn the_customer_is_told_in_the_language_and_zone_asked_for() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    database
        .run(
            "UPDATE disputes SET status = 'won', closed_at = now(); DELETE FROM refunds; \
             UPDATE orders SET status = 'expired', close_reason = 'payment_timeout', \
             closed_at = now(), paid_at = NULL",
        )
        .await;
    database.run("UPDATE orders SET locale = 'es-CO'").await;
    let plain = orderctl(["order", "show"]).arg(order().to_string()).env("COLUMNS", "400");
    let text = plain.database(&database).run().exits_with(0).stdout;
    assert!(text.contains("1 de marzo de 2026 a las 12:30"), "the order's own locale: {text}");
    for (locale, zone, told) in [
        ("es-MX", "Europe/Madrid", "1 de marzo de 2026 a las 13:30 hora estándar"),
        ("zh-CN", "Asia/Shanghai", "2026年3月1日 中国标准时间 20:30"),
        ("zh-TW", "UTC", "March 1, 2026 at 12:30 PM Coordinated Universal Time"),
    ] {
        let show = orderctl(["order", "show", "--locale", locale, "--zone", zone]);
        let show = show.arg(order().to_string()).env("COLUMNS", "400").database(&database);
        let text = show.run().exits_with(0).stdout;
        assert!(text.contains(told), "{text}");
    }
}

#[tokio::test]
async fn a_zone_that_does_not_exist_is_wrong_usage() {
    let show = orderctl(["order", "show", "--zone", "Europe/Atlantis"]).arg(order().to_string());
    let stderr = show.run().exits_with(2).stderr;
    assert!(stderr.contains("unknown time zone `Europe/Atlantis`"), "{stderr}");
}

#[tokio::test]
async fn money_and_messages_that_did_not_go_their_way_are_told() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    database
        .run(&format!(
            "INSERT INTO unapplied_money (id, provider, capture_ref, claimed_order, \
             attempt_id, provider_ref, currency, amount_minor, cause, occurred_at, recorded_at, \
             refund_id, refund_status, refund_event_at, resolved_at, resolution, ledger_len) \
             VALUES ('00000000-0000-7000-8000-000000000001', 'acme', 'cap_yen', '{}', \
             gen_random_uuid(), 'pay_yen', 'JPY', 500, 'currency_mismatch', \
             '2026-03-01T13:00:00Z', '2026-03-01T13:00:01Z', gen_random_uuid(), 'approved', \
             now(), '2026-03-02T09:00:00Z', 'refunded', 2); \
             UPDATE outbox SET attempts = 3 WHERE routing_key = 'refund.execute'; \
             UPDATE timers SET handed_over_at = '2026-03-08T13:58:00Z', handovers = 2 \
             WHERE kind = 'dispute_evidence_due'",
            order()
        ))
        .await;
    let text = show(&database, "200").stdout;
    for told in [
        "2026-03-01T13:00:01Z\n  money      JPY 500 of acme cap_yen kept apart (currency_mismatch)",
        "2026-03-02T09:00:00Z\n  money      JPY 500 of acme cap_yen: refunded",
        "refund.execute: not sent after 3 attempts, next 2026-03-01T12:05:08.998Z",
        "2026-03-08T13:58:00Z\n  timer      dispute_evidence_due of dispute 1 handed to the \
         delayed exchange, time 2",
    ] {
        assert!(text.contains(told), "{told:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn a_message_stands_with_its_own_transaction_however_close_the_next_decision_is() {
    let database = TestDatabase::migrated().await;
    store_story(&database).await;
    // The story's second payment was received at 12:05:02.998 and came twice.
    for (begun, name) in [("12:05:02.5", "another"), ("12:05:02.999", "second")] {
        database
            .run(&format!(
                "INSERT INTO outbox (order_id, message_id, exchange, must_route, routing_key, \
                 type_name, body, created_at) VALUES ('{}', '{name}', 'events', false, \
                 'order.{name}', 'order.{name}', '', '2026-03-01T{begun}Z')",
                order()
            ))
            .await;
    }
    let text = show(&database, "200").stdout;
    let alone = "2026-03-01T12:05:02.5Z\n  message    order.another: not sent yet\n2026";
    assert!(text.contains(alone), "{text}");
    let with_the_payment =
        "message    order.paid: sent 2026-03-01T12:05:03.04Z\n  message    order.second:";
    assert!(text.contains(with_the_payment), "{text}");
}

#[tokio::test]
async fn an_order_that_only_waiting_events_name_is_shown_as_not_known() {
    let database = TestDatabase::migrated().await;
    store_early_payment(&database).await;
    insta::assert_snapshot!("order_not_known", show(&database, "100").stdout);
}

#[tokio::test]
async fn an_order_that_nothing_names_exits_with_4() {
    let database = TestDatabase::migrated().await;
    let show = orderctl(["order", "show"]).arg(order().to_string());
    show.database(&database).run().fails(4, &[&order().to_string(), "rabbitmqctl"]);
}
