//! The measurement of the workers beside two references.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::{Checkout, demo};

/// Starts the services, builds the binaries and becomes the measurement.
pub(crate) fn run(checkout: &Checkout, arguments: &[OsString]) -> Result<ExitCode> {
    demo::become_built(checkout, "bench", &["demo", "orderctl"], arguments)
}
