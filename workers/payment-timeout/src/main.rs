//! The worker `payment-timeout`.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::run_worker("payment-timeout", payment_timeout::TimeoutRules::new)
}
