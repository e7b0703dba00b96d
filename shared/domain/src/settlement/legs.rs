//! Which accounts a change of status moves money between.

use contracts::{Money, MoneyError};

use crate::dispute::DisputeMoney;
use crate::ledger::{Account, JournalCode, Leg};
use crate::refund::RefundMoney;

/// What a refund moves when its money goes from one place to another.
pub(super) fn of_refund(
    funds: Account,
    amount: Money,
    from: RefundMoney,
    to: RefundMoney,
) -> Vec<Leg> {
    use RefundMoney::{Gone, Reserved, Untouched};
    let (payable, psp) = (Account::RefundsPayable, Account::PspReceivable);
    let leg = |code, debit, credit| Leg { code, debit, credit, amount };
    let reserve = leg(JournalCode::RefundReserved, funds, payable);
    let release = leg(JournalCode::RefundReleased, payable, funds);
    let settle = leg(JournalCode::RefundSettled, payable, psp);
    let reverse = leg(JournalCode::RefundReversed, psp, payable);
    match (from, to) {
        (Untouched, Untouched) | (Reserved, Reserved) | (Gone, Gone) => vec![],
        (Untouched, Reserved) => vec![reserve],
        (Untouched, Gone) => vec![reserve, settle],
        (Reserved, Gone) => vec![settle],
        (Reserved, Untouched) => vec![release],
        (Gone, Reserved) => vec![reverse],
        (Gone, Untouched) => vec![reverse, release],
    }
}

/// What a dispute moves when its money goes from one place to another.
///
/// `uncovered` is the part of a lost amount that the buyer's funds do not, or did not, cover.
pub(super) fn of_dispute(
    amount: Money,
    uncovered: Money,
    from: DisputeMoney,
    to: DisputeMoney,
) -> Result<Vec<Leg>, MoneyError> {
    use DisputeMoney::{Held, Lost, Untouched};
    let (at_stake, psp) = (Account::DisputesReceivable, Account::PspReceivable);
    let leg = |code, debit, credit, amount| Leg { code, debit, credit, amount };
    let covered = amount.checked_sub(uncovered)?;
    let open = leg(JournalCode::DisputeOpened, at_stake, psp, amount);
    let win = leg(JournalCode::DisputeWon, psp, at_stake, amount);
    let lose = [
        leg(JournalCode::DisputeLost, Account::CustomerFunds, at_stake, covered),
        leg(JournalCode::DisputeLost, Account::DisputeLosses, at_stake, uncovered),
    ];
    let take_back = [
        leg(JournalCode::DisputeLossReversed, at_stake, Account::CustomerFunds, covered),
        leg(JournalCode::DisputeLossReversed, at_stake, Account::DisputeLosses, uncovered),
    ];
    Ok(match (from, to) {
        (Untouched, Untouched) | (Held, Held) | (Lost, Lost) => vec![],
        (Untouched, Held) => vec![open],
        (Untouched, Lost) => [vec![open], lose.to_vec()].concat(),
        (Held, Lost) => lose.to_vec(),
        (Held, Untouched) => vec![win],
        (Lost, Held) => take_back.to_vec(),
        (Lost, Untouched) => [take_back.to_vec(), vec![win]].concat(),
    })
}

/// What a provider charges for a dispute.
pub(super) fn dispute_fee(amount: Money) -> Leg {
    Leg {
        code: JournalCode::DisputeFee,
        debit: Account::DisputeFees,
        credit: Account::PspReceivable,
        amount,
    }
}
