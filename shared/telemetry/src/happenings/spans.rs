//! What becomes of spans.

use tracing::warn;

/// Spans are not taken; said once, because each of them is counted where it is let go of.
#[derive(Debug)]
pub struct SpansNotExported<'a> {
    /// Which process.
    pub worker: &'static str,
    /// Why the first of them was not.
    pub why: &'a str,
}

impl SpansNotExported<'_> {
    /// Logs it.
    pub fn emit(&self) {
        let Self { worker, why } = self;
        warn!(worker, detail = why, "spans are not exported; from now on they are only counted");
    }
}
