//! The program `chaos`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chaos::main()
}
