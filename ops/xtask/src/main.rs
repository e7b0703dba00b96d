//! Development tasks of the workspace: `cargo xtask --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::run()
}
