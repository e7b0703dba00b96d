//! `orderctl merchants`.

use serde_json::Value;
use testkit::TestDatabase;

use crate::program::{Program, orderctl};

/// Orders of merchants: each paid, expired, paid late, refunded or disputed as its number says.
const ORDERS: &str = "
    CREATE TABLE wanted AS
    SELECT
        ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid AS id, n,
        CASE WHEN n <= 200 THEN 'big' WHEN n <= 240 THEN 'small' ELSE 'tiny' || n END AS merchant,
        n % 4 = 0 AS expired
    FROM generate_series(1, 260) AS numbers (n);
    INSERT INTO orders (
        id, merchant_id, customer_ref, currency, placed_at, total_minor, revision, expires_at,
        policy_version, status, amount_changed, paid_at, closed_at, close_reason, history_len,
        ledger_len, version
    )
    SELECT
        id, merchant, 'c-' || n, 'EUR', now() - INTERVAL '1 day', 1000, 1, now(), 'defaults-1',
        CASE WHEN expired THEN 'expired' ELSE 'paid' END::order_status, false,
        CASE WHEN NOT expired THEN now() END, CASE WHEN expired THEN now() END,
        CASE WHEN expired THEN 'payment_timeout' END::close_reason, 1, 0, 1
    FROM wanted;
    INSERT INTO captures (
        order_id, attempt_id, capture_ref, currency, amount_minor, occurred_at, applied_minor,
        classification
    )
    SELECT
        id, id, 'ch-' || n, 'EUR', 1000, now() - INTERVAL '1 hour',
        CASE WHEN n = 4 THEN 0 ELSE 1000 END,
        CASE WHEN n = 4 THEN 'late' ELSE 'normal' END::capture_class
    FROM wanted
    WHERE NOT expired OR n = 4;
    INSERT INTO refunds (
        order_id, id, customer_ref, request_key, part, reason, requested_at, attempt_id, currency,
        amount_minor, status, funded_from, last_event_at
    )
    SELECT
        id, id, 'c-' || n, 'wish-' || n, 0, 'defective', now() - INTERVAL '1 hour', id, 'EUR',
        500, 'succeeded', 'customer_funds', now()
    FROM wanted
    WHERE n BETWEEN 1 AND 30 AND NOT expired;
    INSERT INTO disputes (
        order_id, id, customer_ref, provider, provider_ref, attempt_id, opened_at, currency,
        amount_minor, fee_minor, loss_minor, stage, status, reason, evidence_due_at,
        evidence_submitted_at, deadline_missed, last_event_at
    )
    SELECT
        id, id, 'c-' || n, 'acme', 'dp-' || n, id, now() - INTERVAL '1 hour', 'EUR', 500, 0, 0,
        CASE WHEN n = 1 THEN 'inquiry' ELSE 'chargeback' END::dispute_stage, 'needs_response',
        'general', now(), CASE WHEN n < 9 THEN now() END, n >= 9, now()
    FROM wanted
    WHERE n < 12 AND NOT expired;
    INSERT INTO history (
        order_id, seq, inbox_id, entity, entity_id, from_status, to_status, reason, recorded_at
    )
    SELECT
        id, 1, 1, 'dispute', id, 'none', 'chargeback:needs_response', 'already-refunded', now()
    FROM wanted
    WHERE n IN (2, 3)
";

const POLICIES: &str = "
    name = \"watch\"
    [monitoring]
    most_merchants = 10
    min_orders = 30
    [thresholds]
    late_payments = 4
    dispute_cases = 16
    dispute_ratio = \"10%\"
    [merchant.small.thresholds]
    unpaid = \"25%\"
";

async fn merchants() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    database.run(ORDERS).await;
    database
}

fn look(database: &TestDatabase, folder: &tempfile::TempDir) -> Program {
    let file = folder.path().join("policies.toml");
    std::fs::write(&file, POLICIES).unwrap();
    orderctl(["merchants", "--policies"]).arg(&file).database(database)
}

fn of<'a>(report: &'a Value, merchant: &Value) -> &'a Value {
    let listed = report["merchants"].as_array().unwrap();
    listed.iter().find(|it| it["merchant"] == *merchant).unwrap()
}

fn reached(merchant: &Value) -> Vec<String> {
    let thresholds = merchant["thresholds"].as_array().unwrap().iter();
    let reached = thresholds.filter(|it| !it["reached"].is_null());
    reached.map(|it| format!("{} {}", it["measure"], it["reached"]).replace('"', "")).collect()
}

#[tokio::test]
async fn merchants_are_compared_with_their_own_thresholds_and_the_rest_is_added_up() {
    let (database, folder) = (merchants().await, tempfile::tempdir().unwrap());
    let ran = look(&database, &folder).arg("-o").arg("json").run().exits_with(3);
    let report = ran.versioned_json();
    assert!(report["policy_version"].as_str().unwrap().starts_with("watch-"), "{report}");
    let big = of(&report, &"big".into());
    for (key, expected) in [
        ("orders", 200),
        ("unpaid", 50),
        ("payments", 151),
        ("late_payments", 1),
        ("refunded", 23),
        ("disputes", 8),
        ("disputed_minor", 4_000),
        ("answered", 6),
        ("unanswered", 3),
        ("double_losses", 2),
    ] {
        assert_eq!(big[key], expected, "{key} of {big}");
    }
    // 23 of 150 paid orders are three quarters of the 20 % that the defaults allow.
    let expected = ["refunds 75%", "disputes 50%", "unanswered 100%", "double_losses 100%"];
    assert_eq!(reached(big), expected);
    assert_eq!(reached(of(&report, &"small".into())), ["unpaid 100%"]);
    // Merchants with one order each are one row, which no threshold holds for.
    let others = of(&report, &Value::Null);
    assert_eq!((&others["orders"], &others["thresholds"]), (&20.into(), &Value::Array(vec![])));
    assert_eq!(report["merchants"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn merchants_are_shown_as_a_table_and_written_as_gauges_with_few_labels() {
    let (database, folder) = (merchants().await, tempfile::tempdir().unwrap());
    let gauges = folder.path().join("merchants.prom");
    let ran = look(&database, &folder).arg("--textfile").arg(&gauges).run().exits_with(3);
    for words in ["MERCHANT", "big", "small", "other", "unanswered reached", "disputes at 50%"] {
        assert!(ran.stdout.contains(words), "{words} is not in:\n{}", ran.stdout);
    }
    let text = std::fs::read_to_string(&gauges).unwrap();
    let labels = "{merchant=\"big\",currency=\"EUR\"}";
    for line in [
        format!("orderflow_merchant_orders{labels} 200"),
        format!("orderflow_merchant_unpaid_ratio{labels} 0.25"),
        format!("orderflow_merchant_late_payments{labels} 1"),
        format!("orderflow_merchant_disputes{labels} 8"),
        format!("orderflow_merchant_double_losses{labels} 2"),
        "orderflow_merchant_orders{merchant=\"other\",currency=\"EUR\"} 20".to_owned(),
        format!(
            "orderflow_merchant_threshold_ratio{} 0.5",
            labels.replace('}', ",measure=\"disputes\"}")
        ),
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in:\n{text}");
    }
    let series = text.lines().filter(|line| line.starts_with("orderflow_merchant_orders{"));
    assert_eq!(series.count(), 3, "{text}");
    assert!(text.contains("\norderflow_merchants_last_run_timestamp_seconds "), "{text}");
}

#[tokio::test]
async fn without_orders_there_is_nothing_to_watch_and_a_wrong_file_is_refused() {
    let database = TestDatabase::migrated().await;
    let ran = orderctl(["merchants"]).database(&database).run().exits_with(0);
    assert_eq!(ran.stdout, "no orders within 30days\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.toml");
    std::fs::write(&file, "[thresholds]\nunpaid = 5\n").unwrap();
    orderctl(["merchants", "--policies"])
        .arg(&file)
        .database(&database)
        .run()
        .fails(1, &["thresholds.unpaid: must be a share"]);
}
