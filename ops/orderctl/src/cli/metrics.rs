//! The commands on metrics.

use clap::{Args, Subcommand};

/// What the processes count and measure.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum MetricsCommand {
    /// Lists every metric there is: its kind, unit, labels and meaning.
    ///
    /// Needs no service. Workers serve theirs at `/metrics`; those of invariants are written by
    /// `orderctl verify --textfile`.
    Catalog(CatalogArgs),
}

/// How the catalogue is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CatalogArgs {
    /// As a table in Markdown, such as that of `ops/docs/metrics.md`.
    #[arg(long, conflicts_with = "output")]
    pub(crate) markdown: bool,
}
