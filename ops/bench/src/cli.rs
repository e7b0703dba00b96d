//! The command line.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::guard;
use crate::parts::{
    backlog, cold_start, curves, growth, latency, references, relay, timers, verify, workers,
};
use crate::results::{Circumstances, Figures, load, publish};

const AFTER_HELP: &str = "\
Examples:
  cargo xtask bench --short                     about two minutes
  cargo xtask bench --only references --rounds 5
  cargo xtask bench --only latency,timers
  cargo xtask bench --guard                     fails when we fall behind the recorded ratio

Results are printed, and written to target/bench/PART.json. Run it on an idle machine.

Exit codes: 0 measured, 1 failed or below the guard's floor, 2 wrong usage.";

/// Measures the workers on private services, beside two references.
#[derive(Debug, Parser)]
#[command(name = "bench", bin_name = "cargo xtask bench", version, after_help = AFTER_HELP)]
struct Cli {
    /// Smaller backlogs and fewer parts: an overview in about two minutes.
    #[arg(long)]
    short: bool,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// How often what is compared is repeated; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// The same seed gives the same events.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Measure in short form and fail when ours is too slow beside the bare pipe.
    #[arg(long, conflicts_with_all = ["only", "short"])]
    guard: bool,
    /// How to print the results.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// A part of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// A day's mix worked off by all workers.
    Backlog,
    /// What the same costs in processor time, statements and log.
    Costs,
    /// The same beside a bare pipe and a transaction per message.
    References,
    /// Each worker alone.
    Workers,
    /// From publishing to commit at steady rates.
    Latency,
    /// The backlog again, on a database full of orders.
    Growth,
    /// How late timers fire, among many at rest.
    Timers,
    /// The relay alone on a full outbox.
    Relay,
    /// From the start of a process to its first commit.
    ColdStart,
    /// Every invariant, on a database full of orders of every kind.
    Verify,
    /// The backlog over batch size, prefetch and lanes, with plots.
    Curves,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// What all parts want to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Whether to be quick.
    pub(crate) short: bool,
    /// Rounds of what is compared.
    pub(crate) rounds: usize,
    /// The seed of the mix.
    pub(crate) seed: u64,
}

impl Settings {
    /// Messages of a backlog.
    pub(crate) fn events(&self) -> usize {
        self.choose(200_000, 40_000)
    }

    /// Rounds of a backlog alone.
    pub(crate) fn backlog_rounds(&self) -> usize {
        if self.short { 1 } else { self.rounds }
    }

    /// One of two sizes.
    pub(crate) fn choose<T>(&self, full: T, short: T) -> T {
        if self.short { short } else { full }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(async { Run::new(&cli).all().await }));
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// One call of the program.
struct Run<'a> {
    cli: &'a Cli,
    settings: Settings,
    load_before: f64,
    reports: Vec<serde_json::Value>,
}

impl<'a> Run<'a> {
    fn new(cli: &'a Cli) -> Self {
        let short = cli.short || cli.guard;
        let rounds = usize::try_from(cli.rounds).unwrap_or(usize::MAX);
        let settings = Settings { short, rounds, seed: cli.seed };
        Self { cli, settings, load_before: load(), reports: Vec::new() }
    }

    async fn all(mut self) -> Result<ExitCode> {
        if self.cli.guard {
            return self.guard().await;
        }
        for part in self.parts() {
            self.load_before = load();
            self.part(part).await?;
        }
        self.print()?;
        Ok(ExitCode::SUCCESS)
    }

    fn parts(&self) -> Vec<Part> {
        let all = Part::value_variants().iter().copied();
        let wanted = |part: &Part| {
            if self.cli.only.is_empty() {
                part.is_of_everything(self.settings.short)
            } else {
                self.cli.only.contains(part)
            }
        };
        // The costs are those of the backlog's own rounds.
        let both =
            |part: &Part| *part != Part::Costs || !(wanted(&Part::Backlog) && wanted(&Part::Costs));
        all.filter(wanted).filter(both).collect()
    }

    async fn part(&mut self, part: Part) -> Result<()> {
        let settings = self.settings;
        match part {
            Part::Backlog | Part::Costs => {
                let (figure, costs) = backlog::run(&settings).await?;
                self.publish(&figure)?;
                self.publish(&costs)
            }
            Part::References => self.publish(&references::run(&settings, true).await?),
            Part::Workers => self.publish(&workers::run(&settings).await?),
            Part::Latency => self.publish(&latency::run(&settings).await?),
            Part::Growth => self.publish(&growth::run(&settings).await?),
            Part::Timers => self.publish(&timers::run(&settings).await?),
            Part::Relay => self.publish(&relay::run(&settings).await?),
            Part::ColdStart => self.publish(&cold_start::run(&settings).await?),
            Part::Verify => self.publish(&verify::run(&settings).await?),
            Part::Curves => self.publish(&curves::run(&settings).await?),
        }
    }

    async fn guard(mut self) -> Result<ExitCode> {
        let figure = references::run(&self.settings, false).await?;
        self.publish(&figure)?;
        self.print()?;
        let verdict = guard::Guard::recorded()?.judge(figure.ratio_to_pipe);
        eprintln!("{}", verdict.sentence());
        Ok(if verdict.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn publish<F: Figures>(&mut self, figures: &F) -> Result<()> {
        let circumstances = Circumstances {
            command: std::env::args().skip(1).fold("bench".to_owned(), |all, it| all + " " + &it),
            short: self.settings.short,
            seed: self.settings.seed,
            rounds: self.settings.rounds,
            cores: std::thread::available_parallelism()?.get(),
            load_before: self.load_before,
            load_after: load(),
        };
        let show = self.cli.output == Output::Table;
        self.reports.push(publish(figures, &circumstances, show)?);
        Ok(())
    }

    fn print(&self) -> Result<()> {
        if self.cli.output == Output::Json {
            println!("{}", serde_json::to_string_pretty(&self.reports)?);
        }
        Ok(())
    }
}

impl Part {
    /// Whether it is measured when no part is named.
    fn is_of_everything(self, short: bool) -> bool {
        match self {
            Self::Backlog | Self::Costs | Self::References | Self::Latency => true,
            Self::Workers
            | Self::Growth
            | Self::Timers
            | Self::Relay
            | Self::ColdStart
            | Self::Verify
            | Self::Curves => !short,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
