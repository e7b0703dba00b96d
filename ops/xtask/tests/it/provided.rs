//! Tools that a test needs, or a clear word that it could not check.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Result;
use serde_json::Value;
use xtask::Checkout;
use xtask::tools::Tools;

/// This checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A tool; where it is missing and cannot be installed, a test says so, and in CI it fails.
pub(crate) fn provided<T>(find: impl FnOnce(&Tools) -> Result<T>) -> Option<T> {
    match find(&Tools::of(&Checkout::at(&root()).unwrap())) {
        Ok(found) => Some(found),
        Err(error) if std::env::var_os("CI").is_some() => panic!("a tool is missing: {error:#}"),
        Err(error) => {
            eprintln!("NOT CHECKED, because a tool is missing: {error:#}");
            None
        }
    }
}

/// Runs a program that has to succeed, and returns what it printed.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = run(command);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The documents of a YAML text, read by the Python of our tools.
pub(crate) fn documents(python: &Path, yaml: &Path) -> Vec<Value> {
    const READ: &str = "import json, sys, yaml\n\
        documents = yaml.safe_load_all(open(sys.argv[1]))\n\
        json.dump([it for it in documents if it], sys.stdout)";
    let text = succeed(Command::new(python.join("python")).args(["-c", READ]).arg(yaml));
    serde_json::from_str(&text).unwrap()
}

/// The names of all workers, as their folders say.
pub(crate) fn workers() -> Vec<String> {
    let folders = std::fs::read_dir(root().join("workers")).unwrap();
    let mut names: Vec<_> =
        folders.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    names
}
