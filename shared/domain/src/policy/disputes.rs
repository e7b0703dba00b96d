//! How disputes are answered.

use std::time::Duration;

use super::section::Section;
use super::{DAY, HOUR, MINUTE};

/// How disputes are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputePolicy {
    /// How long before the deadline evidence is handed in by itself (Gumroad: 6 hours).
    pub submit_before_due: Duration,
}

impl Default for DisputePolicy {
    fn default() -> Self {
        Self { submit_before_due: 6 * HOUR }
    }
}

impl DisputePolicy {
    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.time("submit_before_due", MINUTE..=14 * DAY, &mut self.submit_before_due);
    }
}
