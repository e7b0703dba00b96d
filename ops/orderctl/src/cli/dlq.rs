//! What `orderctl dlq` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use contracts::{BoundedText, Token};

use super::dlq_edit::EditCommand;
use super::dlq_replay::{PlanArgs, ReplayArgs};
use super::select::{ActOnArgs, FILTER_HELP, LookerArgs, SaidArgs, SelectArgs, SureArgs};
use super::values::{actor, duration, group, note, reason};

/// Why letters are put aside, as the database knows it.
const ARCHIVE_CODES: [&str; 6] =
    ["handled", "obsolete", "duplicate", "publisher-fixed", "test-data", "other"];

/// Dead letters.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// Counts dead letters by queue and code, with the oldest of each.
    ///
    /// Without a status in the filter, those that are not done with are counted.
    #[command(after_help = FILTER_HELP)]
    Stats(StatsArgs),
    /// Lists groups of like failures, the largest first.
    #[command(after_help = FILTER_HELP)]
    Groups(GroupsArgs),
    /// Lists dead letters, the newest first, page by page.
    ///
    /// Without a status in the filter, those that are not done with are listed.
    #[command(after_help = FILTER_HELP)]
    List(ListArgs),
    /// Explains a dead letter: what happened, its attempts, its order, its body, what to do next.
    ///
    /// The body is redacted by its schema; looking at it is noted in the audit. Exits with 4 when
    /// there is none of this id.
    Show(ShowLetterArgs),
    /// Lists dead letters in whose key, type, order, code or detail all of some words occur.
    Search(SearchArgs),
    /// Prints dead letters as they come, fail again or are acted on, until Ctrl-C.
    #[command(after_help = FILTER_HELP)]
    Tail(TailArgs),
    /// Shows what a replay would do, and writes it down to be held to: a dry run.
    #[command(after_help = FILTER_HELP)]
    Plan(PlanArgs),
    /// Sends dead letters back to exactly the queue whose worker gave up on them.
    ///
    /// The selection is frozen in one step; the replayer sends it by itself, so that this program
    /// may end at any time. Exits with 3 when some of them did not succeed.
    #[command(after_help = FILTER_HELP)]
    Replay(ReplayArgs),
    /// Puts parked letters aside for good: retention may take them.
    #[command(after_help = FILTER_HELP)]
    Archive(ArchiveArgs),
    /// Takes archived letters back.
    #[command(after_help = FILTER_HELP)]
    Restore(RestoreArgs),
    /// Changes a body with a second person's consent; off until an administrator allows it.
    #[command(subcommand)]
    Edit(EditCommand),
    /// Adds a note to a group of like failures; without a text, shows its notes.
    Note(NoteArgs),
    /// Writes dead letters as NDJSON with everything that they hold, byte for byte.
    #[command(after_help = FILTER_HELP)]
    Export(ExportLettersArgs),
    /// Parks letters of an export; what is there already stays as it is.
    Import(ImportArgs),
}

/// What is counted.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatsArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
}

/// Which groups.
#[derive(Clone, Debug, Args)]
pub(crate) struct GroupsArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// At most so many groups.
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub(crate) limit: i64,
    /// Exit with 4 when there is none.
    #[arg(long)]
    pub(crate) fail_if_empty: bool,
}

/// Which page of a list, and which columns.
#[derive(Clone, Debug, Args)]
pub(crate) struct PageArgs {
    /// At most so many letters.
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub(crate) limit: i64,
    /// Only letters before this id: the next page, as the end of a page tells.
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<i64>,
    /// Which columns, such as `id,code,age`; a wrong one names them all.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Exit with 4 when nothing matches.
    #[arg(long)]
    pub(crate) fail_if_empty: bool,
}

/// What is listed.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Which page.
    #[command(flatten)]
    pub(crate) page: PageArgs,
    /// Look into the dead queues themselves, for when Postgres is down; takes no filter.
    #[arg(long, conflicts_with_all = ["terms", "filter", "group", "before"])]
    pub(crate) broker_only: bool,
}

/// Which words.
#[derive(Clone, Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words that all occur, in any case and order.
    #[arg(value_name = "WORD", required = true)]
    pub(crate) words: Vec<String>,
    /// Which page.
    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// Which letter.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowLetterArgs {
    /// The letter's id, as `dlq list` prints it.
    #[arg(value_name = "ID")]
    pub(crate) id: i64,
    /// Show the body as it is; noted in the audit with the reason.
    #[arg(long, requires = "reason")]
    pub(crate) unmask: bool,
    /// Why the body is looked at as it is.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<BoundedText<500>>,
    /// Leave headers and body out.
    #[arg(long, conflicts_with = "unmask")]
    pub(crate) no_body: bool,
    /// Who looks.
    #[command(flatten)]
    pub(crate) looker: LookerArgs,
}

/// What is followed.
#[derive(Clone, Debug, Args)]
pub(crate) struct TailArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Begin so long ago.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub(crate) since: humantime::Duration,
    /// Stop after so long.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) lasting: Option<Duration>,
    /// Stop after so many.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<usize>,
}

/// What is archived, and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) on: ActOnArgs,
    /// Why, as a code: handled, obsolete, duplicate, publisher-fixed, test-data or other.
    #[arg(long, value_name = "CODE")]
    #[arg(value_parser = ARCHIVE_CODES)]
    pub(crate) reason_code: String,
    /// By whom and why.
    #[command(flatten)]
    pub(crate) said: SaidArgs,
    /// How sure.
    #[command(flatten)]
    pub(crate) sure: SureArgs,
}

/// What is taken back, and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct RestoreArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) on: ActOnArgs,
    /// By whom and why.
    #[command(flatten)]
    pub(crate) said: SaidArgs,
    /// How sure.
    #[command(flatten)]
    pub(crate) sure: SureArgs,
}

/// What was found out about a group.
#[derive(Clone, Debug, Args)]
pub(crate) struct NoteArgs {
    /// The group: the beginning of its fingerprint, as `dlq groups` prints it.
    #[arg(value_name = "FINGERPRINT", value_parser = group)]
    pub(crate) group: String,
    /// What was found out, without personal data.
    #[arg(value_name = "TEXT", value_parser = note, requires = "actor")]
    pub(crate) text: Option<BoundedText<4000>>,
    /// Who found it out.
    #[arg(long, env = "ORDERFLOW_ACTOR", value_name = "NAME", value_parser = actor)]
    pub(crate) actor: Option<Token<64>>,
}

/// What is written out, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExportLettersArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// The file; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,
    /// Redact bodies by their schemas: for looking at, cannot be imported.
    #[arg(long)]
    pub(crate) redact: bool,
    /// Why; noted in the audit.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    #[arg(required_unless_present = "broker_only")]
    pub(crate) reason: Option<BoundedText<500>>,
    /// Write what lies in the dead queues themselves, for when Postgres is down; takes no filter.
    #[arg(long, conflicts_with_all = ["terms", "filter", "group"])]
    pub(crate) broker_only: bool,
    /// With `--broker-only`, at most so many of each queue.
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "broker_only")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) most: u16,
    /// Who takes them out.
    #[command(flatten)]
    pub(crate) looker: LookerArgs,
}

/// What is read back.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportArgs {
    /// A file that `dlq export` wrote; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Check every line, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// By whom and why.
    #[command(flatten)]
    pub(crate) said: SaidArgs,
    /// How sure.
    #[command(flatten)]
    pub(crate) sure: SureArgs,
}
