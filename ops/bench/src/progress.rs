//! What is seen while a measurement runs: a bar on a terminal, a line elsewhere.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// One step that takes time; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Announces a step of so many things.
    pub(crate) fn begin(what: &str, things: usize) -> Self {
        if !stderr().is_terminal() {
            eprintln!("{what} ...");
            return Self(None);
        }
        let template = "{spinner} {msg} [{bar:30}] {pos}/{len} ({elapsed})";
        let style = ProgressStyle::with_template(template)
            .expect("the template is constant and valid")
            .progress_chars("=> ");
        let bar = ProgressBar::new(length(things)).with_style(style).with_message(what.to_owned());
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }

    /// So many are done.
    pub(crate) fn set(&self, done: usize) {
        if let Some(bar) = &self.0 {
            bar.set_position(length(done));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
