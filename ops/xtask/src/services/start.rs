//! Waiting for a server that was just started.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How often a starting server is asked whether it is ready.
const POLL: Duration = Duration::from_millis(100);

/// What became of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It answers.
    Ready,
    /// It ended by itself.
    Ended,
    /// It runs, but did not answer in time.
    TimedOut,
}

/// Waits until the server is ready, has ended, or `patience` is over.
pub(super) fn watch(
    mut child: Child,
    patience: Duration,
    ready: impl Fn() -> bool,
) -> Result<Progress> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if child.try_wait().context("failed to look after a started server")?.is_some() {
            return Ok(Progress::Ended);
        }
        if ready() {
            return Ok(Progress::Ready);
        }
        thread::sleep(POLL);
    }
    Ok(Progress::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn program(line: &str) -> Child {
        // It outlives its test, whose output must not wait for it.
        let (out, err) = (Stdio::null(), Stdio::null());
        Command::new("sh").args(["-c", line]).stdout(out).stderr(err).spawn().unwrap()
    }

    #[test]
    fn a_server_that_ends_is_not_waited_for() {
        let progress = watch(program("exit 1"), Duration::from_mins(1), || false).unwrap();
        assert_eq!(progress, Progress::Ended);
    }

    #[test]
    fn a_server_that_never_answers_is_given_up() {
        let progress =
            watch(program("exec sleep 1"), Duration::from_millis(150), || false).unwrap();
        assert_eq!(progress, Progress::TimedOut);
    }
}
