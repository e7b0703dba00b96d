//! The command on one worker.

use clap::Args;

/// Which worker, and what else is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Where its pages are, as its `ORDERFLOW_HTTP_LISTEN` says: host and port.
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
    /// Also metrics whose names begin like this, such as `orderflow_batch_retries_total`.
    #[arg(value_name = "METRIC")]
    pub(crate) names: Vec<String>,
}
