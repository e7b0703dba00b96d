//! How long refunds may be wished for, by what they are wished for.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::events::RefundReason;

use super::section::Section;
use super::{DAY, HOUR, LONGEST};

/// How long after payment or delivery a wish needs no person, by its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundWindows {
    /// For reasons not named.
    pub other: Duration,
    /// By reason.
    pub by_reason: BTreeMap<RefundReason, Duration>,
}

impl Default for RefundWindows {
    fn default() -> Self {
        Self { other: 30 * DAY, by_reason: BTreeMap::new() }
    }
}

impl RefundWindows {
    /// The window of wishes with this reason.
    pub fn of(&self, reason: RefundReason) -> Duration {
        self.by_reason.get(&reason).copied().unwrap_or(self.other)
    }

    /// The longest there is.
    pub(super) fn longest(&self) -> Duration {
        self.by_reason.values().copied().fold(self.other, Duration::max)
    }

    /// Reads `window`, and `window_of` with its reasons.
    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.time("window", HOUR..=LONGEST, &mut self.other);
        section.table("window_of", |section| {
            for reason in RefundReason::ALL {
                let mut window = self.by_reason.get(&reason).copied().unwrap_or(Duration::ZERO);
                section.time(reason.name(), HOUR..=LONGEST, &mut window);
                if !window.is_zero() {
                    self.by_reason.insert(reason, window);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use contracts::events::RefundReason::{Defective, Goodwill};

    use super::super::{DAY, PolicyFile};

    fn read(text: &str) -> Result<super::RefundWindows, String> {
        let file = PolicyFile { text: text.to_owned(), ..PolicyFile::default() };
        let book = file.read().map_err(|error| error.to_string())?;
        Ok(book.everyone().refunds.windows.clone())
    }

    #[test]
    fn a_reason_of_its_own_goes_before_all_others() {
        let windows = read("[refunds]\nwindow = \"14d\"\nwindow_of.defective = \"200d\"").unwrap();
        assert_eq!((windows.of(Defective), windows.of(Goodwill)), (200 * DAY, 14 * DAY));
        assert_eq!(read("").unwrap().of(Defective), 30 * DAY);
    }

    #[test]
    fn reasons_that_are_none_and_windows_beyond_the_hard_age_are_refused() {
        let problems =
            read("[refunds.window_of]\nbroken = \"9d\"\ndefective = \"2y\"").unwrap_err();
        assert!(problems.contains("refunds.window_of.broken: is unknown here"), "{problems}");
        assert!(problems.contains("refunds.hard_age: must be at least as long"), "{problems}");
    }
}
