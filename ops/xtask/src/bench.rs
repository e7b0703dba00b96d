//! The measurement of the workers beside two references.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::{Checkout, cargo, demo};

/// What the measurement does without.
const UNNEEDED: [&str; 2] = ["demo", "orderctl"];

/// Starts the services, builds the binaries and becomes the measurement.
pub(crate) fn run(checkout: &Checkout, arguments: &[OsString]) -> Result<ExitCode> {
    demo::become_program(demo::built(checkout, "bench", &UNNEEDED, arguments)?)
}

/// Fails when the workers fall clearly behind the recorded ratio to the bare pipe.
pub(crate) fn guard(checkout: &Checkout) -> Result<()> {
    cargo::run(&mut demo::built(checkout, "bench", &UNNEEDED, &["--guard".into()])?)
}
