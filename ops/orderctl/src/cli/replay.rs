//! What `orderctl replay` and `orderctl audit` take.

use clap::{Args, Subcommand};
use contracts::Timestamp;

use super::select::SaidArgs;
use super::values::chain_end;

/// Replays of dead letters.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ReplayCommand {
    /// Lists replays, the newest first.
    List(ReplayListArgs),
    /// Shows a replay: who, why, what, how it goes, and what became of its messages.
    Show(BatchArgs),
    /// Follows a replay to its end, with rate and time left; Ctrl-C ends only the watching.
    ///
    /// Exits with 3 when some messages did not succeed, with 8 when the replay stopped itself.
    Watch(BatchArgs),
    /// Sends nothing more of a replay until it is resumed; what was sent goes on.
    Pause(SteerArgs),
    /// Goes on with a replay that was paused, or stopped itself.
    Resume(SteerArgs),
    /// Ends a replay: what was not sent is parked again.
    Cancel(CancelArgs),
}

/// Which replays.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ReplayListArgs {
    /// Only those that are not done.
    #[arg(long)]
    pub(crate) open: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub(crate) limit: i64,
}

/// Which replay.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct BatchArgs {
    /// The replay's number, as `replay list` prints it.
    #[arg(value_name = "BATCH")]
    pub(crate) batch: i64,
}

/// Which replay, by whom and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct SteerArgs {
    /// The replay's number, as `replay list` prints it.
    #[arg(value_name = "BATCH")]
    pub(crate) batch: i64,
    /// By whom and why.
    #[command(flatten)]
    pub(crate) said: SaidArgs,
}

/// Which replay ends, by whom and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct CancelArgs {
    /// Which replay, by whom and why.
    #[command(flatten)]
    pub(crate) steer: SteerArgs,
    /// Also park what was sent and never heard of; it may come twice then.
    #[arg(long)]
    pub(crate) release_sent: bool,
}

/// What people did.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Lists what people did and why, the newest first.
    List(AuditListArgs),
    /// Proves that no row was changed or removed; exits with 3 when one was.
    Verify(AuditVerifyArgs),
}

/// Which rows.
#[derive(Clone, Debug, Args)]
pub(crate) struct AuditListArgs {
    /// By this person only.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Actions that begin so, such as `dlq.` or `replay.start`.
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,
    /// On this only, such as `replay:7` or `letter:12`.
    #[arg(long, value_name = "OBJECT")]
    pub(crate) object: Option<String>,
    /// Not before this time, such as 2026-11-01T10:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Timestamp>,
    /// Before this time only.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
    /// Only rows before this one: the next page, as the end of a page tells.
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<i64>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub(crate) limit: i64,
}

/// What the chain is held to.
#[derive(Clone, Debug, Args)]
pub(crate) struct AuditVerifyArgs {
    /// A row and its hash noted elsewhere, as `audit verify` prints them: shows what was cut off.
    #[arg(long, value_name = "ID:HASH", value_parser = chain_end)]
    pub(crate) expect: Option<(i64, String)>,
}
