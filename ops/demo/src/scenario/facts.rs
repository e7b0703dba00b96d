//! What is known of an order at the end of the day, as counts that compare.

use std::collections::BTreeMap;
use std::fmt;

use contracts::Money;
use contracts::events::DisputeStage;
use domain::dispute::{DisputePosition, DisputeStatus};
use domain::history::position_name;
use domain::ledger::Account;
use domain::order::OrderStatus;
use domain::payment::{AttemptStatus, Classification};
use domain::refund::RefundStatus;
use domain::unapplied::UnappliedCause;

/// Something that can be counted about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The order exists and has this status.
    Order(OrderStatus),
    /// A payment attempt has this status.
    Attempt(AttemptStatus),
    /// A capture is live and of this class.
    Capture(Classification),
    /// A refund has this status.
    Refund(RefundStatus),
    /// A dispute has this stage and status.
    Dispute(DisputeStage, DisputeStatus),
    /// A dispute's deadline passed without evidence.
    DeadlineMissed,
    /// A release of the order's stock was sent.
    StockReleased,
    /// Money that fits no order claims to be for this one.
    Unapplied(UnappliedCause),
    /// What an account has been debited beyond its credits, in minor units.
    Balance(Account),
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(status) => write!(f, "order {status}"),
            Self::Attempt(status) => write!(f, "attempt {status}"),
            Self::Capture(class) => write!(f, "capture {class}"),
            Self::Refund(status) => write!(f, "refund {status}"),
            Self::Dispute(stage, status) => {
                let position = DisputePosition { stage: *stage, status: *status };
                write!(f, "dispute {}", position_name(position))
            }
            Self::DeadlineMissed => f.write_str("deadline missed"),
            Self::StockReleased => f.write_str("stock release"),
            Self::Unapplied(cause) => write!(f, "unapplied money {cause}"),
            Self::Balance(account) => write!(f, "balance of {account}"),
        }
    }
}

/// Counted facts; what is not listed is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<Fact, i64>);

impl Facts {
    /// An order with this status and nothing else.
    pub fn order(status: OrderStatus) -> Self {
        Self::default().with(Fact::Order(status), 1)
    }

    /// These facts and `count` more of one.
    #[must_use]
    pub fn with(mut self, fact: Fact, count: i64) -> Self {
        self.add(fact, count);
        self
    }

    /// Counts `count` more of one fact.
    pub fn add(&mut self, fact: Fact, count: i64) {
        let sum = self.0.entry(fact).or_default();
        *sum += count;
        if *sum == 0 {
            self.0.remove(&fact);
        }
    }

    /// One more attempt of this status.
    #[must_use]
    pub fn attempt(self, status: AttemptStatus) -> Self {
        self.with(Fact::Attempt(status), 1)
    }

    /// So many more captures of this class.
    #[must_use]
    pub fn captures(self, class: Classification, count: i64) -> Self {
        self.with(Fact::Capture(class), count)
    }

    /// So many more refunds of this status.
    #[must_use]
    pub fn refunds(self, status: RefundStatus, count: i64) -> Self {
        self.with(Fact::Refund(status), count)
    }

    /// One more dispute at this position.
    #[must_use]
    pub fn dispute(self, stage: DisputeStage, status: DisputeStatus) -> Self {
        self.with(Fact::Dispute(stage, status), 1)
    }

    /// The order's stock was given back.
    #[must_use]
    pub fn released(self) -> Self {
        self.with(Fact::StockReleased, 1)
    }

    /// Money of the buyer is with the provider, for us.
    #[must_use]
    pub fn kept(self, amount: Money) -> Self {
        self.moved(Account::PspReceivable, Account::CustomerFunds, amount)
    }

    /// Money went from one account to another.
    #[must_use]
    pub fn moved(self, debit: Account, credit: Account, amount: Money) -> Self {
        self.with(Fact::Balance(debit), amount.minor()).with(Fact::Balance(credit), -amount.minor())
    }

    /// All facts with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Fact, i64)> {
        self.0.iter().map(|(fact, count)| (*fact, *count))
    }

    /// How often a fact holds.
    pub fn count(&self, fact: Fact) -> i64 {
        self.0.get(&fact).copied().unwrap_or(0)
    }

    /// Where `found` differs from these, in words.
    pub fn differences(&self, found: &Facts) -> Vec<String> {
        let mut facts: Vec<Fact> = self.0.keys().chain(found.0.keys()).copied().collect();
        facts.sort_unstable();
        facts.dedup();
        let counts = facts.into_iter().map(|fact| (fact, self.count(fact), found.count(fact)));
        counts
            .filter(|(_, expected, found)| expected != found)
            .map(|(fact, expected, found)| format!("{fact}: expected {expected}, found {found}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_facts_have_no_differences_and_zeros_are_left_out() {
        let paid = Facts::order(OrderStatus::Paid).released();
        let same = paid.clone().with(Fact::DeadlineMissed, 2).with(Fact::DeadlineMissed, -2);
        assert_eq!(paid, same);
        assert!(paid.differences(&same).is_empty());
    }

    #[test]
    fn each_difference_names_both_counts() {
        let expected = Facts::order(OrderStatus::Paid);
        let found = Facts::order(OrderStatus::Expired).released();
        assert_eq!(
            expected.differences(&found),
            [
                "order paid: expected 1, found 0",
                "order expired: expected 0, found 1",
                "stock release: expected 0, found 1",
            ]
        );
    }
}
