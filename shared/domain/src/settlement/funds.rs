//! Where an attempt's money is kept, and how far it reaches.

use contracts::{AttemptId, Money, MoneyError};

use crate::dispute::{Dispute, DisputeMoney};
use crate::ledger::Account;
use crate::order::Order;
use crate::payment::Capture;
use crate::refund::{Refund, RefundMoney};
use crate::state::{OrderState, sum};

/// What can still be given back of one attempt out of one account (cases 57, 58 and 61).
///
/// Disputes take what pays the order, and only then what is in suspense; nothing is counted
/// twice, so that no refund can take money that another one holds.
///
/// # Errors
/// When a sum is larger than any amount accepted.
pub fn refundable_from(
    state: &OrderState,
    order: &Order,
    attempt_id: AttemptId,
    funds: Account,
) -> Result<Money, MoneyError> {
    let at_all = state.refundable(order, attempt_id)?;
    let kept = kept_in(state, order, attempt_id, funds)?;
    let refunded = refunded_from(state, order, attempt_id, funds, |r| r.status.holds_money())?;
    let left = kept.saturating_sub(refunded)?;
    let disputed = state.disputed(order, attempt_id)?;
    let left = if funds == Account::Suspense { left } else { left.saturating_sub(disputed)? };
    Ok(lesser(left, at_all))
}

/// The smaller of two amounts in one currency.
fn lesser(one: Money, other: Money) -> Money {
    if one.minor() < other.minor() { one } else { other }
}

/// What can go back now of money that is due to the buyer.
///
/// Money in suspense is there for nothing else, unless a dispute takes it first, or the buyer
/// wanted it back while it waited for its order's stock (case 87).
///
/// # Errors
/// When a sum is larger than any amount accepted.
pub fn returnable(
    state: &OrderState,
    order: &Order,
    attempt_id: AttemptId,
    funds: Account,
    due: Money,
) -> Result<Money, MoneyError> {
    if funds == Account::Suspense && state.disputed(order, attempt_id)?.is_zero() {
        let kept = kept_in(state, order, attempt_id, funds)?;
        let gone = refunded_from(state, order, attempt_id, funds, |r| r.status.holds_money())?;
        return Ok(lesser(due, kept.saturating_sub(gone)?));
    }
    Ok(lesser(due, refundable_from(state, order, attempt_id, funds)?))
}

/// By how much refunds and disputes of an attempt, and `further` money at stake, exceed its
/// captures; nothing when no refund has a part in it (cases 70 and 71).
///
/// # Errors
/// When a sum is larger than any amount accepted.
pub fn double_loss(
    state: &OrderState,
    order: &Order,
    attempt_id: AttemptId,
    further: Money,
) -> Result<Option<Money>, MoneyError> {
    let refunded = state.refunded(order, attempt_id)?;
    let disputed = state.disputed(order, attempt_id)?.checked_add(further)?;
    let captured = state.captured(order, attempt_id)?;
    let excess = refunded.checked_add(disputed)?.saturating_sub(captured)?;
    let both = !refunded.is_zero() && !disputed.is_zero();
    Ok(Some(excess).filter(|excess| both && !excess.is_zero()))
}

/// What the buyer's funds do not cover of a dispute that is lost.
///
/// Lost disputes are served by id, so that their order of arrival makes no difference.
pub(super) fn uncovered(
    state: &OrderState,
    order: &Order,
    dispute: &Dispute,
) -> Result<Money, MoneyError> {
    let attempt_id = dispute.attempt_id;
    let held = held_in(state, order, attempt_id, Account::CustomerFunds)?;
    let served = lost_disputes(state, attempt_id).into_iter().filter(|lost| lost.id < dispute.id);
    let left = served.map(|lost| lost.amount).try_fold(held, Money::saturating_sub)?;
    dispute.amount.saturating_sub(left)
}

/// The lost disputes of an attempt.
pub(super) fn lost_disputes(state: &OrderState, attempt_id: AttemptId) -> Vec<Dispute> {
    let lost = |dispute: &&Dispute| {
        dispute.attempt_id == attempt_id && dispute.position.money() == DisputeMoney::Lost
    };
    state.disputes.iter().filter(lost).cloned().collect()
}

/// What an attempt's captures brought into an account and its refunds have left there.
///
/// # Errors
/// When a sum is larger than any amount accepted.
pub fn held_in(
    state: &OrderState,
    order: &Order,
    attempt_id: AttemptId,
    funds: Account,
) -> Result<Money, MoneyError> {
    let kept = kept_in(state, order, attempt_id, funds)?;
    let posted = |refund: &Refund| refund.status.money() != RefundMoney::Untouched;
    kept.saturating_sub(refunded_from(state, order, attempt_id, funds, posted)?)
}

/// What an attempt's captures brought into an account.
fn kept_in(
    state: &OrderState,
    order: &Order,
    attempt_id: AttemptId,
    funds: Account,
) -> Result<Money, MoneyError> {
    let live = state.captures.iter().filter(|c| c.attempt_id == attempt_id && c.is_live());
    let part = |c: &Capture| if funds == Account::Suspense { c.excess() } else { Ok(c.applied) };
    let parts: Vec<_> = live.map(part).collect::<Result<_, _>>()?;
    sum(order, parts.into_iter())
}

/// What an attempt's refunds took out of an account, of those that count.
fn refunded_from(
    state: &OrderState,
    order: &Order,
    attempt_id: AttemptId,
    funds: Account,
    counts: impl Fn(&Refund) -> bool,
) -> Result<Money, MoneyError> {
    let of_attempt = state.refunds.iter().filter(|refund| refund.attempt_id == Some(attempt_id));
    let counted = of_attempt.filter(|refund| refund.funded_from == funds && counts(refund));
    sum(order, counted.map(|refund| refund.amount))
}
