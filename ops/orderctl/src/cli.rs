//! The command line: commands, their arguments, and what each is for.

mod customer;
mod dlq;
mod dlq_edit;
mod dlq_replay;
mod metrics;
mod privacy;
mod refund;
mod replay;
mod retention;
mod schema;
mod select;
mod values;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use contracts::events::PaymentMethod;
use contracts::{BoundedText, EventKind, MoneyId, OrderId, Token};
use guidance::Zone;

use crate::events::Rate;
use crate::exit::EXIT_CODES;
use crate::render::OutputArgs;
use crate::settings::Settings;
pub(crate) use customer::{
    CustomerCommand, CustomerShowArgs, LiftArgs, LiftFlagArgs, WithdrawConsentArgs,
};
pub(crate) use dlq::{
    ArchiveArgs, DlqCommand, ExportLettersArgs, GroupsArgs, ImportArgs, ListArgs, NoteArgs,
    PageArgs, RestoreArgs, SearchArgs, ShowLetterArgs, StatsArgs, TailArgs,
};
pub(crate) use dlq_edit::{AllowEditsArgs, DecideEditArgs, EditCommand, ProposeArgs, ShowEditArgs};
pub(crate) use dlq_replay::{PlanArgs, ReplayArgs, WayArgs};
pub(crate) use metrics::MetricsCommand;
pub(crate) use privacy::{AffectedArgs, EraseArgs, ExportArgs, PrivacyCommand};
pub(crate) use refund::{RefundCommand, ReviewArgs};
pub(crate) use replay::{
    AuditCommand, AuditListArgs, AuditVerifyArgs, CancelArgs, ReplayCommand, ReplayListArgs,
};
pub(crate) use retention::{RetentionArgs, RetentionCommand};
pub(crate) use schema::{CompatArgs, SchemaCommand};
pub(crate) use select::SaidArgs;
use values::{
    actor, duration, event_kind, header, invariant_number, merchant_id, money_id, order_id,
    payment_method, prom_file, reason,
};
pub(crate) use worker::WorkerArgs;

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
    /// Looks at a live deployment, and says what is wrong and how to mend it; changes nothing.
    ///
    /// Exits with 3 when something has to be mended, and with 6 when RabbitMQ or Postgres is down;
    /// warnings and what cannot be seen from here leave it at 0.
    Doctor,
    /// Exchanges, queues and bindings: show, declare, compare.
    #[command(subcommand)]
    Topology(TopologyCommand),
    /// Events of shops: examples, validation, publishing.
    #[command(subcommand)]
    Event(EventCommand),
    /// The contract for publishers: whether a change of it breaks anybody, and its `AsyncAPI`.
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Dead letters: find, understand, replay, put aside.
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Replays of dead letters: follow, pause, resume, cancel.
    #[command(subcommand)]
    Replay(ReplayCommand),
    /// What people did and why, and the proof that none of it was changed.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Orders: everything that is known of one.
    #[command(subcommand)]
    Order(OrderCommand),
    /// The shops' choices: check a file of them, see which hold for an order, print a template.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Money that fits no order: what there is, and what is to become of it.
    #[command(subcommand)]
    Money(MoneyCommand),
    /// Refunds: a person's decision on one that waits for it.
    #[command(subcommand)]
    Refund(RefundCommand),
    /// Customers: what is noted of them, and taking it back.
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Customers: what is held of them, and making it unreadable.
    #[command(subcommand)]
    Privacy(PrivacyCommand),
    /// What goes by age.
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Adds up what is watched of merchants; exits with 3 when one has reached a threshold.
    Merchants(MerchantsArgs),
    /// Proves the invariants on the live database; exits with 3 when one is violated.
    ///
    /// Each is looked for by itself, all of them in one moment of the database. Exits with 1 when
    /// none is violated, but one could not be checked in time.
    Verify(VerifyArgs),
    /// Asks one worker whether it does its work, what it waits for, and what it counted.
    ///
    /// Exits with 3 when it is not ready, and with 6 when nobody answers there. Metrics that are 0
    /// are only counted.
    Worker(WorkerArgs),
    /// What the processes count and measure.
    #[command(subcommand)]
    Metrics(MetricsCommand),
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
    /// Prints the users of the broker, each with the rights it needs, as definitions.json.
    ///
    /// Needs no broker. Import it, then give each user a password: `rabbitmqctl change_password`.
    /// Workers that run as these users need `ORDERFLOW_TOPOLOGY=verify`.
    Accounts(RenderArgs),
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
    /// Shows an order: its status, why, guidance, timeline, payments, refunds, disputes, ledger.
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
    /// The language of what the customer is told: BCP 47, such as `es-MX`; the order's by default.
    #[arg(long, value_name = "TAG")]
    pub(crate) locale: Option<String>,
    /// The time zone of what the customer is told, such as `Europe/Madrid`.
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    pub(crate) zone: Zone,
}

/// The shops' choices.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Checks a file, and a folder of texts; exits with 1 and names everything that is wrong.
    Check(PolicyFileArgs),
    /// Shows which choices of a file hold for a merchant's orders of a payment method.
    Show(PolicyShowArgs),
    /// Prints a file that states and explains every default.
    Template,
}

/// A file of choices.
#[derive(Clone, Debug, Args)]
pub(crate) struct PolicyFileArgs {
    /// The file, TOML.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A folder of texts for people, in place of those that are built in.
    #[arg(long, env = "ORDERFLOW_TEMPLATES", value_name = "FOLDER")]
    pub(crate) templates: Option<PathBuf>,
}

/// For which orders.
#[derive(Clone, Debug, Args)]
pub(crate) struct PolicyShowArgs {
    /// The file, TOML; without one, the defaults.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The merchant.
    #[arg(long, value_name = "ID", value_parser = merchant_id)]
    pub(crate) merchant: Option<Token<64>>,
    /// The payment method: card, wallet, `bank_transfer` or other.
    #[arg(long, value_name = "METHOD", value_parser = payment_method)]
    pub(crate) method: Option<PaymentMethod>,
}

/// Money that fits no order.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MoneyCommand {
    /// Lists money that nobody has settled yet, the oldest first.
    List(MoneyListArgs),
    /// Shows one sum of money, who decided on it, and where its refund stands.
    ///
    /// Exits with 4 when there is none of this id.
    Show(MoneyShowArgs),
    /// Gives money back to the buyer, through the provider that has it.
    ///
    /// Records the decision; payment-attempted carries it out. Exits with 4 when there is no
    /// such money, and with 1 when it is settled already.
    Refund(MoneyDecisionArgs),
    /// Takes money out of the books that the provider does not have, or settled otherwise.
    ///
    /// Records the decision; payment-attempted carries it out. Exits with 4 when there is no
    /// such money, and with 1 when it is settled already.
    WriteOff(MoneyDecisionArgs),
}

/// Which money is listed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct MoneyListArgs {
    /// Also what is settled already.
    #[arg(long)]
    pub(crate) all: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub(crate) limit: i64,
}

/// Which money.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct MoneyShowArgs {
    /// The money's id.
    #[arg(value_name = "ID", value_parser = money_id)]
    pub(crate) id: MoneyId,
}

/// On which money is decided, by whom and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct MoneyDecisionArgs {
    /// The money's id.
    #[arg(value_name = "ID", value_parser = money_id)]
    pub(crate) id: MoneyId,
    /// Who decides: a name that the audit knows, such as a login.
    #[arg(long, env = "ORDERFLOW_ACTOR", value_name = "NAME", value_parser = actor)]
    pub(crate) actor: Token<64>,
    /// Why, in at most 500 characters and without personal data.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: BoundedText<500>,
}

/// By which thresholds, and what becomes of the result.
#[derive(Clone, Debug, Args)]
pub(crate) struct MerchantsArgs {
    /// The file of the shops' choices; without one, the defaults.
    #[arg(long, env = "ORDERFLOW_POLICIES", value_name = "FILE")]
    pub(crate) policies: Option<PathBuf>,
    /// Longest time that the look may take, such as `90s`.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) limit: Duration,
    /// Also write gauges to this file, for the textfile collector of Prometheus' node exporter.
    #[arg(long, value_name = "FILE.prom", value_parser = prom_file)]
    pub(crate) textfile: Option<PathBuf>,
}

/// Which invariants, and what becomes of the result.
#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Only these invariants, such as `I02,I06`.
    #[arg(long, value_delimiter = ',', value_name = "NUMBER", value_parser = invariant_number)]
    pub(crate) only: Vec<String>,
    /// Longest time for each invariant, such as `90s`; one that takes longer is not checked.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) limit: Duration,
    /// Also write gauges to this file, for the textfile collector of Prometheus' node exporter.
    #[arg(long, value_name = "FILE.prom", conflicts_with = "only", value_parser = prom_file)]
    pub(crate) textfile: Option<PathBuf>,
}

/// The database's schema.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Applies every migration that is missing.
    Up,
    /// Shows the version of the schema; exits with 3 when it is not this build's.
    Status,
}
