//! `orderctl customer`.

use contracts::EventKind;
use serde_json::Value;
use testkit::{TestBroker, TestDatabase};

use crate::management::take_messages;
use crate::program::{Program, orderctl};

const FLAG: &str = "0000000a-0007-7000-8000-000000000000";
const REFUND: &str = "0000000a-0008-7000-8000-000000000000";

const ORDER: &str = "00000009-0001-7000-8000-000000000000";
const ORDER_OF_C7: &str = "
    INSERT INTO orders (
        id, merchant_id, customer_ref, currency, placed_at, total_minor, revision, expires_at,
        policy_version, status, amount_changed, history_len, ledger_len, version
    ) VALUES (
        '00000009-0001-7000-8000-000000000000', 'm-1', 'c-7', 'EUR', now(), 1000, 1,
        now() + INTERVAL '1 hour', 'defaults-1', 'pending_payment', false, 1, 0, 1
    )";

fn customer<const N: usize>(database: &TestDatabase, args: [&str; N]) -> Program {
    let program = orderctl(["customer"]).database(database).env("ORDERFLOW_ACTOR", "ops-7");
    args.into_iter().fold(program, Program::arg)
}

/// A database with one customer who has a flag.
async fn with_flag() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    let flag = format!(
        "INSERT INTO risk_flags (
             customer_ref, id, order_id, rule, evidence, policy_version, raised_at, expires_at
         ) VALUES (
             'c-7', '{FLAG}', '00000009-0001-7000-8000-000000000000', 'refund_count',
             ARRAY['{REFUND}']::uuid[], 'defaults-1', '2026-03-01T12:00:00Z',
             now() + INTERVAL '1 day'
         )"
    );
    database.run(&flag).await;
    database
}

#[tokio::test]
async fn a_flag_is_shown_with_what_it_rests_on() {
    let database = with_flag().await;
    let ran = customer(&database, ["show", "c-7"]).run().exits_with(0);
    let head = format!("flag {FLAG} refund_count: counts until ");
    assert!(ran.stdout.contains(&head), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("rests on {REFUND}")), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("over order 00000009-0001-7000-8000-000000000000, by choices"),
        "{}",
        ran.stdout
    );
    customer(&database, ["show", "c-8"]).run().fails(4, &["anything noted of customer c-8"]);
}

#[tokio::test]
async fn a_flag_is_lifted_once_with_who_and_why() {
    let database = with_flag().await;
    let why = "the parcels were lost";
    let ran = customer(&database, ["lift-flag", "c-7", FLAG, "--reason", why]).run().exits_with(0);
    assert!(ran.stdout.contains("refund_count: lifted by ops-7 at "), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("because: {why}")), "{}", ran.stdout);
    customer(&database, ["lift-flag", "c-7", FLAG, "--reason", why])
        .run()
        .fails(4, &["no such flag that counts now", "orderctl customer show c-7"]);
    let noted = "SELECT action || ' ' || object || ' ' || (detail ->> 'flag') FROM audit";
    let expected = format!("customer.lift-flag customer:c-7 {FLAG}");
    assert_eq!(database.texts(noted).await, [expected]);
    let shown = customer(&database, ["show", "c-7", "-o", "json"]).run().versioned_json();
    assert_eq!(shown["flags"][0]["live"], false);
    assert_eq!(shown["flags"][0]["lifted_by"], "ops-7");
}

#[tokio::test]
async fn a_restriction_is_shown_and_lifted_once_with_who_and_why() {
    let database = TestDatabase::migrated().await;
    database
        .run(
            "INSERT INTO customer_marks (
                 customer_ref, unpaid, level, restricted_until, restricted_by, policy_version,
                 updated_at
             ) VALUES (
                 'c-7', ARRAY[now(), now()], 'limited', now() + INTERVAL '1 day',
                 '00000009-0001-7000-8000-000000000000', 'defaults-1', now()
             )",
        )
        .await;
    let ran = customer(&database, ["show", "c-7"]).run().exits_with(0);
    assert!(ran.stdout.contains("2 unpaid orders of late: limited until "), "{}", ran.stdout);
    let why = "the shop was down";
    let ran = customer(&database, ["lift", "c-7", "--reason", why]).run().exits_with(0);
    let said = "0 unpaid orders of late: not restricted; lifted by ops-7 at ";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
    customer(&database, ["lift", "c-7", "--reason", why])
        .run()
        .fails(4, &["nothing is closed to the customer now"]);
    let noted = "SELECT action || ' ' || object || ' ' || actor || ' ' || reason FROM audit";
    assert_eq!(database.texts(noted).await, [format!("customer.lift customer:c-7 ops-7 {why}")]);
}

#[tokio::test]
async fn consent_is_taken_back_by_an_event_that_is_noted_first() {
    let (database, broker) = (TestDatabase::migrated().await, TestBroker::unique());
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let withdraw = |customer_ref| {
        customer(&database, ["withdraw-consent", customer_ref, "--purpose", "recovery"])
            .arg("--reason")
            .arg("told on the phone")
            .broker(&broker)
    };
    withdraw("c-7").run().fails(4, &["an order of customer c-7", "is sent nothing"]);
    assert_eq!(database.texts("SELECT action FROM audit").await, Vec::<String>::new());
    database.run(ORDER_OF_C7).await;
    let ran = withdraw("c-7").run().exits_with(0);
    assert!(ran.stdout.contains("of customer c-7 to recovery: taken back"), "{}", ran.stdout);
    let noted = "SELECT action || ' ' || object || ' ' || actor || ' ' || reason FROM audit";
    let expected = "customer.withdraw-consent customer:c-7 ops-7 told on the phone";
    assert_eq!(database.texts(noted).await, [expected]);
    let messages = take_messages(&broker, &format!("{}.order-created", broker.prefix()));
    let [message] = &messages[..] else { panic!("one message: {messages:?}") };
    let body = message["payload"].as_str().unwrap();
    let event: Value = serde_json::from_str(body).unwrap();
    assert_eq!(event["type"], EventKind::ConsentWithdrawn.type_name());
    assert_eq!(event["data"]["order_id"], ORDER);
    assert_eq!(event["data"]["purpose"], "recovery");
    orderctl(["event", "validate", "-"]).input(body).run().exits_with(0);
}
