//! What is seen while something takes longer than a moment.

use std::future::Future;
use std::io::{IsTerminal as _, stderr};
use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, sleep_until};

/// What takes less is not worth a look.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the bar is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// A bar on a terminal that is drawn once patience is over; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    show_at: Option<Instant>,
}

impl Progress {
    /// Begins with so many steps ahead; `quiet` shows nothing.
    pub(crate) fn begin(steps: usize, quiet: bool) -> Self {
        let length = u64::try_from(steps).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
        let style =
            ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len} ({elapsed})")
                .expect("the template is constant and valid")
                .progress_chars("=> ");
        let shown = stderr().is_terminal() && !quiet;
        let show_at = shown.then(|| Instant::now() + PATIENCE);
        Self { bar: bar.with_style(style), show_at }
    }

    /// Takes one step.
    pub(crate) async fn step<T>(&mut self, what: &str, work: impl Future<Output = T>) -> T {
        self.bar.set_message(what.to_owned());
        let mut work = pin!(work);
        let done = match self.show_at {
            None => work.await,
            Some(show_at) => tokio::select! {
                done = &mut work => done,
                () = sleep_until(show_at) => {
                    self.show();
                    work.await
                }
            },
        };
        self.bar.inc(1);
        done
    }

    fn show(&mut self) {
        self.show_at = None;
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        self.bar.enable_steady_tick(TICK);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar over something that goes on elsewhere, with its rate and the time left.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Begins at `done` of `all`; shows nothing without a terminal, or when it is to be quiet.
    pub(crate) fn begin(all: i64, done: i64, quiet: bool) -> Self {
        let shown = stderr().is_terminal() && !quiet;
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(steps(all)), target);
        let template = "[{bar:30}] {pos}/{len} {per_sec}, {eta} left: {msg}";
        let style = ProgressStyle::with_template(template)
            .expect("the template is constant and valid")
            .progress_chars("=> ");
        let bar = bar.with_style(style).with_position(steps(done));
        // The rate is that of what is seen from now on.
        bar.reset_eta();
        Self(bar)
    }

    /// So many are done, and this is to be said of it.
    pub(crate) fn at(&self, done: i64, message: &str) {
        self.0.set_message(message.to_owned());
        self.0.set_position(steps(done));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn steps(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
