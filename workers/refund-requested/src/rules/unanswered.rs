//! Refunds that were kept back, or whose provider does not say what became of them (case 62).

use contracts::RefundId;
use contracts::events::RefundReviewDue;
use domain::operations::{open_case, order_held, order_refund};
use domain::order::Order;
use domain::refund::{Refund, RefundMoney};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, OrderState, OutcomeCode};

/// A refund that is its provider's turn.
pub(super) fn unanswered(state: &OrderState, id: RefundId) -> Option<Refund> {
    let theirs = |refund: &&Refund| refund.status.money() == RefundMoney::Reserved;
    state.refund(id).filter(theirs).cloned()
}

/// Orders the refund once more under its own key, and tells somebody; for the first time, and
/// nobody, if it was kept back until now (policy 2).
///
/// A provider that has the refund makes it once and says where it stands; time never decides that
/// a refund failed.
pub(super) fn ask_again(
    mut draft: Draft,
    order: &Order,
    refund: &Refund,
    due: &RefundReviewDue,
) -> Decision {
    let (kind, owner) = (TimerKind::RefundAnswerDue, TimerOwner::Refund(refund.id));
    if let Err(code) = draft.state().check_due(kind, owner, due.generation, draft.now()) {
        return Decision::noop(code);
    }
    if refund.is_held() {
        order_held(&mut draft, order, refund.clone());
        return Decision::apply(draft.finish());
    }
    draft.await_answer_again(refund);
    let attempt = refund.attempt_id.and_then(|id| draft.state().attempt(id)).cloned();
    if let Some(attempt) = attempt {
        order_refund(&mut draft, order, &attempt, refund);
    }
    open_case(&mut draft, order.id, OutcomeCode::RefundUnanswered, refund.id.to_string());
    Decision::apply(draft.finish())
}
