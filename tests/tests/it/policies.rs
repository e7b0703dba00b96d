//! The shops' choices: from a file, by merchant, taken over while a worker runs.

use std::path::Path;
use std::time::Duration;

use system_tests::{Stage, StageOptions};
use testkit::eventually;
use testkit::shop::{order_created, order_id};

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("the folder is ours");
}

/// The minutes of an order's payment window, and the version that it was set by.
async fn window(stage: &Stage, order: u32) -> (i64, String) {
    let id = order_id(order);
    let of = |what: &str| format!("SELECT {what} FROM orders WHERE id = '{id}'");
    let minutes = "(extract(EPOCH FROM expires_at - placed_at) / 60)::bigint";
    let version = stage.database.texts(&of("policy_version")).await.concat();
    (stage.database.number(&of(minutes)).await, version)
}

async fn place(stage: &Stage, order: u32, merchant: &str) {
    let event = order_created(order_id(order))
        .with("merchant_id", merchant)
        .with("payment_method_hint", "card");
    stage.publish(&[event]).await;
    let placed = format!("SELECT count(*) FROM orders WHERE id = '{}'", order_id(order));
    stage.until("the order is placed", &placed, 1).await;
}

#[tokio::test]
async fn choices_differ_by_merchant_and_change_without_a_restart() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("policies.toml");
    write(&file, "name = \"a\"\n[window]\ncard = \"10m\"\n[merchant.big.window]\ncard = \"20m\"");
    let options = StageOptions::of(&["order-created"])
        .with("ORDERFLOW_POLICIES", file.to_str().expect("temporary folders have plain names"));
    let mut stage = Stage::start(options).await;
    place(&stage, 1, "small").await;
    place(&stage, 2, "big").await;
    let (minutes, first) = window(&stage, 1).await;
    assert_eq!((minutes, window(&stage, 2).await.0), (10, 20));
    assert!(first.starts_with("a-"), "{first}");

    write(&file, "[window]\ncard = \"never\"");
    reload(&mut stage, "refused").await;
    place(&stage, 3, "small").await;
    assert_eq!(window(&stage, 3).await, (10, first));

    write(&file, "name = \"b\"\n[window]\ncard = \"15m\"");
    reload(&mut stage, "taken").await;
    place(&stage, 4, "big").await;
    let (minutes, second) = window(&stage, 4).await;
    assert_eq!(minutes, 15);
    assert!(second.starts_with("b-"), "{second}");
    stage.finish().await;
}

/// Asks the worker to read its file again, and waits until it has.
async fn reload(stage: &mut Stage, result: &str) {
    let worker = stage.fleet.member("order-created").expect("it was started");
    worker.hang_up();
    eventually(Duration::from_secs(20), "the file was read again", async || {
        let label = format!("result=\"{result}\"");
        match worker.metric("orderflow_policy_reloads_total", &[&label]).await {
            Ok(count) if count > 0.0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}
