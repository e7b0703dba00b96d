//! A wish for money back.

use contracts::events::{RefundAmount, RefundRequested};
use domain::operations::wait_for;
use domain::order::{Order, OrderStatus};
use domain::payment::Attempt;
use domain::refund::Refund;
use domain::{
    Changes, Decision, Draft, Moment, Money, MoneyError, OrderState, OutcomeCode, ParkKey,
};

use super::RefundRules;
use super::allocation::{self, Part};
use super::review::Approval;

/// What an order can do about a wish.
enum Answer {
    /// Give this much back of each attempt.
    Refund(Vec<Part>),
    /// Give authorisations back: nothing was captured yet (case 59).
    Void(Vec<Attempt>),
    /// Nothing.
    Refuse(OutcomeCode),
}

impl RefundRules {
    /// Decides on a wish, once: the same key is the same refund (case 60).
    pub(super) fn judge(
        &self,
        mut draft: Draft,
        order: &Order,
        request: &RefundRequested,
        moment: Moment,
    ) -> Result<Decision, MoneyError> {
        if let Some(repeated) = repeated(draft.state(), request)? {
            return Ok(repeated);
        }
        let answer = answer(draft.state(), order, request)?;
        let more_money_may_come = order.status == OrderStatus::PendingPayment;
        if more_money_may_come && !moment.waited_out() && answer.may_change(request) {
            return Ok(wait_for(self.book.everyone(), ParkKey::Capture(order.id), moment));
        }
        Ok(match answer {
            Answer::Refund(parts) => match self.approval(&mut draft, order, request, &parts)? {
                Approval::Granted => self.grant(draft, order, request, parts, None),
                Approval::Review(code) => self.grant(draft, order, request, parts, Some(code)),
                Approval::Refused(code) => self.refuse(draft, order, request, code),
            },
            Answer::Void(attempts) => self.void(draft, order, request, &attempts),
            Answer::Refuse(code) => self.refuse(draft, order, request, code),
        })
    }
}

impl Answer {
    /// Whether more money for the order would change it: a wish may overtake payments (case 23).
    fn may_change(&self, request: &RefundRequested) -> bool {
        match self {
            Self::Refund(_) => request.wanted() == RefundAmount::Full,
            Self::Void(_) => false,
            Self::Refuse(code) => {
                matches!(code, OutcomeCode::NothingCaptured | OutcomeCode::ExceedsRefundable)
            }
        }
    }
}

/// The answer to a wish whose key is known: nothing new, or a contradiction (case 60).
fn repeated(state: &OrderState, request: &RefundRequested) -> Result<Option<Decision>, MoneyError> {
    let same_key = |refund: &&Refund| refund.request_key == request.request_key;
    let mut parts = state.refunds.iter().filter(same_key).map(|refund| refund.amount);
    let Some(first) = parts.next() else { return Ok(None) };
    let known = parts.try_fold(first, Money::checked_add)?;
    Ok(Some(match request.wanted() {
        RefundAmount::Exactly(wanted) if wanted != known => {
            Decision::quarantine(OutcomeCode::DuplicateConflict, Changes::default())
        }
        // What was left when the key first came is what "all that is left" meant.
        RefundAmount::Exactly(_) | RefundAmount::Full => Decision::noop(OutcomeCode::DuplicateFact),
    }))
}

/// What the order can do about a wish, by the guards that no person can lift.
fn answer(
    state: &OrderState,
    order: &Order,
    request: &RefundRequested,
) -> Result<Answer, MoneyError> {
    let wanted = request.wanted();
    if !is_in_currency_of(order, wanted) {
        return Ok(Answer::Refuse(OutcomeCode::CurrencyMismatch));
    }
    let candidates = allocation::candidates(state, request.attempt_id);
    let captured: Vec<Money> =
        candidates.iter().map(|a| state.captured(order, a.id)).collect::<Result<_, _>>()?;
    if captured.iter().all(|amount| amount.is_zero()) {
        let attempts = allocation::authorizations(order, &candidates, wanted)?;
        let nothing = attempts.is_empty();
        return Ok(if nothing {
            Answer::Refuse(OutcomeCode::NothingCaptured)
        } else {
            Answer::Void(attempts)
        });
    }
    let disputed = candidates.iter().any(|a| allocation::is_charged_back(state, a));
    Ok(match allocation::allocate(state, order, &candidates, wanted)? {
        Some(parts) => Answer::Refund(parts),
        None if disputed => Answer::Refuse(OutcomeCode::Disputed),
        None => Answer::Refuse(OutcomeCode::ExceedsRefundable),
    })
}

fn is_in_currency_of(order: &Order, wanted: RefundAmount) -> bool {
    match wanted {
        RefundAmount::Exactly(amount) => amount.currency() == order.total.currency(),
        RefundAmount::Full => true,
    }
}
