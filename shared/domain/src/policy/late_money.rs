//! What becomes of money that came late, or is a little short.

use std::time::Duration;

use contracts::Timestamp;

use super::section::Section;
use super::{AmountLimits, DAY, HOUR, MINUTE};
use crate::order::Order;
use crate::status::{Status as _, named};

/// Of an order's total at most one part in so many may be missing, whatever the file says.
const TOLERATED_PART: i64 = 10;

/// Most minor units that may be missing: 10.00 where two decimals are used.
const MOST_TOLERATED: i64 = 1_000;

named! {
    /// What becomes of money for an order that has expired (policy 2).
    pub enum LateMoneyChoice {
        /// It goes back by itself.
        Refund = "refund",
        /// It pays the order, if that can have its stock again.
        Reinstate = "reinstate",
        /// A person decides.
        Manual = "manual",
    }
}

/// What becomes of money that came late, or is a little short (policy 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateMoneyPolicy {
    /// What becomes of money for an order that has expired.
    pub choice: LateMoneyChoice,
    /// How long after the window's end money may have been paid to be kept (case 3).
    pub reinstate_grace: Duration,
    /// How long a shop may take to say whether there is stock (case 87).
    pub reserve_answer_within: Duration,
    /// How long our own refunds are kept back, in which a person may stop them.
    pub auto_refund_delay: Duration,
    /// How many minor units may be missing of a total that counts as paid (case 43).
    pub tolerance: AmountLimits,
}

impl Default for LateMoneyPolicy {
    fn default() -> Self {
        Self {
            choice: LateMoneyChoice::Refund,
            reinstate_grace: Duration::ZERO,
            reserve_answer_within: 15 * MINUTE,
            auto_refund_delay: Duration::ZERO,
            tolerance: AmountLimits::everywhere(0),
        }
    }
}

impl LateMoneyPolicy {
    /// Whether money paid then may pay an order whose window has ended (cases 3 and 4).
    pub fn is_in_grace(&self, order: &Order, paid_at: Timestamp) -> bool {
        paid_at <= order.expires_at.plus(self.reinstate_grace)
    }

    /// Whether so many minor units pay an order that costs so many.
    pub fn covers(&self, order: &Order, minor: i64) -> bool {
        order.total.minor() - minor <= self.tolerated(order)
    }

    /// How many minor units may be missing of an order's total: never more than a tenth of it, so
    /// that no payment of little pays an order of much.
    pub fn tolerated(&self, order: &Order) -> i64 {
        let most = order.total.minor() / TOLERATED_PART;
        self.tolerance.of(order.total.currency()).min(most)
    }

    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.value("choice", |value| {
            let choice = value.as_str().and_then(|name| LateMoneyChoice::parse(name).ok());
            let known = LateMoneyChoice::ALL.iter().map(|choice| choice.name());
            let known: Vec<_> = known.collect();
            self.choice = choice.ok_or_else(|| format!("must be one of {}", known.join(", ")))?;
            Ok(())
        });
        section.time("reinstate_grace", Duration::ZERO..=HOUR, &mut self.reinstate_grace);
        let answer = &mut self.reserve_answer_within;
        section.time("reserve_answer_within", Duration::from_secs(1)..=DAY, answer);
        let delay = &mut self.auto_refund_delay;
        section.time("auto_refund_delay", Duration::ZERO..=30 * DAY, delay);
        section.value("tolerance", |value| {
            self.tolerance.overlay(value)?;
            let most = self.tolerance.largest();
            let allowed = (most <= MOST_TOLERATED).then_some(());
            allowed.ok_or_else(|| {
                format!(
                    "must be at most {MOST_TOLERATED} minor units, not {most}: it could be as \
                     much as an order's total"
                )
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::PolicyFile;

    fn problems(text: &str) -> String {
        let file = PolicyFile { text: text.to_owned(), ..PolicyFile::default() };
        file.read().unwrap_err().to_string()
    }

    #[test]
    fn a_choice_that_is_none_and_a_grace_beyond_an_hour_are_refused() {
        let text = "[late_money]\nchoice = \"keep\"\nreinstate_grace = \"61m\"";
        let problems = problems(text);
        assert!(problems.contains("late_money.choice: must be one of refund, reinstate, manual"));
        assert!(problems.contains("late_money.reinstate_grace"), "{problems}");
    }

    #[test]
    fn a_tolerance_that_could_be_an_orders_total_is_refused_in_any_currency() {
        for tolerance in ["1_001", "{ other = 0, JPY = 1_001 }"] {
            let problems = problems(&format!("[late_money]\ntolerance = {tolerance}"));
            assert!(problems.contains("late_money.tolerance: must be at most 1000"), "{problems}");
        }
        let text = "[late_money]\ntolerance = 1_000".to_owned();
        assert!(PolicyFile { text, ..PolicyFile::default() }.read().is_ok());
    }
}
