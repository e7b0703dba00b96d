//! What `orderctl privacy` takes.

use clap::{Args, Subcommand};
use contracts::Timestamp;
use store::privacy::CustomerRef;

use super::values::{customer_ref, said};

/// Customers.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum PrivacyCommand {
    /// Prints everything that is held of a customer: by order, and stored bodies opened.
    ///
    /// Exits with 4 when nothing is held, and with 1 when a stored body cannot be read for want
    /// of its master key.
    Export(ExportArgs),
    /// Makes every stored body of a customer unreadable, for good.
    ///
    /// Orders, money and history stay: they know the customer by the pseudonym only. Refused while
    /// events of the customer are undecided, and, without `--force`, while a dispute or a dead
    /// letter is open. Asks for the reference once more on standard input.
    Erase(EraseArgs),
    /// Names whom a leak concerns: customers, orders and dead letters, for a notification.
    ///
    /// Asks by the master key that was lost, by when it was stored, or by who opened it. A key
    /// counts with everything that it ever wrapped: a backup of that time opens with it. The
    /// question is noted in the audit. Exits with 4 when nothing is concerned.
    Affected(AffectedArgs),
    /// Wraps every stored key with the first master key of the key file.
    ///
    /// The other master keys may leave the key file afterwards; backups made before become
    /// unreadable with them.
    Rotate,
}

/// Which customer.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExportArgs {
    /// The customer's reference, as shops send it.
    #[arg(value_name = "CUSTOMER_REF", value_parser = customer_ref)]
    pub(crate) customer: CustomerRef,
}

/// Whom to erase, and in whose name.
#[derive(Clone, Debug, Args)]
pub(crate) struct EraseArgs {
    /// The customer's reference, as shops send it.
    #[arg(value_name = "CUSTOMER_REF", value_parser = customer_ref)]
    pub(crate) customer: CustomerRef,
    /// Why; kept with the record of the erasure.
    #[arg(long, value_name = "TEXT", value_parser = said)]
    pub(crate) reason: String,
    /// Who says so; kept with the record of the erasure.
    #[arg(long, env = "USER", value_name = "NAME", value_parser = said)]
    pub(crate) by: String,
    /// Go on without asking.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Give up open disputes' and dead letters' bodies.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What leaked, and in whose name that is asked.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct AffectedArgs {
    /// What leaked.
    #[command(flatten)]
    pub(crate) leak: LeakArgs,
    /// Why it is asked; kept with the audit.
    #[arg(long, value_name = "TEXT", value_parser = said)]
    pub(crate) reason: String,
    /// Who asks; kept with the audit.
    #[arg(long, env = "USER", value_name = "NAME", value_parser = said)]
    pub(crate) by: String,
}

/// What leaked; all that is given has to hold.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct LeakArgs {
    /// The name of a master key: what it wraps, or wrapped before a rotation.
    #[arg(long, value_name = "NAME")]
    pub(crate) master_key: Option<String>,
    /// Stored, or opened, at this time or later, such as 2026-03-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Timestamp>,
    /// Stored, or opened, before this time; of a copy of the database give only this one.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
    /// Dead letters that this person or login read, by the audit.
    #[arg(long, value_name = "NAME")]
    pub(crate) opened_by: Option<String>,
}
