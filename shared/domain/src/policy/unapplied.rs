//! How long money that fits no order is kept.

use std::time::Duration;

use super::section::Section;
use super::{DAY, MINUTE};

/// Longer, and invariant I26 takes the money for forgotten.
const LONGEST_OPEN: Duration = Duration::from_hours(3 * 24);

/// How long money that fits no order is kept before something happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnappliedPolicy {
    /// How long its order may still come before the money goes back by itself (case 25).
    pub refund_after: Duration,
    /// How long a person may take to decide on money that contradicts its order (I26).
    pub sla: Duration,
}

impl Default for UnappliedPolicy {
    fn default() -> Self {
        Self { refund_after: DAY, sla: 3 * DAY }
    }
}

impl UnappliedPolicy {
    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.time("refund_after", MINUTE..=LONGEST_OPEN, &mut self.refund_after);
        section.time("decide_within", MINUTE..=LONGEST_OPEN, &mut self.sla);
    }
}
