//! Ends the process when a rule does not come to an end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Stands for "nothing is being decided".
const IDLE: u64 = 0;

/// Watches one lane's decisions; without a limit it watches nothing.
///
/// A rule that never returns holds its lane, its database locks and, with one lane, the health
/// pages. Nothing can stop it but the end of the process: what was not committed is delivered
/// again, and the message at fault is found by being tried alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watchdog(Option<Arc<Watched>>);

#[derive(Debug)]
struct Watched {
    epoch: Instant,
    /// When the decision at hand began, in milliseconds since the epoch and one; or [`IDLE`].
    since: AtomicU64,
}

impl Watchdog {
    /// Watches from a thread of its own until the last copy is dropped.
    pub(crate) fn start(worker: &'static str, limit: Duration) -> Self {
        let watched = Arc::new(Watched { epoch: Instant::now(), since: AtomicU64::new(IDLE) });
        let seen = Arc::downgrade(&watched);
        let thread = std::thread::Builder::new().name("watchdog".to_owned());
        // Its calls are shallow; the default would be the large stacks of what decodes headers.
        let thread = thread.stack_size(128 * 1024).spawn(move || watch(worker, limit, &seen));
        if let Err(error) = thread {
            tracing::error!(%error, "no thread for the watchdog: rules are not watched");
        }
        Self(Some(watched))
    }

    /// Times what is done until the answer is dropped.
    pub(crate) fn deciding(&self) -> Deciding<'_> {
        if let Some(watched) = &self.0 {
            watched.since.store(watched.now(), Ordering::Relaxed);
        }
        Deciding(self)
    }
}

impl Watched {
    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// How long the decision at hand has taken.
    fn elapsed(&self) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            IDLE => Duration::ZERO,
            since => Duration::from_millis(self.now().saturating_sub(since)),
        }
    }
}

/// A decision under way.
#[derive(Debug)]
pub(crate) struct Deciding<'a>(&'a Watchdog);

impl Drop for Deciding<'_> {
    fn drop(&mut self) {
        if let Some(watched) = &self.0.0 {
            watched.since.store(IDLE, Ordering::Relaxed);
        }
    }
}

fn watch(worker: &'static str, limit: Duration, watched: &Weak<Watched>) {
    loop {
        std::thread::sleep(limit / 4);
        let Some(watched) = watched.upgrade() else { return };
        if watched.elapsed() > limit {
            tracing::error!(worker, ?limit, "a rule does not come to an end; the process ends");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_under_way_counts() {
        let watchdog = Watchdog::start("test", Duration::from_hours(1));
        let watched = Arc::clone(watchdog.0.as_ref().unwrap());
        assert_eq!(watched.elapsed(), Duration::ZERO);
        watched.since.store(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(5));
        assert!(watched.elapsed() >= Duration::from_millis(4));
        drop(watchdog.deciding());
        assert_eq!(watched.elapsed(), Duration::ZERO);
    }
}
