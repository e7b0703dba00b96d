//! The backlog drain: preloaded queues, then the workers, then the time that the database saw.

use contracts::events::PaymentOutcome;
use testkit::shop::{
    ShopEvent, attempt_id, captured, dispute_id, dispute_opened, order_id, payment,
    refund_requested,
};

use crate::orders::open_order;
use crate::stage::{Stage, StageOptions};

/// Drains the same backlog with each batch size and prints events per second.
///
/// Build with `cargo build --release --workspace --bins` and run
/// `cargo run --release -p system-tests --bin backlog-drain`.
#[derive(Clone, Debug, clap::Parser)]
pub struct Options {
    /// Events in the backlog.
    #[arg(long, default_value_t = 50_000)]
    pub events: u32,
    /// Batch sizes to compare, in turn.
    #[arg(long, value_delimiter = ',', default_values_t = [500, 1])]
    pub batches: Vec<u32>,
    /// How often each one is measured.
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
}

/// Events published at once while preloading.
const CHUNK: usize = 5_000;

/// Measures and prints.
///
/// # Errors
/// When a figure cannot be had.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?;
    println!("{} events, {cores} cores, {} rounds", options.events, options.rounds);
    let mut rates: Vec<(u32, Vec<f64>)> =
        options.batches.iter().map(|batch| (*batch, Vec::new())).collect();
    // Interleaved, so that a noisy neighbour hits all alike.
    for round in 1..=options.rounds {
        for (batch, rates) in &mut rates {
            let rate = drain(options.events, *batch).await?;
            println!("round {round}, batch {batch}: {rate:.0} events/s");
            rates.push(rate);
        }
    }
    for (batch, rates) in &mut rates {
        rates.sort_by(f64::total_cmp);
        println!("median, batch {batch}: {:.0} events/s", rates[rates.len() / 2]);
    }
    Ok(())
}

async fn drain(events: u32, batch: u32) -> anyhow::Result<f64> {
    let options = StageOptions::rules_and(&["outbox-relay", "timer-scheduler"])
        .with("ORDERFLOW_BATCH", batch.to_string())
        // A payment may be far ahead of its order, and waits for it however long the drain takes.
        .with("ORDERFLOW_PARK_TTL", "1h");
    let mut stage = Stage::prepare(&options).await;
    let backlog = backlog(events);
    for chunk in backlog.chunks(CHUNK) {
        stage.publish(chunk).await;
    }
    stage.start_workers(&options).await;
    let count = u32::try_from(backlog.len())?;
    stage.until_decided(count).await;
    let micros = "SELECT (extract(epoch FROM max(received_at) - min(received_at)) * 1e6)::bigint
                  FROM inbox WHERE source = '/test/shop'";
    let micros = stage.database.number(micros).await;
    stage.finish().await;
    // Far below 2^52, so exact.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^52")]
    let seconds = micros as f64 / 1e6;
    Ok(f64::from(count) / seconds)
}

/// Orders of which 85 % are paid, 5 % refunded in part, 1 % disputed.
fn backlog(events: u32) -> Vec<ShopEvent> {
    let mut backlog = Vec::new();
    for number in 0.. {
        if backlog.len() >= usize::try_from(events).unwrap_or(usize::MAX) {
            break;
        }
        let (order, attempt) = (order_id(number), attempt_id(number));
        backlog.push(open_order(number));
        if number % 100 < 85 {
            backlog.push(captured(order, attempt, 10_000));
        } else {
            backlog.push(payment(order, attempt, PaymentOutcome::Declined, 10_000));
        }
        if number % 20 == 0 {
            backlog.push(refund_requested(order, &format!("r-{number}"), 2_000));
        }
        if number % 100 == 1 {
            backlog.push(dispute_opened(order, dispute_id(number), attempt, 3_000));
        }
    }
    backlog
}
