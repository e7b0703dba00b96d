//! Faults of every kind, and the proof that nothing was lost.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::demo::{BIN_DIR, become_program};
use crate::test_run::build_binaries;
use crate::{Checkout, cargo};

/// The variable that names this program, by which the suite starts its services anew.
pub(crate) const XTASK: &str = "ORDERFLOW_XTASK";

/// Builds the binaries and becomes the suite, which starts services of its own.
pub(crate) fn run(checkout: &Checkout, arguments: &[OsString]) -> Result<ExitCode> {
    build_binaries(checkout)?;
    let binaries = cargo::target_directory(checkout)?.join("debug");
    let mut command = Command::new(binaries.join("chaos"));
    let own = std::env::current_exe().context("failed to find this program")?;
    command.args(arguments).env(BIN_DIR, &binaries).env(XTASK, own).current_dir(checkout.root());
    become_program(command)
}
