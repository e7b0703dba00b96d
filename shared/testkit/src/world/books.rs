//! What the ledger must say, by the rows.

use domain::dispute::DisputeMoney;
use domain::ledger::Account;
use domain::refund::{Refund, RefundMoney};
use domain::{Money, OrderState};

/// Every account's net debits as they follow from an order's captures, refunds and disputes.
///
/// Of a capture that failed after its money was given away the rows do not show the loss.
pub(super) fn expected(state: &OrderState) -> [(Account, i64); 7] {
    let live = || state.captures.iter().filter(|capture| capture.is_live());
    let captured = total(live().map(|capture| capture.amount));
    let applied = total(live().map(|capture| capture.applied));
    let reserved = refunds(state, |refund| refund.status.money() == RefundMoney::Reserved);
    let gone = refunds(state, |refund| refund.status.money() == RefundMoney::Gone);
    let from_suspense = refunds(state, |refund| {
        refund.funded_from == Account::Suspense && refund.status.money() != RefundMoney::Untouched
    });
    let held = disputes(state, DisputeMoney::Held);
    let lost = disputes(state, DisputeMoney::Lost);
    let losses = total(state.disputes.iter().map(|dispute| dispute.loss));
    let fees = total(state.disputes.iter().map(|dispute| dispute.fee));
    let in_suspense = captured - applied - from_suspense;
    [
        (Account::PspReceivable, captured - gone - held - lost - fees),
        (Account::DisputesReceivable, held),
        (Account::DisputeLosses, losses),
        (Account::DisputeFees, fees),
        (Account::RefundsPayable, -reserved),
        (Account::Suspense, -in_suspense),
        (Account::CustomerFunds, in_suspense + reserved + gone + lost - losses - captured),
    ]
}

fn total(amounts: impl Iterator<Item = Money>) -> i64 {
    amounts.map(Money::minor).sum()
}

fn refunds(state: &OrderState, counts: impl Fn(&Refund) -> bool) -> i64 {
    total(state.refunds.iter().filter(|refund| counts(refund)).map(|refund| refund.amount))
}

fn disputes(state: &OrderState, money: DisputeMoney) -> i64 {
    let there = state.disputes.iter().filter(|dispute| dispute.position.money() == money);
    total(there.map(|dispute| dispute.amount))
}
