//! The command line: commands, their arguments, and what each is for.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use contracts::{EventKind, OrderId};
use store::privacy::CustomerRef;
use store::retention::{Periods, SHORTEST_INBOX};

use crate::events::Rate;
use crate::exit::EXIT_CODES;
use crate::render::OutputArgs;
use crate::settings::Settings;

/// Looks into a running Orderflow, sets it up, and tries out events.
///
/// Results go to standard output, everything else to standard error. Times are RFC 3339 in UTC.
#[derive(Clone, Debug, Parser)]
#[command(name = "orderctl", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How results look.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Where the services are.
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Exchanges, queues and bindings: show, declare, compare.
    #[command(subcommand)]
    Topology(TopologyCommand),
    /// Events of shops: examples, validation, publishing.
    #[command(subcommand)]
    Event(EventCommand),
    /// Orders: everything that is known of one.
    #[command(subcommand)]
    Order(OrderCommand),
    /// Customers: what is held of them, and making it unreadable.
    #[command(subcommand)]
    Privacy(PrivacyCommand),
    /// What goes by age.
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Proves the invariants on the live database; exits with 3 when one is violated.
    Verify,
    /// The database's schema: bring it up to date, or show its version.
    #[command(subcommand)]
    Migrate(MigrateCommand),
}

/// Exchanges, queues and bindings.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TopologyCommand {
    /// Prints the topology as a definitions.json for `rabbitmqctl import_definitions`.
    ///
    /// Needs no broker. `--delay auto` means the ladder here, because only a broker can tell
    /// whether it has the plugin.
    Render(RenderArgs),
    /// Declares what is missing; what is there as it should be stays as it is.
    ///
    /// Refuses with 3, before it changes anything, when an object was declared differently.
    Apply,
    /// Compares the broker with the topology; exits with 3 when anything differs.
    ///
    /// Bindings are compared when the management interface is given.
    Verify,
}

/// How to render.
#[derive(Clone, Debug, Args)]
pub(crate) struct RenderArgs {
    /// The vhost that the objects belong to.
    #[arg(long, default_value = "/", value_name = "NAME")]
    pub(crate) vhost: String,
}

/// Events.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// Prints an example of an event; without one, lists events and examples.
    Sample(SampleArgs),
    /// Checks events as the workers do and by JSON Schema; exits with 1 for an invalid one.
    Validate(ValidateArgs),
    /// Validates events and publishes them as a shop does: persistent, mandatory, confirmed.
    Publish(PublishArgs),
}

/// Which example.
#[derive(Clone, Debug, Args)]
pub(crate) struct SampleArgs {
    /// The event, such as `order.created`.
    #[arg(value_parser = event_kind)]
    pub(crate) event: Option<EventKind>,
    /// Which of its examples.
    #[arg(long, default_value = "minimal", value_name = "NAME")]
    pub(crate) example: String,
    /// New ids and references, and times as if it happened now.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// The order that it is about.
    #[arg(long, value_name = "ID", value_parser = order_id)]
    pub(crate) order: Option<OrderId>,
}

/// What is validated, and as what.
#[derive(Clone, Debug, Args)]
pub(crate) struct ValidateArgs {
    /// Files of JSON, one event per file or per line; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Validate as the worker that takes this event does, which knows only its own.
    #[arg(long, value_name = "EVENT", value_parser = event_kind)]
    pub(crate) event: Option<EventKind>,
    /// How the message is sent.
    #[command(flatten)]
    pub(crate) wire: WireArgs,
}

/// What is published, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct PublishArgs {
    /// A file of JSON with one event, or one per line; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Show what would be published, and publish nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// At most this many per second, such as `50/s`.
    #[arg(long, value_name = "N/s")]
    pub(crate) rate: Option<Rate>,
    /// How the message is sent.
    #[command(flatten)]
    pub(crate) wire: WireArgs,
}

/// What surrounds the body.
#[derive(Clone, Debug, Args)]
pub(crate) struct WireArgs {
    /// The AMQP content type.
    #[arg(long, default_value = contracts::STRUCTURED_CONTENT_TYPE, value_name = "TYPE")]
    pub(crate) content_type: String,
    /// An AMQP header, for binary mode; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
}

/// Orders.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// Shows an order: its status, timeline, payments, refunds, disputes and ledger.
    ///
    /// Exits with 4 when the order is not known.
    Show(ShowArgs),
}

/// Which order.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowArgs {
    /// The order's id.
    #[arg(value_name = "ID", value_parser = order_id)]
    pub(crate) id: OrderId,
}

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

/// What goes by age.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Lets go what is old enough; nothing unresolved goes, however old it is.
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
}

impl RetentionArgs {
    /// The periods as the store takes them.
    pub(crate) fn periods(&self) -> Periods {
        Periods {
            outbox: self.outbox,
            inbox: self.inbox,
            letters: self.dead_letters,
            day_keys: self.day_keys,
        }
    }
}

/// The database's schema.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Applies every migration that is missing.
    Up,
    /// Shows the version of the schema; exits with 3 when it is not this build's.
    Status,
}

fn event_kind(text: &str) -> Result<EventKind, String> {
    let known = EventKind::ALL.into_iter().find(|kind| kind.name() == text);
    known.ok_or_else(|| {
        let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn order_id(text: &str) -> Result<OrderId, String> {
    text.parse().map_err(|_not_one| "must be a hyphenated UUID".to_owned())
}

fn customer_ref(text: &str) -> Result<CustomerRef, String> {
    text.parse().map_err(|_not_one| "must be 1 to 64 visible ASCII characters".to_owned())
}

/// A text that says something.
fn said(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn period(text: &str) -> Result<Duration, String> {
    let day = Duration::from_hours(24);
    let long_enough = humantime::parse_duration(text).ok().filter(|period| *period >= day);
    long_enough.ok_or_else(|| "must be a time such as 90d, at least 1d".to_owned())
}

fn inbox_period(text: &str) -> Result<Duration, String> {
    let long_enough = period(text).ok().filter(|period| *period >= SHORTEST_INBOX);
    long_enough.ok_or_else(|| "must be a time such as 500d, at least 400d".to_owned())
}

fn header(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}
