//! The worker `order-created`.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::run_worker("order-created", order_created::OrderRules::new)
}
