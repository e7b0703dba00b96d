//! A short run: some rounds of faults, and nothing lost.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What is tried in every run of the tests; others by `cargo xtask chaos`.
const FAULTS: [&str; 6] = ["--seed", "3", "--minutes", "1", "--rounds", "6"];

/// The folder of this build's binaries, which has those of the workers and `xtask`.
fn binaries() -> PathBuf {
    let own = Path::new(env!("CARGO_BIN_EXE_chaos"));
    own.parent().expect("a binary is in a folder").to_owned()
}

#[test]
fn nothing_is_lost_over_some_rounds_of_faults() {
    let binaries = binaries();
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let xtask = variable("ORDERFLOW_XTASK").unwrap_or_else(|| binaries.join("xtask"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(FAULTS)
        .args(["--output", "json"])
        .env("ORDERFLOW_XTASK", xtask)
        .env("ORDERFLOW_BIN_DIR", &binaries)
        .current_dir(root)
        .output()
        .expect("the binary is built");
    let again = format!("again: cargo xtask chaos {}", FAULTS.join(" "));
    let said = String::from_utf8_lossy(&output.stderr);
    let report = String::from_utf8_lossy(&output.stdout);
    let report: serde_json::Value = serde_json::from_str(&report)
        .unwrap_or_else(|error| panic!("no report, {error}:\n{said}\n{report}\n{again}"));
    assert_eq!(report["passed"], true, "{said}\n{report:#}\n{again}");
    assert_ne!(report["rounds"], 0, "{said}");
    assert_ne!(report["messages"]["published"], 0, "{report:#}");
    assert_eq!(output.status.code(), Some(0));
}
