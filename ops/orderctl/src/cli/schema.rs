//! The commands on the contract for publishers.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The contract for publishers.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Compares schemas with older ones; exits with 3 when a change breaks publishers.
    ///
    /// A message that an older schema takes has to be taken, and has to mean the same. What cannot
    /// be shown to be safe counts as breaking.
    Compat(CompatArgs),
    /// Prints the contract as an `AsyncAPI` 3.0 document, from schemas and topology.
    Asyncapi,
}

/// What is compared with what.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompatArgs {
    /// Older schemas: a revision of Git, or a folder; all that messages may still come from.
    #[arg(required = true, value_name = "BASE")]
    pub(crate) bases: Vec<String>,
    /// A folder of newer schemas; those of this program if not given.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) new: Option<PathBuf>,
}
