//! Development tasks: private services, demo, tests and checks.
//!
//! Every task does all the set-up it needs, so `cargo xtask demo` and `cargo xtask test` work on a
//! machine that has only a Rust toolchain.

mod bench;
mod cargo;
mod chaos;
mod checkers;
mod checkout;
mod checks;
mod cli;
mod demo;
mod failure;
mod rules;
pub mod services;
mod sqlx_data;
mod terminal;
mod test_run;
pub mod tidy;
pub mod tools;

use std::process::ExitCode;

pub use checkout::Checkout;
pub use failure::Failure;

/// Runs the task named on the command line.
pub fn run() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            terminal::error(&error);
            failure::exit_code(&error)
        }
    }
}
