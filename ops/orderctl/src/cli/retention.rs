//! What `orderctl retention` takes.

use std::time::Duration;

use clap::{Args, Subcommand};
use store::retention::Periods;

use super::values::{inbox_period, period};

/// What goes by age.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Lets go what is old enough; nothing unresolved goes, however old it is.
    ///
    /// Orders go with their history and ledger once nothing was recorded about them for the years
    /// that the table `retention_periods` says, ten by default.
    Run(RetentionArgs),
}

/// How long things are kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct RetentionArgs {
    /// Show what would go, and let nothing go.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How long sent messages are kept; whole days are dropped.
    #[arg(
        long,
        env = "ORDERFLOW_RETENTION_OUTBOX",
        default_value = "7d",
        value_name = "DURATION",
        value_parser = period
    )]
    pub(crate) outbox: Duration,
    /// How long accepted events are remembered against duplicates; at least 400d.
    #[arg(
        long,
        env = "ORDERFLOW_RETENTION_INBOX",
        default_value = "400d",
        value_name = "DURATION",
        value_parser = inbox_period
    )]
    pub(crate) inbox: Duration,
    /// How long dead letters are kept after they were resolved or archived.
    #[arg(
        long,
        env = "ORDERFLOW_RETENTION_DEAD_LETTERS",
        default_value = "90d",
        value_name = "DURATION",
        value_parser = period
    )]
    pub(crate) dead_letters: Duration,
    /// How long the keys of days are kept, which seal what names no order and no customer.
    #[arg(
        long,
        env = "ORDERFLOW_RETENTION_DAY_KEYS",
        default_value = "90d",
        value_name = "DURATION",
        value_parser = period
    )]
    pub(crate) day_keys: Duration,
    /// How long flags and marks of customers are kept after they ended.
    #[arg(
        long,
        env = "ORDERFLOW_RETENTION_MARKS",
        default_value = "90d",
        value_name = "DURATION",
        value_parser = period
    )]
    pub(crate) marks: Duration,
    /// How long messages are noted that may have ended a worker, after it tried them last.
    #[arg(
        long,
        env = "ORDERFLOW_RETENTION_SUSPECTS",
        default_value = "30d",
        value_name = "DURATION",
        value_parser = period
    )]
    pub(crate) suspects: Duration,
}

impl RetentionArgs {
    /// The periods as the store takes them.
    pub(crate) fn periods(&self) -> Periods {
        Periods {
            outbox: self.outbox,
            inbox: self.inbox,
            letters: self.dead_letters,
            day_keys: self.day_keys,
            marks: self.marks,
            suspects: self.suspects,
        }
    }
}
