//! `orderctl retention`: what goes by age.

use serde::Serialize;
use store::Database;
use store::retention::{self, Kind, Share};

use crate::cli::{RetentionArgs, RetentionCommand};
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

/// Runs one of the commands on retention.
pub(crate) async fn run(
    command: RetentionCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    match command {
        RetentionCommand::Run(args) => trim(&args, settings, console).await,
    }
}

async fn trim(
    args: &RetentionArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    let mut database = Database::connect(&config).await?;
    let periods = args.periods();
    let shares = if args.dry_run {
        retention::plan(&mut database, &periods).await?
    } else {
        retention::run(&mut database, &periods).await?
    };
    database.close().await?;
    console.show(&Trimmed { dry_run: args.dry_run, shares })?;
    Ok(Exit::Done)
}

/// What went, or would go.
#[derive(Serialize)]
struct Trimmed {
    dry_run: bool,
    shares: Vec<Share>,
}

impl View for Trimmed {
    fn text(&self, style: Style) -> String {
        let goes = if self.dry_run { "WOULD GO" } else { "WENT" };
        let rows = self.shares.iter().map(|share| {
            let [rows, bytes, kept] = [share.rows, share.bytes, share.kept].map(|n| n.to_string());
            [name(share.kind).to_owned(), rows, bytes, kept, meaning(share.kind).to_owned()]
        });
        let table = style.table(["WHAT", goes, "BYTES", "STAYS", "BECAUSE"], rows);
        let all: i64 = self.shares.iter().map(|share| share.rows).sum();
        let said = if self.dry_run { "would go; nothing was changed" } else { "went" };
        format!("{table}\n\n{}", style.tint(Tone::Strong, &format!("{all} rows {said}")))
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::SentMessages => "sent messages",
        Kind::AcceptedEvents => "accepted events",
        Kind::ClosedLetters => "dead letters",
        Kind::EndedMarks => "marks of customers",
        Kind::Suspects => "suspects",
        Kind::Orders => "orders with their ledger",
        Kind::DayKeys => "keys of days",
        Kind::ErasedKeys => "keys of erased customers",
        Kind::UnusedKeys => "unused keys",
    }
}

/// Why some of a kind goes, and some as old stays.
fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::SentMessages => "a day goes as a whole, once all of it was sent",
        Kind::AcceptedEvents => "a parked event stays until it is decided",
        Kind::ClosedLetters => "only resolved and archived ones go",
        Kind::EndedMarks => "a flag or a restriction stays while it counts",
        Kind::Suspects => "nobody tried them again",
        Kind::Orders => "an order stays while anything of it is open",
        Kind::DayKeys | Kind::ErasedKeys => "a key stays while something open is sealed with it",
        Kind::UnusedKeys => "nothing is sealed with them any more",
    }
}
