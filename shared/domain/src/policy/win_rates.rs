//! How often an answer to a dispute wins, by what the buyer says.

use std::collections::BTreeMap;

use contracts::events::DisputeReason;

use super::section::Section;

/// Percentages by reason, and one for all others; where there is none, nothing is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WinRates {
    /// Of reasons not named.
    pub other: Option<u8>,
    /// By reason.
    pub by_reason: BTreeMap<DisputeReason, u8>,
}

impl WinRates {
    /// The percentage of answers that win.
    pub fn of(&self, reason: DisputeReason) -> Option<u8> {
        self.by_reason.get(&reason).copied().or(self.other)
    }

    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        for reason in DisputeReason::ALL {
            let mut rate = self.by_reason.get(&reason).copied().unwrap_or(u8::MAX);
            section.count(reason.name(), 0..=100, &mut rate);
            if rate <= 100 {
                self.by_reason.insert(reason, rate);
            }
        }
        let mut other = self.other.unwrap_or(u8::MAX);
        section.count("other", 0..=100, &mut other);
        self.other = Some(other).filter(|rate| *rate <= 100);
    }
}

#[cfg(test)]
mod tests {
    use contracts::events::DisputeReason::{Fraudulent, General};

    use super::super::PolicyFile;

    fn read(text: &str) -> Result<super::WinRates, String> {
        let file = PolicyFile { text: text.to_owned(), ..PolicyFile::default() };
        let book = file.read().map_err(|error| error.to_string())?;
        Ok(book.everyone().disputes.win_rate.clone())
    }

    #[test]
    fn a_reason_of_its_own_goes_before_all_others() {
        let rates = read("[disputes.win_rate]\nfraudulent = 12\nother = 40").unwrap();
        assert_eq!((rates.of(Fraudulent), rates.of(General)), (Some(12), Some(40)));
        assert_eq!(read("").unwrap().of(Fraudulent), None);
    }

    #[test]
    fn reasons_that_are_none_and_rates_beyond_a_hundred_are_refused() {
        let problems = read("[disputes.win_rate]\nfraud = 12\ngeneral = 101").unwrap_err();
        assert!(problems.contains("disputes.win_rate.fraud: is unknown here"), "{problems}");
        assert!(problems.contains("disputes.win_rate.general: must be"), "{problems}");
    }
}
