//! Cargo, as called by the tasks.

use std::ffi::OsStr;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::Checkout;

/// A call of cargo in the root of the checkout.
pub(crate) fn cargo<A: AsRef<OsStr>>(
    checkout: &Checkout,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    // Set by the cargo that runs this task, and then of the pinned toolchain.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(checkout.root()).args(arguments).stdin(Stdio::null());
    command
}

/// Runs cargo and fails when it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().context("failed to start cargo")?;
    if !status.success() {
        let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(())
}

/// Keeps the colours of a program whose output is read on its way to a terminal.
pub(crate) fn keep_colours(command: &mut Command) {
    let wanted =
        stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    command.env("CARGO_TERM_COLOR", if wanted { "always" } else { "never" });
}

/// The folder that cargo builds into.
pub(crate) fn target_directory(checkout: &Checkout) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }

    let output = cargo(checkout, ["metadata", "--no-deps", "--format-version=1"])
        .output()
        .context("failed to start cargo")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("failed to read cargo's metadata")?;
    Ok(metadata.target_directory)
}
