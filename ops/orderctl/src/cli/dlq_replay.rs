//! What `orderctl dlq plan` and `orderctl dlq replay` take.

use std::path::PathBuf;

use clap::Args;

use super::select::{ActOnArgs, LookerArgs, SaidArgs, SureArgs};
use super::values::{per_second, stop_rule};

/// What would be replayed.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlanArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) on: ActOnArgs,
    /// Write the plan to this file, for `dlq replay --plan FILE`.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Where they would go.
    #[command(flatten)]
    pub(crate) way: WayArgs,
    /// Check at most so many bodies against the contract.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    pub(crate) check: i64,
    /// Who plans.
    #[command(flatten)]
    pub(crate) looker: LookerArgs,
}

/// Where letters go, and whether too many replays keep them.
#[derive(Clone, Debug, Args)]
pub(crate) struct WayArgs {
    /// Another work queue than the one that failed.
    #[arg(long, value_name = "QUEUE")]
    pub(crate) to: Option<String>,
    /// Also what was replayed three times already.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What is replayed, how fast, and how careful.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) on: ActOnArgs,
    /// Exactly what this plan selected; refused (5) when that has changed.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["terms", "filter", "group", "all", "limit", "to", "force"]
    )]
    pub(crate) plan: Option<PathBuf>,
    /// Where they go.
    #[command(flatten)]
    pub(crate) way: WayArgs,
    /// How they go.
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    /// By whom and why.
    #[command(flatten)]
    pub(crate) said: SaidArgs,
    /// How sure.
    #[command(flatten)]
    pub(crate) sure: SureArgs,
    /// Start it, and do not wait for its end.
    #[arg(long)]
    pub(crate) detach: bool,
}

/// How a replay goes.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PaceArgs {
    /// At most so many per second, such as `10/s` or `0.5/s`.
    #[arg(long, value_name = "N/s", default_value = "10/s", value_parser = per_second)]
    pub(crate) rate: f64,
    /// At most so many sent and not decided.
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(i32).range(1..=10_000))]
    pub(crate) max_in_flight: i32,
    /// So many go first; the others wait until these have succeeded.
    #[arg(long, value_name = "N", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) canary: i32,
    /// Stop when more than this share fails again, once so many have ended: `20%/20`.
    #[arg(long, value_name = "SHARE/N", default_value = "20%/20", value_parser = stop_rule)]
    pub(crate) stop_if_reparked: StopRule,
    /// Wait while more than so many messages wait in the queue that they go to.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) max_backlog: i32,
}

/// When a replay stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StopRule {
    /// When more than this share failed again.
    pub(crate) percent: i32,
    /// But not before so many have ended.
    pub(crate) after: i32,
}
