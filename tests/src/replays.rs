//! The replay run: dead letters by the thousand, from the dead queue to resolved.

use std::time::{Duration, Instant};

use crate::dead_letters::{dead_letter, replay_call};
use crate::orders::open_order;
use crate::stage::{Stage, StageOptions};

/// Parks, groups, plans, replays and resolves dead letters, and prints how long each took.
///
/// Build with `cargo build --release --workspace --bins` and run
/// `cargo run --release -p system-tests --bin replay-run`.
#[derive(Clone, Debug, clap::Parser)]
pub struct Options {
    /// Dead letters.
    #[arg(long, default_value_t = 100_000)]
    pub letters: u32,
    /// Replays per second.
    #[arg(long, default_value_t = 500)]
    pub rate: u32,
    /// Replays whose outcome is awaited.
    #[arg(long, default_value_t = 500)]
    pub in_flight: u32,
}

/// Letters published at once.
const CHUNK: usize = 5_000;

/// Runs and prints.
///
/// # Errors
/// When a figure cannot be had, or the rate is missed by more than a tenth.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let Options { letters, rate, in_flight } = options;
    println!("{letters} letters, {rate}/s asked for, {in_flight} in flight");
    let stage_options = StageOptions::of(&["order-created", "dead-letter-parker", "outbox-relay"]);
    let mut stage = Stage::prepare(&stage_options).await;
    let publications: Vec<_> =
        (0..letters).map(|n| dead_letter(&stage.names, "order-created", &open_order(n))).collect();
    for chunk in publications.chunks(CHUNK) {
        stage.publish_raw(chunk.to_vec()).await;
    }
    let bound = Duration::from_mins(2) + Duration::from_millis(20) * letters;
    let started = Instant::now();
    stage.start_workers(&stage_options).await;
    let parked = "SELECT count(*) FROM dead_letters WHERE status = 'parked'";
    stage.until_within(bound, "all are parked", parked, i64::from(letters)).await;
    tell("parked", letters, started.elapsed());

    let started = Instant::now();
    let groups = stage.database.number("SELECT count(*) FROM failure_groups_listed").await;
    println!("grouped: {groups} group(s) in {:.2?}", started.elapsed());
    let started = Instant::now();
    let plan = r#"SELECT selected FROM replay_plan('{"status": ["parked"]}', NULL, false)"#;
    let planned = stage.database.number(plan).await;
    println!("planned: {planned} in {:.2?}", started.elapsed());
    let started = Instant::now();
    let call = replay_call(rate, in_flight, 10, 100_000);
    let batch = stage.database.number(&call).await;
    println!("claimed: replay {batch} in {:.2?}", started.elapsed());

    let started = Instant::now();
    let resolved = "SELECT count(*) FROM dead_letters WHERE status = 'resolved'";
    stage.until_within(bound, "all are resolved", resolved, i64::from(letters)).await;
    tell("resolved", letters, started.elapsed());
    let done = "SELECT count(*) FROM replay_batches WHERE state = 'done'";
    stage.until("the replay is done", done, 1).await;
    let per_hour =
        "SELECT (3600 * count(*) / extract(EPOCH FROM max(sent_at) - min(sent_at)))::bigint
                    FROM replay_items";
    let found = stage.database.number(per_hour).await / 3600;
    println!("sent at {found}/s");
    stage.finish().await;
    let wanted = i64::from(rate);
    anyhow::ensure!((found - wanted).abs() * 10 <= wanted, "{found}/s is not {wanted}/s");
    Ok(())
}

fn tell(what: &str, letters: u32, took: Duration) {
    println!("{what}: {letters} in {took:.2?}, {:.0}/s", f64::from(letters) / took.as_secs_f64());
}
