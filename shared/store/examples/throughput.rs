//! How fast one connection opens and pays orders, and in how many statements.
//!
//! `cargo run -p store --example throughput -- [orders] [batch]`

#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]

#[path = "../tests/it/pipeline.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod pipeline;
#[path = "../tests/it/rules.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod rules;

use std::time::{Duration, Instant};

use contracts::events::{OrderEvent, PaymentEvent};
use pipeline::{Job, job, run};
use store::{Database, DatabaseConfig};
use testkit::{TestDatabase, shop};

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let mut number =
        |default| numbers.next().map_or(default, |n| n.expect("arguments are numbers"));
    let (orders, batch) = (number(20_000), number(500));
    let home = TestDatabase::migrated().await;
    let url = home.url().parse().expect("the test database has a URL");
    let mut database =
        Database::connect(&DatabaseConfig::new(url, "throughput")).await.expect("it is running");

    let numbers = || 0..u32::try_from(orders).expect("there are fewer orders than that");
    let created: Vec<Job> = numbers().map(opening).collect();
    let opened = drain(&mut database, &created, batch).await;
    report("order.created", orders, opened);
    let captured: Vec<Job> = numbers().map(payment).collect();
    let paid = drain(&mut database, &captured, batch).await;
    report("payment.attempted", orders, paid);
}

fn opening(number: u32) -> Job {
    job::<OrderEvent>(&shop::order_created(shop::order_id(number)), rules::order)
}

fn payment(number: u32) -> Job {
    let event = shop::captured(shop::order_id(number), shop::attempt_id(number), 10_000);
    job::<PaymentEvent>(&event, rules::payment)
}

async fn drain(database: &mut Database, jobs: &[Job], batch: usize) -> Duration {
    let began = Instant::now();
    for jobs in jobs.chunks(batch) {
        run(database, jobs).await.expect("every batch commits");
    }
    began.elapsed()
}

fn report(kind: &str, events: usize, took: Duration) {
    let micros = took.as_micros() / events.max(1) as u128;
    let per_second = 1_000_000 / micros.max(1);
    println!("{kind}: {events} events in {took:.2?}, {micros} us each, {per_second} per second");
}
