//! The worker `payment-attempted`.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::run_worker("payment-attempted", payment_attempted::PaymentRules::new)
}
