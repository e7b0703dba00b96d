//! Timeouts on the ladder: how long after the end of its window an order expires.

use clap::ValueEnum;
use fleet::Weather;

use crate::orders::short_order;
use crate::servers::{Server, Servers};
use crate::stage::{Stage, StageOptions};

/// Lets orders expire over the ladder and prints how late they were.
#[derive(Clone, Debug, clap::Parser)]
pub struct Options {
    /// Orders, each with one payment timeout.
    #[arg(long, default_value_t = 2_500)]
    pub orders: u32,
    /// Windows are spread over so many seconds.
    #[arg(long, default_value_t = 20)]
    pub spread_s: u32,
    /// The shortest window, in seconds.
    #[arg(long, default_value_t = 3)]
    pub shortest_s: u32,
    /// What happens to the broker once all timeouts wait in it.
    #[arg(long, value_enum, default_value_t = Fault::None)]
    pub fault: Fault,
}

/// What may happen to a broker in which timeouts wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Nothing: the ladder's own lateness, without any help from the database.
    None,
    /// It is killed and started again; the scheduler helps after its usual grace of 10 s.
    Restart,
    /// It loses everything, as if its disk were new; the scheduler helps as before.
    Wipe,
}

impl Fault {
    fn grace(self) -> &'static str {
        match self {
            Self::None => "1h",
            Self::Restart | Self::Wipe => "10s",
        }
    }
}

/// Measures and prints.
///
/// # Errors
/// When the machine does not say how many cores it has.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let workers = StageOptions::rules_and(&["outbox-relay", "timer-scheduler"]);
    let workers = workers.with("ORDERFLOW_TIMER_GRACE", options.fault.grace());
    let mut servers = match options.fault {
        Fault::Restart => Some(Servers::alone().await),
        Fault::None | Fault::Wipe => None,
    };
    let workers = match (options.fault, &servers) {
        (Fault::Wipe, _) => workers.by_lines(),
        (_, Some(servers)) => workers.on(servers),
        (_, None) => workers,
    };
    let stage = Stage::start(workers).await;
    let orders: Vec<_> = (0..options.orders)
        .map(|number| short_order(number, options.shortest_s + number % options.spread_s))
        .collect();
    stage.publish(&orders).await;
    let back = happen(options.fault, &stage, servers.as_mut(), options.orders).await;
    let expired = "SELECT count(*) FROM orders WHERE status = 'expired'";
    stage.until("every order expires", expired, i64::from(options.orders)).await;
    let cores = std::thread::available_parallelism()?;
    let fault = options.fault;
    println!("{cores} cores, ladder, {fault:?}: {}", figures(&stage, back.as_deref()).await);
    stage.finish().await;
    Ok(())
}

/// Lets it happen; returns when the broker was there again.
async fn happen(
    fault: Fault,
    stage: &Stage,
    servers: Option<&mut Servers>,
    timers: u32,
) -> Option<String> {
    if fault == Fault::None {
        return None;
    }
    let waiting = "SELECT count(*) FROM timers
         WHERE kind = 'payment_timeout' AND handed_over_at IS NOT NULL";
    stage.until("the timeouts wait in the broker", waiting, timers.into()).await;
    if let Some(servers) = servers {
        servers.kill(Server::Broker);
        servers.start_again().await;
    } else {
        let line = &stage.lines.as_ref()?.broker;
        line.set(Weather::Cut);
        stage.wipe_broker().await;
        line.set(Weather::Clear);
    }
    Some(stage.database.texts("SELECT now()::text").await.concat())
}

/// How late timers were; and after a fault, how long after the broker's return.
async fn figures(stage: &Stage, back: Option<&str>) -> String {
    let since = back.map_or("expires_at".to_owned(), |back| {
        format!("greatest(expires_at, '{back}'::timestamptz)")
    });
    let figures = format!(
        "SELECT format('%s timers: p50 %s ms, p99 %s ms, max %s ms, early %s', count(*),
            round(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY late)),
            round(1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY late)),
            round(1000 * max(late)), count(*) FILTER (WHERE closed_at < expires_at))
        FROM (SELECT extract(epoch FROM closed_at - {since})::float8 AS late,
            closed_at, expires_at FROM orders) AS o"
    );
    let late = stage.database.texts(&figures).await.concat();
    match back {
        None => late,
        Some(_) => format!("{late} after the later of its time and the broker's return"),
    }
}
