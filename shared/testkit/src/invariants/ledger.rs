//! The ledger against itself and against the rows.

use domain::ledger::{Account, JournalCode};
use domain::refund::{Refund, RefundStatus};

use super::View;

/// I01: no transfer from an account to itself; with it, no journal can be unbalanced.
pub(super) fn i01_transfer_to_itself(view: &View<'_>) -> Option<String> {
    let mut transfers = view.record.transfers.iter();
    transfers.find(|row| row.debit == row.credit).map(|row| format!("transfer {}", row.seq))
}

/// I17: what providers owe us is what they captured, less what went back.
pub(super) fn i17_receivable_differs_from_facts(view: &View<'_>) -> Option<String> {
    let sum = &view.sums.order;
    let expected = sum.captured - sum.settled - sum.disputed - sum.fees;
    let balance = view.record.balance(Account::PspReceivable);
    (balance != expected).then(|| format!("{balance} instead of {expected}"))
}

/// I20: no more is given away than is there.
pub(super) fn i20_liability_overdrawn(view: &View<'_>) -> Option<String> {
    let liabilities = [Account::CustomerFunds, Account::Suspense, Account::RefundsPayable];
    let mut overdrawn = liabilities.into_iter().filter(|_| !view.sums.order.excess_known);
    let overdrawn = overdrawn.find(|account| view.record.balance(*account) > 0);
    overdrawn.map(|account| account.to_string())
}

/// I25: a refund that reached the buyer is settled in the ledger, once.
pub(super) fn i25_refund_differs_from_ledger(view: &View<'_>) -> Option<String> {
    let times = |refund: &Refund| -> i32 {
        let reference = refund.id.to_string();
        let about = view.record.transfers.iter().filter(|row| row.reference == reference);
        about.map(|row| settlements(row.code)).sum()
    };
    let expected = |refund: &Refund| i32::from(refund.status == RefundStatus::Succeeded);
    let mut refunds = view.record.state.refunds.iter();
    refunds.find(|refund| times(refund) != expected(refund)).map(|refund| refund.id.to_string())
}

/// How often a transfer settles its refund.
fn settlements(code: JournalCode) -> i32 {
    match code {
        JournalCode::RefundSettled => 1,
        JournalCode::RefundReversed => -1,
        JournalCode::Capture
        | JournalCode::CaptureReversed
        | JournalCode::RefundReserved
        | JournalCode::RefundReleased
        | JournalCode::DisputeOpened
        | JournalCode::DisputeFee
        | JournalCode::DisputeWon
        | JournalCode::DisputeLost
        | JournalCode::DisputeLossReversed
        | JournalCode::Reinstated
        | JournalCode::UnappliedApplied
        | JournalCode::UnappliedWrittenOff => 0,
    }
}

/// I29: the ledger is numbered without gaps, as far as its order counts.
pub(super) fn i29_ledger_differs_from_its_count(view: &View<'_>) -> Option<String> {
    let rows = view.record.transfers.iter();
    let in_place = (1..).zip(rows).all(|(place, row)| row.seq == place);
    let counted = usize::try_from(view.order.ledger_len) == Ok(view.record.transfers.len());
    let wrong = !in_place || !counted;
    wrong.then(|| format!("{} of {}", view.record.transfers.len(), view.order.ledger_len))
}
