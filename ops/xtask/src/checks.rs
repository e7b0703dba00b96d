//! All that a change has to pass, in the order in which a mistake shows soonest.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::terminal::say;
use crate::{Checkout, bench, cargo, services, sqlx_data, test_run, tidy};

/// A check and its name.
type Check = (&'static str, fn(&Checkout) -> Result<()>);

/// The checks before the tests.
const CHECKS: [Check; 5] = [
    ("format", format),
    ("style", tidy::run),
    ("lints", lints),
    ("documentation", documentation),
    ("SQL", sqlx_data::check),
];

/// Runs all checks, then the tests, then the guard of the speed; stops at the first that fails.
pub(crate) fn run(checkout: &Checkout) -> Result<ExitCode> {
    for check in CHECKS {
        pass(checkout, check)?;
    }
    say("== tests");
    let tests = test_run::run(checkout, services::BrokerChoice::default(), false, &[])?;
    if tests != ExitCode::SUCCESS {
        return Ok(tests);
    }
    pass(checkout, ("speed", bench::guard))?;
    Ok(ExitCode::SUCCESS)
}

fn pass(checkout: &Checkout, (name, check): Check) -> Result<()> {
    say(&format!("== {name}"));
    let started = Instant::now();
    check(checkout).with_context(|| format!("the check of {name} failed"))?;
    say(&format!("== {name}: passed ({:.1} s)", started.elapsed().as_secs_f64()));
    Ok(())
}

fn format(checkout: &Checkout) -> Result<()> {
    cargo::run(&mut cargo::cargo(checkout, ["fmt", "--all", "--check"]))
}

fn lints(checkout: &Checkout) -> Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo::run(&mut cargo::cargo(checkout, arguments))
}

fn documentation(checkout: &Checkout) -> Result<()> {
    let arguments = ["doc", "--workspace", "--no-deps", "--document-private-items"];
    cargo::run(cargo::cargo(checkout, arguments).env("RUSTDOCFLAGS", "-D warnings"))
}
