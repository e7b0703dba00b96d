//! What `orderctl dlq edit` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::select::{LookerArgs, SaidArgs, SureArgs};

/// Changes of bodies.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum EditCommand {
    /// Proposes a change of a parked letter's body, as a JSON Patch; checked by its schema.
    Propose(ProposeArgs),
    /// Lists edits, those that nobody decided on first.
    List,
    /// Shows the patch of an edit and the difference it makes; noted in the audit.
    Show(ShowEditArgs),
    /// Makes a new parked letter of an edit and archives the original.
    ///
    /// Somebody else than who proposed it, with another login (8).
    Approve(DecideEditArgs),
    /// Drops an edit.
    Reject(DecideEditArgs),
    /// Allows edits in this deployment, or forbids them again: for administrators.
    Allow(AllowEditsArgs),
}

/// Which change, by whom and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProposeArgs {
    /// The letter's id.
    #[arg(value_name = "ID")]
    pub(crate) id: i64,
    /// A JSON Patch (RFC 6902) of the body; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) patch: PathBuf,
    /// By whom and why.
    #[command(flatten)]
    pub(crate) said: SaidArgs,
}

/// Which edit is shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowEditArgs {
    /// The edit's number, as `dlq edit list` prints it.
    #[arg(value_name = "EDIT")]
    pub(crate) edit: i64,
    /// Who looks.
    #[command(flatten)]
    pub(crate) looker: LookerArgs,
}

/// Which edit is decided on, by whom and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct DecideEditArgs {
    /// The edit's number, as `dlq edit list` prints it.
    #[arg(value_name = "EDIT")]
    pub(crate) edit: i64,
    /// By whom and why.
    #[command(flatten)]
    pub(crate) said: SaidArgs,
    /// How sure.
    #[command(flatten)]
    pub(crate) sure: SureArgs,
}

/// Whether edits are allowed, by whom and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct AllowEditsArgs {
    /// Forbid them instead.
    #[arg(long)]
    pub(crate) off: bool,
    /// By whom and why.
    #[command(flatten)]
    pub(crate) said: SaidArgs,
}
