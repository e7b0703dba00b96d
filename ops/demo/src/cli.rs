//! The command line.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use broker::delay::DelayChoice;
use clap::{Parser, ValueEnum};
use fleet::{Fleet, WORKERS};
use runtime::now;
use tokio::signal::unix::{SignalKind, signal};

use crate::record::Record;
use crate::report::Report;
use crate::run::{Options, play, processes, start_workers};
use crate::scenario::Day;
use crate::scrape;
use crate::screen::say;
use crate::site::{self, Site};
use crate::surroundings::{Surroundings, without_password};

/// Longest time that workers may take to stop in order.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// Exit code of a program that was interrupted.
const INTERRUPTED: u8 = 130;
/// Exit code for a wrong command line or environment.
const USAGE: u8 = 2;

const AFTER_HELP: &str = "\
Examples:
  cargo xtask demo                          2000 orders in about a minute
  cargo xtask demo --seed 7 --orders 500    another, smaller day
  cargo xtask demo --keep                   look around afterwards
  cargo xtask demo --stop                   end what --keep left running
  cargo xtask demo --output json | jq .checks

Environment, set by `cargo xtask demo`:
  ORDERFLOW_AMQP_URL, ORDERFLOW_MANAGEMENT_URL    the RabbitMQ to use
  ORDERFLOW_DATABASE_URL                          a database of the Postgres to use
  ORDERFLOW_BIN_DIR                               the folder of the worker binaries
  ORDERFLOW_LOCAL_DIR                             where logs go [.local]

Exit codes: 0 every expectation held, 1 one did not, or the run failed, 2 wrong usage,
130 interrupted.";

/// Plays a seeded day of a shop on real services and proves that nothing was lost.
#[derive(Debug, Parser)]
#[command(name = "demo", bin_name = "cargo xtask demo", version, after_help = AFTER_HELP)]
struct Cli {
    /// The same seed gives the same day.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many orders the shop takes.
    #[arg(long, value_name = "N", default_value_t = 2_000,
        value_parser = clap::value_parser!(u32).range(100..=100_000))]
    orders: u32,
    /// What carries timers: the broker's plugin, the ladder, or the plugin where there is one.
    #[arg(long, value_enum, default_value_t)]
    delay: Delay,
    /// Leave workers, queues and database as they are, and say how to look around.
    #[arg(long)]
    keep: bool,
    /// Only end and remove what an earlier run left.
    #[arg(long, conflicts_with_all = ["seed", "orders", "keep", "delay"])]
    stop: bool,
    /// How to print the report: for people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Delay {
    #[default]
    Auto,
    Ladder,
    Plugin,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    #[default]
    Table,
    Json,
}

/// Runs the demo.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let surroundings = match Surroundings::read(|name| std::env::var(name).ok()) {
        Ok(surroundings) => surroundings,
        Err(unusable) => {
            eprint!("error: {unusable}");
            return ExitCode::from(USAGE);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            if cli.stop { stop(&surroundings).await } else { perform(&cli, &surroundings).await }
        })
    });
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

async fn stop(surroundings: &Surroundings) -> Result<ExitCode> {
    match Record::read(&surroundings.folder)? {
        Some(record) => {
            site::remove(surroundings, &record).await?;
            say("Workers, queues and database of the last run are gone.");
        }
        None => say("There is nothing of an earlier run."),
    }
    Ok(ExitCode::SUCCESS)
}

/// How a run ended.
enum End {
    Judged(Box<Report>),
    Interrupted,
}

async fn perform(cli: &Cli, surroundings: &Surroundings) -> Result<ExitCode> {
    make_room(surroundings).await?;
    let options = options(cli);
    let day = Day::new(options.seed, options.orders);
    let site = Site::new(surroundings, now())?;
    site.record(Vec::new()).write(&surroundings.folder)?;
    let mut fleet = None;
    let end = tokio::select! {
        biased;
        interrupted = interrupted() => interrupted.map(|()| End::Interrupted),
        report = happen(surroundings, &site, options, &day, &mut fleet) => {
            report.map(|report| End::Judged(Box::new(report)))
        }
    };
    let keep = cli.keep && matches!(end, Ok(End::Judged(_)));
    let cleaned = if keep { leave(fleet) } else { close(&site, fleet).await };
    let End::Judged(report) = end? else {
        say("Interrupted: the workers have stopped.");
        return cleaned.map(|()| ExitCode::from(INTERRUPTED));
    };
    let code = print(cli, &report);
    cleaned?;
    say(&format!("\n{}", scrape::shown(&surroundings.folder).trim_end()));
    explain(surroundings, &site, &day, keep);
    Ok(code)
}

fn options(cli: &Cli) -> Options {
    let delay = match cli.delay {
        Delay::Auto => DelayChoice::Auto,
        Delay::Ladder => DelayChoice::Ladder,
        Delay::Plugin => DelayChoice::Plugin,
    };
    Options { seed: cli.seed, orders: cli.orders, delay }
}

/// Removes what the last run left, unless it was meant to stay.
async fn make_room(surroundings: &Surroundings) -> Result<()> {
    let Some(record) = Record::read(&surroundings.folder)? else { return Ok(()) };
    let running = record.running();
    if !running.is_empty() {
        bail!(
            "{} workers of an earlier run are still there: end them with `cargo xtask demo --stop`",
            running.len()
        );
    }
    site::remove(surroundings, &record).await
}

async fn happen(
    surroundings: &Surroundings,
    site: &Site,
    options: Options,
    day: &Day,
    fleet: &mut Option<Fleet>,
) -> Result<Report> {
    say("Making a database and starting eight workers ...");
    site.build().await?;
    let fleet = fleet.insert(start_workers(surroundings, site, options, day).await?);
    site.record(processes(fleet)).write(&surroundings.folder)?;
    let (orders, messages, copies) = (options.orders, day.messages(), day.copies());
    say(&format!("A day of {orders} orders begins: {messages} messages and {copies} copies."));
    play(surroundings, site, options, day, fleet).await
}

/// Leaves the workers running; who they are is on record.
fn leave(fleet: Option<Fleet>) -> Result<()> {
    let left = fleet.map(Fleet::leave_running).unwrap_or_default();
    anyhow::ensure!(left.len() == WORKERS.len(), "a worker has ended after all");
    Ok(())
}

/// Stops the workers and clears the broker; the database stays to be looked at.
async fn close(site: &Site, fleet: Option<Fleet>) -> Result<()> {
    let stopped = match fleet {
        Some(fleet) => fleet.stop(STOP_WITHIN).await,
        None => Ok(()),
    };
    let cleared = site.clear_broker().await;
    stopped.and(cleared)
}

fn print(cli: &Cli, report: &Report) -> ExitCode {
    match cli.output {
        Output::Table => println!("{}", report.text()),
        Output::Json => println!("{}", report.json()),
    }
    if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says how to look around.
fn explain(surroundings: &Surroundings, site: &Site, day: &Day, keep: bool) {
    let url = site.database_url();
    let orderctl = surroundings.bin_dir.join("orderctl");
    let (orderctl, prefix) = (orderctl.display(), site.names.prefix());
    let order = day.stories.iter().find(|story| story.scenario == "late payment");
    let order = order.map(|story| story.order.to_string()).unwrap_or_default();
    let database = url.path().trim_start_matches('/');
    let stays =
        if keep { "All still runs until" } else { "The database stays until the next run or" };
    say(&format!("\n{stays} `cargo xtask demo --stop`. To look around:"));
    say("  eval \"$(cargo xtask services up --output env)\"");
    say(&format!("  export ORDERFLOW_DATABASE_URL=\"${{ORDERFLOW_DATABASE_URL%/*}}/{database}\""));
    say("  psql \"$ORDERFLOW_DATABASE_URL\" -c 'SELECT status, count(*) FROM orders GROUP BY 1'");
    say(&format!("  {orderctl} order show {order}"));
    say(&format!("  {orderctl} verify"));
    if keep {
        say(&format!("  export ORDERFLOW_PREFIX={prefix}"));
        say(&format!("  {orderctl} topology verify"));
        let management = without_password(&surroundings.management_url);
        say(&format!("  the broker's own pages: {management}"));
    }
    say(&format!("  the workers' logs: {}", surroundings.folder.join("logs").display()));
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
