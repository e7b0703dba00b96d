//! Timeouts on the ladder: how long after the end of its window an order expires.

use crate::orders::short_order;
use crate::stage::{Stage, StageOptions};

/// Lets orders expire over the ladder and prints how late they were.
#[derive(Clone, Debug, clap::Parser)]
pub struct Options {
    /// Orders, each with one payment timeout.
    #[arg(long, default_value_t = 2_500)]
    pub orders: u32,
    /// Windows are spread over so many seconds, from 3 on.
    #[arg(long, default_value_t = 20)]
    pub spread_s: u32,
}

/// Measures and prints.
///
/// # Errors
/// When the machine does not say how many cores it has.
pub async fn run(options: Options) -> anyhow::Result<()> {
    // Nothing is fired directly: what the figures show is the ladder's own lateness.
    let workers = StageOptions::rules_and(&["outbox-relay", "timer-scheduler"]);
    let stage = Stage::start(workers.with("ORDERFLOW_TIMER_GRACE", "1h")).await;
    let orders: Vec<_> = (0..options.orders)
        .map(|number| short_order(number, 3 + number % options.spread_s))
        .collect();
    stage.publish(&orders).await;
    let expired = "SELECT count(*) FROM orders WHERE status = 'expired'";
    stage.until("every order expires", expired, i64::from(options.orders)).await;
    let figures = "
        SELECT format('%s timers: p50 %s ms, p99 %s ms, max %s ms, early %s', count(*),
            round(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY late)),
            round(1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY late)),
            round(1000 * max(late)), count(*) FILTER (WHERE late < 0))
        FROM (SELECT extract(epoch FROM closed_at - expires_at)::float8 AS late FROM orders) AS o";
    let cores = std::thread::available_parallelism()?;
    println!("{cores} cores, ladder, {}", stage.database.texts(figures).await.concat());
    stage.finish().await;
    Ok(())
}
