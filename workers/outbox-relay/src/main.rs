//! The process `outbox-relay`.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::run(outbox_relay::NAME, outbox_relay::ABOUT, outbox_relay::relay)
}
