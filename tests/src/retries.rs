//! Retries on the ladder: the delays that a failing message really takes.

use contracts::Timestamp;
use serde_json::Value;
use testkit::shop::{order_created, order_id};

use crate::stage::{Stage, StageOptions};

/// Lets one message fail six times with the default policy and prints the times between.
///
/// # Errors
/// When the worker's log cannot be read.
pub async fn run() -> anyhow::Result<()> {
    let options = StageOptions::rules_and(&["dead-letter-parker"])
        .with("ORDERFLOW_RETRY_ATTEMPTS", "6")
        .with("ORDERFLOW_FAILPOINTS", "panic:bad-apple");
    let mut stage = Stage::start(options).await;
    stage.publish(&[order_created(order_id(1)).id("bad-apple")]).await;
    stage.until("it is parked", "SELECT count(*) FROM dead_letters WHERE attempts = 6", 1).await;
    let worker = stage.fleet.member("order-created").expect("it runs");
    let log = std::fs::read_to_string(worker.log())?;
    let failures: Vec<Timestamp> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["message"] == "message failed")
        .filter_map(|line| line["timestamp"].as_str()?.parse().ok())
        .collect();
    for (attempt, pair) in (1..).zip(failures.windows(2)) {
        let took = pair[1].since(pair[0]);
        println!("after failure {attempt}: tried again {:.2} s later", took.as_secs_f64());
    }
    println!("after failure {}: dead-lettered", failures.len());
    stage.finish().await;
    Ok(())
}
