#![doc = include_str!("../README.md")]

mod asyncapi;
mod cli;
mod commands;
mod compat;
mod customer_view;
mod doctor;
mod drift;
mod events;
mod exit;
mod holdings_view;
mod invariants;
mod letters;
mod management;
mod merchants_view;
mod money_view;
mod order_view;
mod progress;
mod render;
mod settings;
mod telling;
mod textfile;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, FromArgMatches};
use tokio::runtime::Builder;

use crate::cli::{Cli, Command};
use crate::exit::{Exit, Failure};
use crate::render::Console;
use crate::settings::Settings;

/// Runs the command line; never panics over what it is given.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed standard output leaves nobody to tell.
            error.print().unwrap_or_default();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX));
        }
    };
    let console = Console::new(cli.output);
    match execute(cli.command, &cli.settings, console) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit.into()
        }
    }
}

/// The command line as a value, for documentation and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = command();
    // The parser's own help and errors are printed before the flag is read.
    if args.iter().any(|arg| arg == "--no-color") {
        command = command.color(ColorChoice::Never);
    }
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

fn execute(command: Command, settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(|error| {
        let next = "free some memory or threads, then run this again";
        Failure::new(Exit::Failed, "failed to start", next).because(error.to_string())
    })?;
    runtime.block_on(async {
        match command {
            Command::Doctor => commands::doctor::run(settings, console).await,
            Command::Topology(command) => commands::topology::run(command, settings, console).await,
            Command::Event(command) => commands::event::run(command, settings, console).await,
            Command::Schema(command) => commands::schema::run(command, console),
            Command::Dlq(command) => commands::dlq::run(command, settings, console).await,
            Command::Replay(command) => commands::replay::run(command, settings, console).await,
            Command::Audit(command) => commands::audit::run(command, settings, console).await,
            Command::Order(command) => commands::order::run(command, settings, console).await,
            Command::Policy(command) => commands::policy::run(command, console),
            Command::Money(command) => commands::money::run(command, settings, console).await,
            Command::Refund(command) => commands::refund::run(command, settings, console).await,
            Command::Customer(command) => commands::customer::run(command, settings, console).await,
            Command::Merchants(args) => commands::merchants::run(args, settings, console).await,
            Command::Verify(args) => commands::verify::run(args, settings, console).await,
            Command::Privacy(command) => commands::privacy::run(command, settings, console).await,
            Command::Retention(command) => {
                commands::retention::run(command, settings, console).await
            }
            Command::Worker(args) => commands::worker::run(args, console).await,
            Command::Metrics(command) => commands::metrics::run(command, console),
            Command::Migrate(command) => commands::migrate::run(command, settings, console).await,
        }
    })
}
