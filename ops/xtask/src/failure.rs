//! Failures that have an exit code of their own.

use std::fmt;
use std::process::ExitCode;

/// A failure that scripts tell apart by its exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The services are not running, or generated data is stale (exit code 3).
    NotAsExpected(String),
    /// Something this machine lacks and that could not be installed (exit code 69).
    Unavailable(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::NotAsExpected(_) => 3,
            Self::Unavailable(_) => 69,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsExpected(message) | Self::Unavailable(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}

/// The exit code of an error: 1 unless a [`Failure`] is in its chain.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    error.downcast_ref::<Failure>().map_or(ExitCode::FAILURE, |failure| failure.code().into())
}
