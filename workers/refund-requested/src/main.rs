//! The worker `refund-requested`.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::run_worker("refund-requested", refund_requested::RefundRules::new)
}
