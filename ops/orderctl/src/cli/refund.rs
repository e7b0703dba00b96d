//! What `orderctl refund` takes.

use clap::{Args, Subcommand};
use contracts::{BoundedText, RefundId, Token};

use super::values::{actor, reason, refund_id};

/// Refunds: a person's decision.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RefundCommand {
    /// Approves a refund that waits for a person; much money needs the word of two.
    ///
    /// The decision is noted in the audit, then published as `refund.reviewed`; refund-requested
    /// carries it out. One login is one person, whatever names it gives. Exits with 4 when there is
    /// no such refund, and with 1 when it waits for nobody, or for somebody else.
    Approve(ReviewArgs),
    /// Rejects a refund that waits for a person, or stops one that is kept back.
    ///
    /// As for `approve`. Of late money under review it means that the order is to be paid with it.
    /// One that the shop's choices keep back before its provider is told (`auto_refund_delay`) is
    /// stopped by it, and told at once by `approve`.
    Reject(ReviewArgs),
}

/// On which refund is decided, by whom and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReviewArgs {
    /// The refund's id.
    #[arg(value_name = "ID", value_parser = refund_id)]
    pub(crate) id: RefundId,
    /// Who decides: a name that the audit knows, such as a login.
    #[arg(long, env = "ORDERFLOW_ACTOR", value_name = "NAME", value_parser = actor)]
    pub(crate) actor: Token<64>,
    /// Why, in at most 500 characters and without personal data.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: BoundedText<500>,
}
