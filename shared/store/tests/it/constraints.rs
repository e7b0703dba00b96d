//! What the database refuses, whoever writes it.

use testkit::shop::order_id;

use crate::home::{Home, Sql};
use crate::life;
use crate::pipeline::decide;

/// A paid order with a refund and a dispute, and the hand of a clumsy operator.
async fn lived_in(home: &Home) -> Sql {
    let mut database = home.connect().await;
    for job in [
        life::created(1),
        life::captured(1),
        life::refund_wanted(1, "r-1", 100),
        life::disputed(1, 500),
    ] {
        decide(&mut database, job).await;
    }
    home.sql().await
}

#[tokio::test]
async fn every_check_refuses_what_it_must() {
    let home = Home::new().await;
    let mut sql = lived_in(&home).await;
    let cases = [
        ("orders_total_range", "UPDATE orders SET total_minor = -1"),
        ("orders_total_range", "UPDATE orders SET total_minor = 1000000000000"),
        ("orders_revision_positive", "UPDATE orders SET revision = 0"),
        ("orders_window_not_empty", "UPDATE orders SET expires_at = placed_at"),
        ("orders_closed_with_time", "UPDATE orders SET status = 'expired'"),
        ("orders_closed_with_reason", "UPDATE orders SET close_reason = 'buyer'"),
        ("orders_paid_with_time", "UPDATE orders SET paid_at = NULL"),
        ("orders_counters_positive", "UPDATE orders SET version = 0"),
        ("payment_attempts_amount_range", "UPDATE payment_attempts SET amount_minor = 0"),
        ("payment_attempts_authorized_range", "UPDATE payment_attempts SET authorized_minor = -1"),
        ("captures_amount_range", "UPDATE captures SET amount_minor = 0, applied_minor = 0"),
        ("captures_applied_range", "UPDATE captures SET applied_minor = amount_minor + 1"),
        ("refunds_amount_range", "UPDATE refunds SET amount_minor = -1, status = 'rejected'"),
        ("refunds_amount_of_money", "UPDATE refunds SET amount_minor = 0"),
        ("refunds_attempt_known", "UPDATE refunds SET attempt_id = NULL"),
        ("refunds_part_range", "UPDATE refunds SET part = -1"),
        ("refunds_funded_from_ours", "UPDATE refunds SET funded_from = 'dispute_fees'"),
        ("disputes_amount_range", "UPDATE disputes SET amount_minor = 0"),
        ("disputes_fee_range", "UPDATE disputes SET fee_minor = -1"),
        ("disputes_loss_range", "UPDATE disputes SET loss_minor = amount_minor + 1"),
        ("disputes_closed_with_time", "UPDATE disputes SET status = 'won'"),
        ("timers_generation_positive", "UPDATE timers SET generation = 0"),
        ("timers_resolved_with_time", "UPDATE timers SET resolved_at = NULL"),
        ("timers_handovers_counted", "UPDATE timers SET handed_over_at = now(), handovers = 0"),
        ("inbox_digest_length", "UPDATE inbox SET digest = 'short'"),
        ("inbox_deliveries_positive", "UPDATE inbox SET deliveries = 0"),
        ("inbox_parked_with_end", "UPDATE inbox SET outcome = 'parked'"),
        ("inbox_outcome_with_code", "UPDATE inbox SET outcome = 'noop'"),
        ("outbox_attempts_counted", "UPDATE outbox SET attempts = -1"),
        ("currencies_exponent_range", "UPDATE currencies SET exponent = 5"),
    ];
    for (constraint, statement) in cases {
        sql.refused(constraint, statement).await;
    }
}

#[tokio::test]
async fn keys_that_must_be_unique_are() {
    let home = Home::new().await;
    let mut sql = lived_in(&home).await;
    let copy = |table: &str, columns: &str, changed: &str| {
        format!("INSERT INTO {table} ({columns}) SELECT {changed} FROM {table} LIMIT 1")
    };
    let attempt = "order_id, id, provider, provider_ref, status, currency, amount_minor, \
         authorized_minor, occurred_at, last_event_at";
    let elsewhere = attempt.replacen("order_id", "gen_random_uuid()", 1);
    let statement = copy("payment_attempts", attempt, &elsewhere);
    sql.refused("payment_attempts_provider_ref_key", &statement).await;

    let refund = "order_id, id, customer_ref, request_key, part, reason, requested_at, attempt_id, \
         currency, amount_minor, status, funded_from, last_event_at";
    let again = refund.replacen(" id,", " gen_random_uuid(),", 1);
    sql.refused("refunds_request_key_key", &copy("refunds", refund, &again)).await;

    let dispute = "order_id, id, customer_ref, provider, provider_ref, attempt_id, opened_at, \
         currency, amount_minor, fee_minor, loss_minor, stage, status, reason, deadline_missed, \
         last_event_at";
    let elsewhere = dispute.replacen("order_id", "gen_random_uuid()", 1);
    sql.refused("disputes_provider_ref_key", &copy("disputes", dispute, &elsewhere)).await;
}

#[tokio::test]
async fn history_and_ledger_are_append_only() {
    let home = Home::new().await;
    let mut sql = lived_in(&home).await;
    for table in ["history", "transfers"] {
        let trigger = format!("{table}_append_only");
        for statement in ["UPDATE # SET seq = seq", "TRUNCATE #"] {
            sql.refused(&trigger, &statement.replace('#', table)).await;
        }
        sql.refused(&format!("{table}_kept"), &format!("DELETE FROM {table}")).await;
    }
}

#[tokio::test]
async fn an_illegal_transition_cannot_be_recorded_and_a_legal_one_can() {
    let home = Home::new().await;
    let mut sql = lived_in(&home).await;
    let line = |seq: i32, from: &str, to: &str| {
        let order = order_id(1);
        format!("('{order}', {seq}, 1, 'order', '{order}', '{from}', '{to}', now())")
    };
    let insert = "INSERT INTO history (order_id, seq, inbox_id, entity, entity_id, from_status, \
         to_status, recorded_at) VALUES";
    let legal = line(100, "paid", "cancelled");
    let illegal = line(101, "cancelled", "paid");
    let statement = format!("{insert} {legal}, {illegal}");
    sql.refused("history_transition_allowed", &statement).await;
    sql.run(&format!("{insert} {legal}")).await;
}

#[tokio::test]
async fn no_transfer_goes_from_an_account_to_itself_or_moves_nothing() {
    let home = Home::new().await;
    let mut sql = lived_in(&home).await;
    let transfer = |debit: &str, amount: i64, journal: i32| {
        format!(
            "INSERT INTO transfers (subject_id, seq, journal, inbox_id, code, debit, credit, \
             currency, amount_minor, reference, recorded_at) VALUES (gen_random_uuid(), 1, \
             {journal}, 1, 'capture', '{debit}', 'suspense', 'EUR', {amount}, 'c', now())"
        )
    };
    sql.refused("transfers_accounts_differ", &transfer("suspense", 1, 1)).await;
    sql.refused("transfers_amount_range", &transfer("psp_receivable", 0, 1)).await;
    sql.refused("transfers_journal_within_ledger", &transfer("psp_receivable", 1, 2)).await;
    sql.run(&transfer("psp_receivable", 1, 1)).await;
}

#[tokio::test]
async fn a_misspelt_status_or_currency_is_no_value() {
    let home = Home::new().await;
    let mut sql = lived_in(&home).await;
    for statement in ["UPDATE orders SET status = 'payed'", "UPDATE orders SET currency = 'EUX'"] {
        let error = sql.try_run(statement).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "22P02");
    }
}
