//! The choices a shop makes: windows, limits, what to do with late money.

use std::time::Duration;

use contracts::Timestamp;
use contracts::events::PaymentMethod;

/// Names the set of choices; recorded with every order so that decisions can be explained.
pub const VERSION: &str = "defaults-1";

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Every choice, with defaults from the field (the systems named at each).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// How long an order waits for its money, by method (case 18).
    pub windows: Windows,
    /// When buyers are reminded.
    pub reminders: Reminders,
    /// Longest time that expiry waits for a payment under way (case 6); Woo's complaint 3.
    pub max_hold: Duration,
    /// How often a held order is looked at again.
    pub hold_interval: Duration,
    /// How long an event waits for its parent.
    pub park_ttl: Duration,
    /// How far a sender's clock may be ahead of ours (case 14).
    pub max_skew: Duration,
    /// How long an order created after its own deadline waits for its parked payments (case 20).
    pub drain_grace: Duration,
    /// When refunds are made without a person.
    pub refunds: RefundPolicy,
    /// How disputes are answered.
    pub disputes: DisputePolicy,
    /// How long money that fits no order is kept.
    pub unapplied: UnappliedPolicy,
}

/// Payment windows by method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Cards.
    pub card: Duration,
    /// Wallets.
    pub wallet: Duration,
    /// Bank transfers.
    pub bank_transfer: Duration,
    /// Any other method, and none named.
    pub other: Duration,
}

impl Windows {
    /// The window of a method.
    pub fn of(&self, method: Option<PaymentMethod>) -> Duration {
        match method {
            Some(PaymentMethod::Card) => self.card,
            Some(PaymentMethod::Wallet) => self.wallet,
            Some(PaymentMethod::BankTransfer) => self.bank_transfer,
            Some(PaymentMethod::Other) | None => self.other,
        }
    }
}

/// When buyers are reminded: at half of the window, and shortly before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminders {
    /// How long before the end the last one is sent.
    pub before_end: Duration,
    /// Least time between two, and between one and either end of the window.
    pub min_gap: Duration,
}

impl Reminders {
    /// The next reminder of a payment window at `not_before` or later; a window has at most two.
    pub fn next(
        &self,
        placed_at: Timestamp,
        expires_at: Timestamp,
        not_before: Timestamp,
    ) -> Option<Timestamp> {
        let half = placed_at.plus(expires_at.since(placed_at) / 2);
        let last = expires_at.minus(self.before_end);
        let earliest = placed_at.plus(self.min_gap);
        let latest = expires_at.minus(self.min_gap);
        let first = Some(half).filter(|at| (earliest..=latest).contains(at));
        let after_first = first.map_or(earliest, |at| at.plus(self.min_gap));
        let second = Some(last).filter(|at| (after_first..=latest).contains(at));
        [first, second].into_iter().flatten().find(|at| *at >= not_before)
    }
}

/// When refunds are made without a person, and which are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundPolicy {
    /// Refunds of orders paid longer ago go to review (case 66).
    pub window: Duration,
    /// Refunds above this many minor units go to review.
    pub auto_limit_minor: i64,
    /// Refunds of one payment beyond this number go to review (Hyperswitch: 10).
    pub max_per_payment: usize,
    /// Refunds of a customer with this many in 90 days go to review.
    pub max_per_customer: i64,
}

/// How disputes are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputePolicy {
    /// How long before the deadline evidence is handed in by itself (Gumroad: 6 hours).
    pub submit_before_due: Duration,
}

/// How long money that fits no order is kept before something happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnappliedPolicy {
    /// How long its order may still come before the money goes back by itself (case 25).
    pub refund_after: Duration,
    /// How long a person may take to decide on money that contradicts its order (I26).
    pub sla: Duration,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            windows: Windows {
                card: 30 * MINUTE,
                wallet: 30 * MINUTE,
                bank_transfer: 7 * DAY,
                other: HOUR,
            },
            reminders: Reminders { before_end: 10 * MINUTE, min_gap: 5 * MINUTE },
            max_hold: 30 * MINUTE,
            hold_interval: 5 * MINUTE,
            park_ttl: 30 * MINUTE,
            max_skew: 5 * MINUTE,
            drain_grace: Duration::from_secs(30),
            refunds: RefundPolicy {
                window: 30 * DAY,
                auto_limit_minor: 50_000,
                max_per_payment: 10,
                max_per_customer: 5,
            },
            disputes: DisputePolicy { submit_before_due: 6 * HOUR },
            unapplied: UnappliedPolicy { refund_after: DAY, sla: 3 * DAY },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: Reminders =
        Reminders { before_end: Duration::from_mins(10), min_gap: Duration::from_mins(5) };

    /// The minutes after the beginning at which a window of so many minutes has its reminders.
    fn minutes(window: u64) -> Vec<u64> {
        let start = Timestamp::EPOCH;
        let end = start.plus(Duration::from_mins(window));
        let next = |not_before| DEFAULTS.next(start, end, not_before);
        let all = std::iter::successors(next(start), |at| next(at.plus(DEFAULTS.min_gap)));
        all.map(|at| at.since(start).as_secs() / 60).collect()
    }

    #[test]
    fn a_window_is_reminded_of_at_half_and_shortly_before_its_end() {
        assert_eq!(minutes(30), [15, 20]);
        assert_eq!(minutes(7 * 24 * 60), [5_040, 10_070]);
    }

    #[test]
    fn reminders_keep_their_distance_from_each_other_and_from_both_ends() {
        assert_eq!(minutes(29), [14]);
        assert_eq!(minutes(15), [7]);
        assert_eq!(minutes(10), [5]);
        assert!(minutes(9).is_empty());
        assert!(minutes(0).is_empty());
    }

    #[test]
    fn a_reminder_whose_time_has_passed_is_left_out() {
        let (start, end) = (Timestamp::EPOCH, Timestamp::EPOCH.plus(30 * MINUTE));
        let next = |after: u64| DEFAULTS.next(start, end, start.plus(Duration::from_mins(after)));
        assert_eq!(next(16), Some(start.plus(20 * MINUTE)));
        assert_eq!(next(21), None);
    }
}
