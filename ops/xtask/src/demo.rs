//! The main job on a seeded day of a shop.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::terminal::say;
use crate::{Checkout, cargo, services};

/// The variable that names the folder of the binaries.
pub(crate) const BIN_DIR: &str = "ORDERFLOW_BIN_DIR";

/// Starts the services, builds the binaries and becomes the demo.
pub(crate) fn run(checkout: &Checkout, arguments: &[OsString]) -> Result<ExitCode> {
    become_program(built(checkout, "demo", &["bench"], arguments)?)
}

/// Starts the services and builds the binaries in release mode; returns how to run one of them.
///
/// `unneeded` crates are left out, as are those that only tests need: release builds are slow.
pub(crate) fn built(
    checkout: &Checkout,
    program: &str,
    unneeded: &[&str],
    arguments: &[OsString],
) -> Result<Command> {
    let addresses = services::up(checkout, services::BrokerChoice::default())?;
    say("Building the binaries in release mode; the first time takes some minutes ...");
    let mut build = vec!["build", "--release", "--workspace", "--bins"];
    for left_out in ["xtask", "system-tests", "chaos"].iter().chain(unneeded) {
        build.extend(["--exclude", left_out]);
    }
    cargo::run(&mut cargo::cargo(checkout, build))?;
    let binaries = cargo::target_directory(checkout)?.join("release");
    let mut command = Command::new(binaries.join(program));
    command.args(arguments).env(BIN_DIR, &binaries).current_dir(checkout.root());
    addresses.export(&mut command);
    Ok(command)
}

/// Becomes the program: signals and the exit code are then its own.
pub(crate) fn become_program(mut command: Command) -> Result<ExitCode> {
    let error = command.exec();
    Err(error).with_context(|| format!("failed to start {}", command.get_program().display()))
}
