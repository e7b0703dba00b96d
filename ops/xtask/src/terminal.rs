//! What a task tells the person who runs it: always on stderr, stdout is for data.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often the spinner of a running step turns.
const SPINNER_TICK: Duration = Duration::from_millis(120);

/// A step that takes time: a spinner on a terminal, plain lines elsewhere.
pub(crate) struct Step {
    bar: Option<ProgressBar>,
    started: Instant,
    what: String,
}

impl Step {
    /// Announces what starts now.
    pub(crate) fn begin(what: impl Into<String>) -> Self {
        let what = what.into();
        let bar = stderr().is_terminal().then(|| spinner(&what));
        if bar.is_none() {
            say(&format!("{what} ..."));
        }
        Self { bar, started: Instant::now(), what }
    }

    /// Announces its good end, with the time it took.
    pub(crate) fn done(self, outcome: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        say(&format!("{}: {outcome} ({seconds:.1} s)", self.what));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn spinner(what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
        .expect("the template is constant and valid");
    let bar = ProgressBar::new_spinner().with_style(style).with_message(what.to_owned());
    bar.enable_steady_tick(SPINNER_TICK);
    bar
}

/// Prints one line of progress.
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// Prints an error with its causes on one line.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
