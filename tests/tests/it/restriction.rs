//! A customer whose orders expire unpaid, through the real binaries.

use contracts::Token;
use store::customers;
use store::privacy::CustomerRef;
use system_tests::{Stage, StageOptions, short_order};
use testkit::shop::{order_created, order_id};

/// Most orders that are left unpaid: those that expire in one batch are judged by the next one.
const MOST: u32 = 6;

/// An order placed now, whose window the shop leaves to us.
fn order(number: u32) -> testkit::shop::ShopEvent {
    order_created(order_id(number)).with("placed_at", runtime::now().to_string())
}

async fn place(stage: &Stage, event: &testkit::shop::ShopEvent, number: u32) -> String {
    stage.publish(std::slice::from_ref(event)).await;
    let id = order_id(number);
    let there = format!("SELECT count(*) FROM orders WHERE id = '{id}'");
    stage.until("the order is there", &there, 1).await;
    let standing = format!(
        "SELECT status || ' ' || coalesce(close_reason::text, '-') FROM orders WHERE id = '{id}'"
    );
    stage.database.texts(&standing).await.concat()
}

#[tokio::test]
async fn a_customer_who_leaves_orders_unpaid_is_limited_until_a_person_lifts_it() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("policies.toml");
    let text = "[customers.unpaid]\nwarn_from = 3\nlimit_from = 3\n";
    std::fs::write(&file, text).expect("the folder is ours");
    let options = StageOptions::everyone()
        .with("ORDERFLOW_POLICIES", file.to_str().expect("temporary folders have plain names"));
    let stage = Stage::start(options).await;

    let restricted = "SELECT count(*) FROM customer_marks
                      WHERE level = 'limited' AND restricted_until > now()";
    for number in 1..=MOST {
        stage.publish(&[short_order(number, 1)]).await;
        let expired = format!(
            "SELECT count(*) FROM orders WHERE id = '{}' AND status = 'expired'",
            order_id(number)
        );
        stage.until("the order expires", &expired, 1).await;
        if stage.database.number(restricted).await == 1 {
            break;
        }
    }
    stage.until("the customer is limited", restricted, 1).await;

    assert_eq!(place(&stage, &order(11), 11).await, "pending_payment -");
    let minutes = format!(
        "SELECT (extract(EPOCH FROM expires_at - placed_at) / 60)::bigint FROM orders
         WHERE id = '{}'",
        order_id(11)
    );
    assert_eq!(stage.database.number(&minutes).await, 15);
    assert_eq!(place(&stage, &order(12), 12).await, "cancelled customer_restricted");

    let actor: Token<64> = "ops-7".parse().expect("it is a short token");
    let customer: CustomerRef = "c-1".parse().expect("it is a reference");
    let mut database = stage.connect().await;
    let lifted = customers::lift(&mut database, &customer, &actor, "the shop was down").await;
    assert!(lifted.expect("the database is there"));
    assert_eq!(place(&stage, &order(13), 13).await, "pending_payment -");
    let told = "SELECT count(*) FROM outbox WHERE routing_key = 'customer.restriction_lifted'";
    stage.until("the end of it is announced", told, 1).await;
    let noted = "SELECT action || ' ' || object || ' ' || actor FROM audit";
    assert_eq!(stage.database.texts(noted).await, ["customer.lift customer:c-1 ops-7"]);
    stage.finish().await;
}
