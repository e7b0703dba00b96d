//! `orderctl dlq`: find, understand, replay, put aside.

mod act;
mod broker_only;
mod edit;
mod export;
mod import;
mod list;
mod note;
mod plan;
mod replay;
mod show;
mod tail;

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use store::Database;
use store::letters::Filter;

use crate::cli::DlqCommand;
use crate::exit::{Exit, Failure};
use crate::render::Console;
use crate::settings::Settings;

/// What is not done with.
const OPEN: [&str; 4] = ["parked", "claimed", "sending", "sent"];

/// Runs one of the commands on dead letters.
pub(crate) async fn run(
    command: DlqCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    match command {
        DlqCommand::Stats(args) => list::stats(&args, settings, console).await,
        DlqCommand::Groups(args) => list::groups(&args, settings, console).await,
        DlqCommand::List(args) if args.broker_only => {
            broker_only::list(&args, settings, console).await
        }
        DlqCommand::List(args) => list::list(&args, settings, console).await,
        DlqCommand::Search(args) => list::search(&args, settings, console).await,
        DlqCommand::Show(args) => show::run(&args, settings, console).await,
        DlqCommand::Tail(args) => tail::run(&args, settings, console).await,
        DlqCommand::Plan(args) => plan::run(&args, settings, console).await,
        DlqCommand::Replay(args) => replay::run(&args, settings, console).await,
        DlqCommand::Archive(args) => act::archive(&args, settings, console).await,
        DlqCommand::Restore(args) => act::restore(&args, settings, console).await,
        DlqCommand::Edit(command) => edit::run(command, settings, console).await,
        DlqCommand::Note(args) => note::run(&args, settings, console).await,
        DlqCommand::Export(args) if args.broker_only => {
            broker_only::export(&args, settings, console).await
        }
        DlqCommand::Export(args) => export::run(&args, settings, console).await,
        DlqCommand::Import(args) => import::run(&args, settings, console).await,
    }
}

/// A connection to the database, with the master keys if there is a file of them.
pub(super) async fn connect(settings: &Settings) -> Result<Database, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database_with_keys() else { return Err(read.refusal().into()) };
    Database::connect(&config).await.map_err(|error| {
        let failure = Failure::from(error);
        let next = "check that Postgres runs where ORDERFLOW_DATABASE_URL says; meanwhile \
                    `orderctl dlq list --broker-only` shows what lies in the dead queues";
        if failure.exit == Exit::DependencyDown {
            Failure { next: next.to_owned(), ..failure }
        } else {
            failure
        }
    })
}

/// What a filter means to somebody who reads: without a status, what is not done with.
fn open(filter: Filter) -> Filter {
    filter.or_status(&OPEN)
}

/// The text of a file, or of standard input for `-`; `next` says what belongs there.
fn text_of(file: &Path, next: &'static str) -> Result<String, Failure> {
    let read = if file.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_bytes| text)
    } else {
        fs::read_to_string(file)
    };
    read.map_err(|error| {
        let what = format!("failed to read {}", file.display());
        Failure::new(Exit::Failed, what, next).because(error.to_string())
    })
}
