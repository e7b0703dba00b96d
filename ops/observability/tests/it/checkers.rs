//! The programs that check what is theirs: `promtool` and `amtool`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::root;

/// Runs `promtool`; returns whether it is content, and what it says.
pub(crate) fn promtool(folder: &Path, arguments: &[&str]) -> (bool, String) {
    run("promtool", "prometheus", folder, arguments)
}

/// Runs `amtool`.
pub(crate) fn amtool(folder: &Path, arguments: &[&str]) -> (bool, String) {
    run("amtool", "prometheus-alertmanager", folder, arguments)
}

fn run(program: &str, package: &str, folder: &Path, arguments: &[&str]) -> (bool, String) {
    let found = find(program).unwrap_or_else(|| {
        panic!("{program} is missing: `cargo xtask test` fetches it, or install Debian's {package}")
    });
    let output = Command::new(found).args(arguments).current_dir(folder).output();
    let output = output.expect("the program can be started");
    let words = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&words).into_owned())
}

/// Where `cargo xtask test` puts it, or on the path.
fn find(program: &str) -> Option<PathBuf> {
    let fetched = root().join(".local/tools/usr/bin").join(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(program));
    on_path.chain([fetched]).find(|file| file.is_file())
}
