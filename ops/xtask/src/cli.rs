//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    Checkout, Failure, bench, chaos, checks, demo, rules, services, sqlx_data, terminal, test_run,
    tidy, tools,
};

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo                    the main job, on private services
  cargo xtask test                    every test of the workspace
  cargo xtask test settle             the tests with `settle` in their name
  cargo xtask test --broker 4.3       the same on a newer RabbitMQ
  cargo xtask test --nodes 3          what only a cluster can show: its leader is killed
  cargo xtask services up             RabbitMQ and Postgres for this checkout
  cargo xtask services status --output json
  cargo xtask bench --short           how fast it is, in about two minutes
  cargo xtask chaos --seed 7          five minutes of faults, and proof that nothing was lost
  cargo xtask ci                      all that a change has to pass

Services: a private RabbitMQ and Postgres run under `.local/` on free ports of the loopback address.
They are installed first if they are missing and this user may do so. ORDERFLOW_AMQP_URL (with
ORDERFLOW_MANAGEMENT_URL) and ORDERFLOW_DATABASE_URL each replace one of them.

Exit codes: 0 all well, 1 failed, 2 wrong usage, 3 not running or stale, 69 something is missing
that could not be installed.";

/// Runs Orderflow, its tests and its checks, with all the set-up they need.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run the main job on a seeded day of a shop and prove that nothing was lost.
    Demo(DemoArguments),
    /// Measure the workers beside two references, in release mode.
    Bench(BenchArguments),
    /// Kill, pause and cut off workers, broker and database, and prove that nothing was lost.
    Chaos(ChaosArguments),
    /// Start or stop RabbitMQ and Postgres for this checkout.
    Services(ServicesArguments),
    /// Run every test of the workspace, starting the services first.
    Test(TestArguments),
    /// Refresh the data that SQL is checked against while compiling.
    Sqlx(SqlxArguments),
    /// Check the style that the compiler does not: sizes, names, dependency directions.
    Tidy,
    /// Write the tests of each of the 88 cases into the table of `tests/README.md`.
    Cases,
    /// Install the programs that tests of deployment files and publishers use.
    Tools,
    /// Write the alerts of `ops/prometheus/rules` into the manifest for Kubernetes.
    Rules,
    /// Run all that a change has to pass: format, style, lints, documentation, SQL, tests, speed.
    Ci,
}

/// What the demo itself says for `--help`; one of its tests keeps this file up to date.
const DEMO_HELP: &str = include_str!("../../demo/help.txt");

#[derive(Debug, Args)]
#[command(override_help = DEMO_HELP)]
struct DemoArguments {
    /// Arguments for the demo.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

/// What the measurement itself says for `--help`; one of its tests keeps this file up to date.
const BENCH_HELP: &str = include_str!("../../bench/help.txt");

#[derive(Debug, Args)]
#[command(override_help = BENCH_HELP)]
struct BenchArguments {
    /// Arguments for the measurement.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

/// What the chaos suite itself says for `--help`; one of its tests keeps this file up to date.
const CHAOS_HELP: &str = include_str!("../../chaos/help.txt");

#[derive(Debug, Args)]
#[command(override_help = CHAOS_HELP)]
struct ChaosArguments {
    /// Arguments for the chaos suite.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
struct ServicesArguments {
    /// Services of this name, apart from those that demo and tests share: private ones, even if
    /// the environment names others, to be stopped, killed and filled up.
    #[arg(long, value_name = "NAME", global = true, value_parser = services_name)]
    name: Option<String>,
    #[command(subcommand)]
    task: ServicesTask,
}

/// A name that is one folder below `.local/` and none of those that are there for other purposes.
fn services_name(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
    if plain && !["logs", "demo", "postgres", "rabbitmq"].contains(&text) {
        return Ok(text.to_owned());
    }
    Err("small letters only, and not a folder that is there already".to_owned())
}

#[derive(Debug, Subcommand)]
enum ServicesTask {
    /// Leave both running and answering; repair what crashed. Instant when they are.
    Up {
        #[command(flatten)]
        broker: services::BrokerChoice,
        /// How to print where they are.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Say what runs. Exit code 3 unless both do.
    Status {
        #[command(flatten)]
        broker: services::BrokerChoice,
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Stop both, and every broker beside them, and leave nothing running. The data stays.
    Down {
        /// Remove the data as well, and the brokers that were fetched.
        #[arg(long)]
        purge: bool,
    },
    /// Run `rabbitmqctl` on the private broker.
    Rabbitmqctl {
        /// Arguments for it.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        arguments: Vec<OsString>,
    },
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// For people, without passwords.
    #[default]
    Table,
    /// For programs, with passwords.
    Json,
    /// For a shell: `eval "$(cargo xtask services up --output env)"`.
    Env,
}

#[derive(Debug, Args)]
struct TestArguments {
    /// Build the tests, but do not run them.
    #[arg(long)]
    no_run: bool,
    #[command(flatten)]
    broker: services::BrokerChoice,
    /// Run the workers of all end-to-end tests as users and roles with the least rights.
    #[arg(long)]
    least_privilege: bool,
    /// Run only tests whose name contains one of these.
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
}

#[derive(Debug, Args)]
struct SqlxArguments {
    /// Change nothing; exit code 3 if the committed data is stale. Also proves that the
    /// migrations go up, down and up again.
    #[arg(long)]
    check: bool,
}

/// Parses the command line and runs its task.
pub(crate) fn run() -> Result<ExitCode> {
    let cli = Cli::parse();
    let checkout = Checkout::find()?;
    match cli.task {
        Task::Demo(arguments) => demo::run(&checkout, &arguments.arguments),
        Task::Bench(arguments) => bench::run(&checkout, &arguments.arguments),
        Task::Chaos(arguments) => chaos::run(&checkout, &arguments.arguments),
        Task::Services(ServicesArguments { name, task }) => {
            let apart = name.map(|name| checkout.apart(&name));
            services_task(apart.as_ref().unwrap_or(&checkout), &task)
        }
        Task::Test(arguments) if arguments.no_run => test_run::build(&checkout),
        Task::Test(arguments) => {
            let TestArguments { broker, least_privilege, filters, .. } = arguments;
            test_run::run(&checkout, broker, least_privilege, &filters)
        }
        Task::Sqlx(arguments) if arguments.check => finished(sqlx_data::check(&checkout)),
        Task::Sqlx(_) => finished(sqlx_data::refresh(&checkout)),
        Task::Tidy => finished(tidy::run(&checkout)),
        Task::Cases => finished(tidy::cases::refresh(checkout.root())),
        Task::Tools => finished(tools::install_all(&checkout)),
        Task::Rules => finished(rules::refresh(&checkout)),
        Task::Ci => checks::run(&checkout),
    }
}

fn services_task(checkout: &Checkout, task: &ServicesTask) -> Result<ExitCode> {
    match task {
        ServicesTask::Up { broker, output } => {
            services::up(checkout, *broker)?;
            print(&services::status(checkout, *broker), *output)?;
        }
        ServicesTask::Status { broker, output } => {
            let report = services::status(checkout, *broker);
            print(&report, *output)?;
            if !report.is_running() {
                return Err(Failure::NotAsExpected(
                    "the services are not running: `cargo xtask services up`".to_owned(),
                )
                .into());
            }
        }
        ServicesTask::Down { purge } => {
            services::down(checkout, *purge)?;
            terminal::say("Nothing of this checkout's services is running");
        }
        ServicesTask::Rabbitmqctl { arguments } => {
            println!("{}", services::rabbitmqctl(checkout, arguments)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &services::Report, output: Output) -> Result<()> {
    match output {
        Output::Table => print!("{report}"),
        Output::Json => println!("{}", serde_json::to_string_pretty(report)?),
        Output::Env => println!("{}", report.exports()),
    }
    Ok(())
}

fn finished(outcome: Result<()>) -> Result<ExitCode> {
    outcome.map(|()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_after_demo_are_handed_on() {
        let cli = Cli::try_parse_from(["cargo xtask", "demo", "--seed", "7", "--keep"]).unwrap();
        let Task::Demo(demo) = cli.task else { panic!("another task: {:?}", cli.task) };
        assert_eq!(demo.arguments, ["--seed", "7", "--keep"]);
    }

    #[test]
    fn options_after_bench_are_handed_on() {
        let cli = Cli::try_parse_from(["cargo xtask", "bench", "--short", "--rounds", "5"]);
        let Task::Bench(bench) = cli.unwrap().task else { panic!("another task") };
        assert_eq!(bench.arguments, ["--short", "--rounds", "5"]);
    }

    #[test]
    fn the_help_of_demo_is_the_demo_s_own() {
        for flag in ["--help", "-h"] {
            let error = Cli::try_parse_from(["cargo xtask", "demo", flag]).unwrap_err();
            assert_eq!(error.to_string(), DEMO_HELP);
        }
    }
}
