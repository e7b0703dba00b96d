//! `orderctl refund`.

use contracts::EventKind;
use serde_json::Value;
use testkit::{TestBroker, TestDatabase};

use crate::management::take_messages;
use crate::program::{Program, orderctl};

const REFUND: &str = "0000000a-0008-7000-8000-000000000000";
const ORDER: &str = "0000000a-0001-7000-8000-000000000000";

/// A refund that waits for a person; `first` approved it before, if anybody did.
async fn waiting(first: &str) -> TestDatabase {
    let database = TestDatabase::migrated().await;
    let row = format!(
        "INSERT INTO refunds (
             order_id, id, customer_ref, request_key, part, reason, requested_at, attempt_id,
             currency, amount_minor, status, funded_from, first_approver, last_event_at
         ) VALUES (
             '{ORDER}', '{REFUND}', 'c-7', 'wish-1', 0, 'defective', now(), '{ORDER}', 'EUR',
             900000, 'pending_review', 'customer_funds', nullif('{first}', ''), now()
         )"
    );
    database.run(&row).await;
    database
}

fn refund(database: &TestDatabase, broker: &TestBroker, verdict: &str) -> Program {
    orderctl(["refund"])
        .arg(verdict)
        .arg(REFUND)
        .env("ORDERFLOW_ACTOR", "ops-7")
        .arg("--reason")
        .arg("the goods are back")
        .database(database)
        .broker(broker)
}

/// What the audit says: action, object, actor, role and reason of each row.
async fn audit(database: &TestDatabase) -> Vec<String> {
    let rows = "SELECT action || ' ' || object || ' ' || actor || ' ' || role || ' ' || reason
                FROM audit ORDER BY id";
    database.texts(rows).await
}

#[tokio::test]
async fn a_decision_is_noted_and_published_as_the_event_of_a_person() {
    let (database, broker) = (waiting("").await, TestBroker::unique());
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    for (verdict, said) in [("approve", "approved"), ("reject", "rejected")] {
        let ran = refund(&database, &broker, verdict).run().exits_with(0);
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
    }
    let noted =
        |verdict| format!("refund.{verdict} refund:{REFUND} ops-7 operator the goods are back");
    assert_eq!(audit(&database).await, [noted("approve"), noted("reject")]);
    let queue = format!("{}.refund-requested", broker.prefix());
    let messages = take_messages(&broker, &queue);
    let bodies: Vec<&str> = messages.iter().map(|it| it["payload"].as_str().unwrap()).collect();
    assert_eq!(bodies.len(), 2, "{messages:?}");
    for (body, verdict) in bodies.iter().zip(["approved", "rejected"]) {
        let event: Value = serde_json::from_str(body).unwrap();
        assert_eq!(event["type"], EventKind::RefundReviewed.type_name());
        assert_eq!(event["data"]["verdict"], verdict);
        assert_eq!(event["data"]["reviewed_by"]["id"], "ops-7");
        assert_eq!(event["data"]["order_id"], ORDER);
    }
    orderctl(["event", "validate", "-"]).input(bodies.join("\n")).run().exits_with(0);
}

#[tokio::test]
async fn one_person_does_not_approve_twice_and_nothing_is_noted_of_it() {
    let (database, broker) = (waiting("ops-7").await, TestBroker::unique());
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    let words = ["ops-7 approved it before, and another person has to, too"];
    refund(&database, &broker, "approve").run().fails(1, &words);
    assert_eq!(audit(&database).await, Vec::<String>::new());
    refund(&database, &broker, "approve").env("ORDERFLOW_ACTOR", "ops-8").run().exits_with(0);
    assert_eq!(audit(&database).await.len(), 1);
}

#[tokio::test]
async fn one_login_does_not_approve_twice_under_two_names() {
    let (database, broker) = (waiting("").await, TestBroker::unique());
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    refund(&database, &broker, "approve").run().exits_with(0);
    let other = refund(&database, &broker, "approve").env("ORDERFLOW_ACTOR", "ops-8");
    other.run().fails(1, &["your login approved it before, as ops-7", "a login of their own"]);
    assert_eq!(audit(&database).await.len(), 1, "nothing is noted, so nothing was published");
    let queue = format!("{}.refund-requested", broker.prefix());
    assert_eq!(take_messages(&broker, &queue).len(), 1);
    refund(&database, &broker, "reject").env("ORDERFLOW_ACTOR", "ops-8").run().exits_with(0);
}

#[tokio::test]
async fn a_refund_that_is_kept_back_can_be_stopped() {
    let (database, broker) = (waiting("").await, TestBroker::unique());
    orderctl(["topology", "apply"]).broker(&broker).run().exits_with(0);
    database
        .run("UPDATE refunds SET status = 'approved', held_until = now() + INTERVAL '1 hour'")
        .await;
    refund(&database, &broker, "reject").run().exits_with(0);
    database.run("UPDATE refunds SET held_until = NULL").await;
    refund(&database, &broker, "reject").run().fails(1, &["it waits for nobody: it is approved"]);
}

#[tokio::test]
async fn what_waits_for_nobody_is_not_decided_on() {
    let (database, broker) = (waiting("").await, TestBroker::unique());
    database.run("UPDATE refunds SET status = 'succeeded'").await;
    refund(&database, &broker, "reject").run().fails(1, &["it waits for nobody: it is succeeded"]);
    database.run("DELETE FROM refunds").await;
    refund(&database, &broker, "reject").run().fails(4, &["no refund has this id"]);
    assert_eq!(audit(&database).await, Vec::<String>::new());
}
