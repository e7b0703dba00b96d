//! What becomes of customers whose orders expire unpaid again and again.

use std::time::Duration;

use contracts::{Timestamp, Token};

use super::section::Section;
use super::{DAY, HOUR, MINUTE};
use crate::customer::{CustomerMark, RestrictionLevel};

/// Times of unpaid and paid orders are known so far back.
const LONGEST_WINDOW: Duration = Duration::from_hours(24 * 30);

/// Fewest unpaid orders that a level can begin with: what was paid is looked up from the third on.
const FEWEST: usize = 3;

/// What becomes of customers whose orders expire unpaid again and again (policy 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnpaidPolicy {
    /// How far back unpaid orders count.
    pub within: Duration,
    /// So many are announced.
    pub warn_from: usize,
    /// So many limit what may be open.
    pub limit_from: usize,
    /// So many leave orders that are paid at once only.
    pub prepaid_from: usize,
    /// How many unpaid ones a paid order makes up for.
    pub decay: usize,
    /// Most unpaid orders open at once, for a limited customer.
    pub max_open: i64,
    /// Longest payment window of a limited customer.
    pub limited_window: Duration,
    /// Longest payment window of a customer who has to pay at once.
    pub prepaid_window: Duration,
    /// How long a restriction lasts.
    pub restrict_for: Duration,
    /// When providers had trouble: orders that expired over it do not count.
    pub incidents: Vec<Incident>,
}

/// When a provider could not take payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// The provider.
    pub provider: Token<32>,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// What a customer's unpaid orders come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnpaidVerdict {
    /// Nothing.
    Nothing,
    /// Somebody is told.
    Warn,
    /// Something is closed to the customer.
    Restrict(RestrictionLevel),
}

impl Default for UnpaidPolicy {
    fn default() -> Self {
        Self {
            within: 7 * DAY,
            warn_from: 3,
            limit_from: 5,
            prepaid_from: 10,
            decay: 1,
            max_open: 1,
            limited_window: 15 * MINUTE,
            prepaid_window: MINUTE,
            restrict_for: 7 * DAY,
            incidents: Vec::new(),
        }
    }
}

impl UnpaidPolicy {
    /// Unpaid orders within the window, less what paid ones make up for; `None` where it is not
    /// known what was paid.
    pub fn score(&self, mark: &CustomerMark, now: Timestamp) -> Option<usize> {
        let count =
            |times: &[Timestamp]| times.iter().filter(|at| now.since(**at) < self.within).count();
        let paid = count(mark.paid.as_ref()?);
        Some(count(&mark.unpaid).saturating_sub(paid.saturating_mul(self.decay)))
    }

    /// What a score comes to that was just reached.
    pub fn verdict(&self, score: usize) -> UnpaidVerdict {
        if score >= self.prepaid_from {
            UnpaidVerdict::Restrict(RestrictionLevel::PrepaidOnly)
        } else if score >= self.limit_from {
            UnpaidVerdict::Restrict(RestrictionLevel::Limited)
        } else if score == self.warn_from {
            UnpaidVerdict::Warn
        } else {
            UnpaidVerdict::Nothing
        }
    }

    /// Longest payment window under a restriction.
    pub fn longest_window(&self, level: RestrictionLevel) -> Duration {
        match level {
            RestrictionLevel::Limited => self.limited_window,
            RestrictionLevel::PrepaidOnly => self.prepaid_window,
        }
    }

    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.time("within", HOUR..=LONGEST_WINDOW, &mut self.within);
        section.count("warn_from", FEWEST..=1_000, &mut self.warn_from);
        section.count("limit_from", FEWEST..=1_000, &mut self.limit_from);
        section.count("prepaid_from", FEWEST..=1_000, &mut self.prepaid_from);
        section.count("decay", 0..=1_000, &mut self.decay);
        section.count("max_open", 0..=1_000, &mut self.max_open);
        section.time("limited_window", MINUTE..=30 * DAY, &mut self.limited_window);
        section.time("prepaid_window", MINUTE..=DAY, &mut self.prepaid_window);
        section.time("restrict_for", HOUR..=90 * DAY, &mut self.restrict_for);
        section.value("incidents", |value| {
            self.incidents = incidents(value)?;
            Ok(())
        });
        if !(self.warn_from <= self.limit_from && self.limit_from <= self.prepaid_from) {
            section.refuse("limit_from", "must not be below `warn_from` nor above `prepaid_from`");
        }
    }
}

fn incidents(value: &toml::Value) -> Result<Vec<Incident>, String> {
    let wrong = || {
        "must be a list such as [{ provider = \"acme\", from = \"2026-11-01T10:00:00Z\", \
         to = \"2026-11-01T11:00:00Z\" }]"
            .to_owned()
    };
    let incident = |value: &toml::Value| {
        let table = value.as_table().filter(|table| table.len() == 3)?;
        let text = |key: &str| table.get(key)?.as_str();
        let time = |key: &str| text(key)?.parse().ok();
        let (provider, from, to) = (text("provider")?.parse().ok()?, time("from")?, time("to")?);
        (from <= to).then_some(Incident { provider, from, to })
    };
    let listed = value.as_array().ok_or_else(wrong)?;
    listed.iter().map(|value| incident(value).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::EPOCH.plus(400 * DAY)
    }

    fn mark(unpaid: usize, paid: usize, ago: Duration) -> CustomerMark {
        let at = now().minus(ago);
        let customer = "c-1".parse().expect("it is short");
        let (unpaid, paid) = (vec![at; unpaid], Some(vec![at; paid]));
        CustomerMark { unpaid, paid, ..CustomerMark::new(customer) }
    }

    fn verdict(unpaid: usize, paid: usize, ago: Duration) -> UnpaidVerdict {
        let policy = UnpaidPolicy::default();
        let score = policy.score(&mark(unpaid, paid, ago), now());
        policy.verdict(score.expect("it is known what was paid"))
    }

    #[test]
    fn each_level_begins_at_its_number() {
        use RestrictionLevel::{Limited, PrepaidOnly};
        for (unpaid, expected) in [
            (2, UnpaidVerdict::Nothing),
            (3, UnpaidVerdict::Warn),
            (4, UnpaidVerdict::Nothing),
            (5, UnpaidVerdict::Restrict(Limited)),
            (9, UnpaidVerdict::Restrict(Limited)),
            (10, UnpaidVerdict::Restrict(PrepaidOnly)),
        ] {
            assert_eq!(verdict(unpaid, 0, DAY), expected, "{unpaid}");
        }
    }

    #[test]
    fn a_paid_order_makes_up_for_an_unpaid_one() {
        assert_eq!(verdict(5, 1, DAY), UnpaidVerdict::Nothing);
        assert_eq!(verdict(4, 1, DAY), UnpaidVerdict::Warn);
        assert_eq!(verdict(6, 1, DAY), UnpaidVerdict::Restrict(RestrictionLevel::Limited));
        assert_eq!(verdict(3, 9, DAY), UnpaidVerdict::Nothing);
    }

    #[test]
    fn what_expired_exactly_the_window_ago_is_out() {
        let within = UnpaidPolicy::default().within;
        assert_eq!(verdict(5, 0, within), UnpaidVerdict::Nothing);
        let inside = mark(5, 0, within.saturating_sub(Duration::from_micros(1)));
        assert_eq!(UnpaidPolicy::default().score(&inside, now()), Some(5));
    }

    #[test]
    fn nobody_is_judged_before_it_is_known_what_they_paid() {
        let unknown = CustomerMark { paid: None, ..mark(50, 0, DAY) };
        assert_eq!(UnpaidPolicy::default().score(&unknown, now()), None);
    }
}
