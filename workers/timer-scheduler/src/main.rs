//! The process `timer-scheduler`.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::run(timer_scheduler::NAME, timer_scheduler::ABOUT, timer_scheduler::schedule)
}
