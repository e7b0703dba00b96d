//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::report::Report;
use crate::run::{Options, Places, run};

/// Exit code of a program that was interrupted.
const INTERRUPTED: u8 = 130;

const AFTER_HELP: &str = "\
Faults: workers killed, stopped, frozen, restarted in turn; broker and database killed and
restarted; the lines to both cut, reset, stranded, silent, late, narrow; the broker's memory alarm;
database sessions ended, the database read-only, out of connections. A quarter of the rounds has two
at once. What is left out of the demo's day are stories that are races against the clock.

Examples:
  cargo xtask chaos                          five minutes
  cargo xtask chaos --seed 7 --minutes 20    other faults, more of them
  cargo xtask chaos --seed 7 --rounds 12     the first twelve rounds of them
  cargo xtask chaos --output json | jq .recovery

A run that failed is repeated with its seed: the same faults come in the same order.

Environment, set by `cargo xtask chaos`:
  ORDERFLOW_BIN_DIR      the folder of the worker binaries
  ORDERFLOW_XTASK        the program that starts the private services
  ORDERFLOW_LOCAL_DIR    where these and the workers' logs are, in a folder `chaos` [.local]

Exit codes: 0 nothing was lost or done twice, 1 something was, or the run failed, 2 wrong usage,
130 interrupted.";

/// Kills, pauses and cuts off workers, broker and database, and proves that nothing was lost.
///
/// A day of a shop goes on while round after round something breaks, stays broken for a moment and
/// is healed. In the end every order, message and dead letter is compared with what the day must
/// come to. Broker and database are private ones of this run.
#[derive(Debug, Parser)]
#[command(name = "chaos", bin_name = "cargo xtask chaos", version, after_help = AFTER_HELP)]
struct Cli {
    /// Decides which faults come when; the same seed gives the same ones.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// For how long faults happen.
    #[arg(long, value_name = "M", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// End after so many rounds of faults, if that is sooner.
    #[arg(long, value_name = "N", default_value_t = u32::MAX, hide_default_value = true)]
    rounds: u32,
    /// How to print the report: for people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    #[default]
    Table,
    Json,
}

/// Runs the suite.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        // The shop's life is a task of this thread: opening a session is not for moving.
        LocalSet::new().block_on(&runtime, async {
            tokio::select! {
                biased;
                interrupted = interrupted() => interrupted.map(|()| None),
                report = perform(&cli) => report.map(Some),
            }
        })
    });
    match done {
        Ok(Some(report)) => {
            match cli.output {
                Output::Table => println!("{}", report.text()),
                Output::Json => println!("{}", report.json()),
            }
            if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Ok(None) => {
            eprintln!("Interrupted; `cargo xtask services --name chaos down` stops the services.");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn perform(cli: &Cli) -> Result<Report> {
    let place = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let needed = |name: &str| {
        place(name).with_context(|| format!("{name} is not set: start it by `cargo xtask chaos`"))
    };
    let places = Places {
        xtask: needed("ORDERFLOW_XTASK")?,
        bin_dir: needed("ORDERFLOW_BIN_DIR")?,
        local: place("ORDERFLOW_LOCAL_DIR").unwrap_or_else(|| ".local".into()),
    };
    let length = Duration::from_mins(cli.minutes);
    run(Options { seed: cli.seed, length, rounds: cli.rounds }, &places).await
}

/// Resolves when the program is asked to end.
async fn interrupted() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
