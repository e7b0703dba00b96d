//! The process `dead-letter-parker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::run(dead_letter_parker::NAME, dead_letter_parker::ABOUT, dead_letter_parker::park)
}
