//! The worker `dispute-opened`.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::run_worker("dispute-opened", dispute_opened::DisputeRules::new)
}
