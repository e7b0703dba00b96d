//! Which attempts' money a refund takes.

use contracts::AttemptId;
use contracts::events::RefundAmount;
use domain::ledger::Account;
use domain::order::Order;
use domain::payment::{Attempt, AttemptStatus};
use domain::settlement::refundable_from;
use domain::{Money, MoneyError, OrderState};

/// What a refund takes from one account of one attempt.
pub(super) struct Part {
    /// Whose money.
    pub(super) attempt: Attempt,
    /// Where it is kept.
    pub(super) funds: Account,
    /// How much, above zero.
    pub(super) amount: Money,
}

/// The attempts that may give money back: the one named, else all, newest first.
pub(super) fn candidates(state: &OrderState, named: Option<AttemptId>) -> Vec<&Attempt> {
    let may_give = |attempt: &&Attempt| named.is_none_or(|id| id == attempt.id);
    let mut attempts: Vec<_> = state.attempts.iter().filter(may_give).collect();
    attempts.sort_by_key(|attempt| std::cmp::Reverse((attempt.occurred_at, attempt.id)));
    attempts
}

impl Part {
    /// Whether the money may not stay with us anyway: nobody's leave is needed to give it back.
    pub(super) fn must_go(&self, order: &Order) -> bool {
        self.funds == Account::Suspense || order.status.is_closed()
    }
}

/// Spreads a refund over attempts, all or nothing: it is never cut down to what fits (case 57).
///
/// Money that may not stay goes first. It is free only if the refund that it had by itself came
/// to nothing (case 63). An attempt that is charged back gives nothing (case 69).
pub(super) fn allocate(
    state: &OrderState,
    order: &Order,
    candidates: &[&Attempt],
    wanted: RefundAmount,
) -> Result<Option<Vec<Part>>, MoneyError> {
    let mut left = match wanted {
        RefundAmount::Exactly(amount) => Some(amount),
        RefundAmount::Full => None,
    };
    let givers: Vec<_> =
        candidates.iter().filter(|attempt| !is_charged_back(state, attempt)).collect();
    let mut parts = Vec::new();
    for funds in [Account::Suspense, Account::CustomerFunds] {
        for attempt in &givers {
            let free = refundable_from(state, order, attempt.id, funds)?;
            let amount = left.filter(|left| left.minor() < free.minor()).unwrap_or(free);
            left = left.map(|left| left.checked_sub(amount)).transpose()?;
            if !amount.is_zero() {
                parts.push(Part { attempt: (**attempt).clone(), funds, amount });
            }
        }
    }
    let covered = left.is_none_or(Money::is_zero);
    Ok(Some(parts).filter(|parts| covered && !parts.is_empty()))
}

/// Whether a chargeback of the attempt is undecided: a refund would be paid twice (case 69).
pub(super) fn is_charged_back(state: &OrderState, attempt: &Attempt) -> bool {
    let of_attempt = state.disputes.iter().filter(|dispute| dispute.attempt_id == attempt.id);
    of_attempt.map(|d| d.position).any(|at| at.holds_money() && !at.status.is_closed())
}

/// The attempts whose authorisations make up the amount exactly: a void cannot give back a part.
pub(super) fn authorizations(
    order: &Order,
    candidates: &[&Attempt],
    wanted: RefundAmount,
) -> Result<Vec<Attempt>, MoneyError> {
    let authorized = candidates.iter().filter(|a| a.status == AttemptStatus::Authorized);
    let attempts: Vec<Attempt> = authorized.map(|attempt| (*attempt).clone()).collect();
    let amounts =
        attempts.iter().map(|a| Some(a.authorized).filter(|m| !m.is_zero()).unwrap_or(a.amount));
    let total = total(order, amounts)?;
    let whole = wanted == RefundAmount::Full || wanted == RefundAmount::Exactly(total);
    Ok(if whole { attempts } else { Vec::new() })
}

/// Adds up amounts in the order's currency.
pub(super) fn total(
    order: &Order,
    mut amounts: impl Iterator<Item = Money>,
) -> Result<Money, MoneyError> {
    amounts.try_fold(Money::zero(order.total.currency()), Money::checked_add)
}
