//! Tools that PyPI and npm package, installed below `.local/tools`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::debian::Tool;
use crate::terminal::Step;
use crate::{Checkout, Failure};

/// Where the stamp of a folder says what was installed into it.
const STAMP: &str = "installed";

/// A Python of our own with the packages of these files.
pub(super) fn python(checkout: &Checkout, requirements: &[&str]) -> Result<PathBuf> {
    let folder = checkout.path(".local/tools/python");
    let wanted = contents(checkout, requirements)?;
    if !is_installed(&folder, &wanted) {
        let system = Tool::Python.provide(checkout)?;
        let step = Step::begin("Installing Python packages");
        run(Command::new(system).args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        for file in requirements {
            pip.arg("--requirement").arg(checkout.path(file));
        }
        run(&mut pip)?;
        fs::write(folder.join(STAMP), wanted).context("failed to write a stamp")?;
        step.done("done");
    }
    Ok(folder.join("bin"))
}

/// The folder `node_modules` of a `package.json`.
pub(super) fn node(checkout: &Checkout, name: &str, manifest: &str) -> Result<PathBuf> {
    let folder = checkout.path(".local/tools").join(name);
    let wanted = contents(checkout, &[manifest])?;
    if !is_installed(&folder, &wanted) {
        Tool::Node.provide(checkout)?;
        let step = Step::begin(format!("Installing the packages of {manifest}"));
        fs::create_dir_all(&folder).context("failed to make a folder for packages")?;
        fs::write(folder.join("package.json"), &wanted).context("failed to copy a manifest")?;
        // A lock file would name the registry of whoever wrote it.
        let quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"];
        let mut npm = Command::new("npm");
        run(npm.arg("install").args(quiet).current_dir(&folder))?;
        fs::write(folder.join(STAMP), wanted).context("failed to write a stamp")?;
        step.done("done");
    }
    Ok(folder.join("node_modules"))
}

fn contents(checkout: &Checkout, files: &[&str]) -> Result<String> {
    let read = |file: &&str| {
        fs::read_to_string(checkout.path(file)).with_context(|| format!("failed to read {file}"))
    };
    files.iter().map(read).collect()
}

fn is_installed(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == wanted)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.with_context(|| format!("failed to start {}", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let end: Vec<&str> = said.lines().rev().take(5).collect();
        let end: Vec<&str> = end.into_iter().rev().collect();
        bail!(Failure::Unavailable(format!(
            "packages could not be installed; {} ends with:\n{}",
            command.get_program().display(),
            end.join("\n")
        )));
    }
    Ok(())
}
