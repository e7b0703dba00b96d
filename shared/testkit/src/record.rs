//! One order with everything ever written about it, as the database keeps it.

use domain::history::HistoryLine;
use domain::ledger::{Account, Transfer};
use domain::{Changes, OrderState};

/// An order's rows, its whole history and its whole ledger.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The rows.
    pub state: OrderState,
    /// Every line of history, in the order of writing.
    pub history: Vec<HistoryLine>,
    /// Every transfer, in the order of writing.
    pub transfers: Vec<Transfer>,
}

impl Record {
    /// Writes what a decision writes.
    pub fn apply(&mut self, changes: &Changes) {
        self.state.apply(changes);
        self.history.extend(changes.history.iter().cloned());
        self.transfers.extend(changes.transfers.iter().cloned());
    }

    /// What was debited to an account beyond what was credited, in minor units.
    pub fn balance(&self, account: Account) -> i64 {
        self.transfers.iter().fold(0, |sum, transfer| {
            let debit = i64::from(transfer.debit == account) * transfer.amount.minor();
            let credit = i64::from(transfer.credit == account) * transfer.amount.minor();
            sum + debit - credit
        })
    }
}
