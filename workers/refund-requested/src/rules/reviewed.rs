//! A person's decision on a refund, and the time it takes.

use contracts::RefundId;
use contracts::events::{RefundReviewDue, RefundReviewed, ReviewVerdict};
use domain::judgement::PolicyKind;
use domain::message::Body;
use domain::operations::{
    approve_refund, ask_for_stock, give_back_freed, may_be_reinstated, open_case,
};
use domain::order::Order;
use domain::payment::{Attempt, Capture};
use domain::policy::written;
use domain::refund::{Refund, RefundStatus};
use domain::settlement::refundable_from;
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, Money, MoneyError, OrderState, OutcomeCode};

use super::RefundRules;
use super::unanswered::{ask_again, unanswered};

impl RefundRules {
    /// Does what a person decided, once, and for large refunds what two of them did (policy 4).
    pub(super) fn decide_review(
        &self,
        mut draft: Draft,
        order: &Order,
        review: &RefundReviewed,
    ) -> Result<Decision, MoneyError> {
        let Some(refund) = draft.state().refund(review.refund_id).cloned() else {
            return Ok(Decision::reject(OutcomeCode::UnknownRefund));
        };
        if refund.is_held() {
            return self.decide_held(draft, order, refund, review);
        }
        if refund.status != RefundStatus::PendingReview {
            return Ok(Decision::noop(OutcomeCode::AlreadyDecided));
        }
        let (reviewer, decided_by) = (&review.reviewed_by.id, Some(review.reviewed_by.id.clone()));
        let attempt = refund.attempt_id.and_then(|id| draft.state().attempt(id)).cloned();
        let wish = whole_wish(draft.state(), &refund)?;
        let (verdict, attempt) = match (review.verdict, attempt) {
            (ReviewVerdict::Rejected, _) | (_, None) => (OutcomeCode::ReviewRejected, None),
            (ReviewVerdict::Approved, Some(attempt)) => {
                if !is_still_there(&draft, order, &attempt, &refund)? {
                    return Ok(Decision::reject(OutcomeCode::Disputed));
                }
                (self.weigh(order, &refund, wish, review), Some(attempt))
            }
        };
        let limit = self.book.for_order(order).refunds.four_eyes_above.of(refund.amount.currency());
        let inputs = vec![
            ("amount", refund.amount.to_string()),
            ("whole_wish", wish.to_string()),
            ("four_eyes_above", format!("{limit} in minor units")),
            ("reviewer", reviewer.to_string()),
            (
                "first_approver",
                refund.first_approver.as_ref().map(ToString::to_string).unwrap_or_default(),
            ),
        ];
        draft.judge(PolicyKind::RefundReview, verdict, &self.book, inputs);
        match attempt {
            Some(_) if verdict == OutcomeCode::SecondApprovalNeeded => {
                draft.put_refund(Refund { first_approver: decided_by, ..refund }, None);
                draft.touch();
            }
            Some(attempt) => {
                draft.cancel(TimerKind::RefundReviewDue, TimerOwner::Refund(refund.id));
                let refund = Refund { decided_by, ..refund };
                approve_refund(&mut draft, order, &attempt, refund, verdict);
            }
            None => {
                draft.cancel(TimerKind::RefundReviewDue, TimerOwner::Refund(refund.id));
                if let Some(capture) = late_money(&draft, order, &refund)? {
                    let within = self.book.for_order(order).late_money.reserve_answer_within;
                    ask_for_stock(&mut draft, order, &capture, within);
                }
                refuse(&mut draft, order, Refund { decided_by, ..refund })?;
            }
        }
        Ok(Decision::apply(draft.finish()))
    }

    /// Whether an approval is enough, or another person has to approve, too.
    ///
    /// The whole wish counts, not its parts: it must not become small by many payments.
    fn weigh(
        &self,
        order: &Order,
        refund: &Refund,
        wish: Money,
        review: &RefundReviewed,
    ) -> OutcomeCode {
        let limit = &self.book.for_order(order).refunds.four_eyes_above;
        let other = |first: &_| *first != review.reviewed_by.id;
        let approved = refund.first_approver.as_ref().is_some_and(other);
        if limit.is_exceeded_by(wish) && !approved {
            OutcomeCode::SecondApprovalNeeded
        } else {
            OutcomeCode::ReviewApproved
        }
    }

    /// Opens a case when nobody decided in time; time never approves a refund (policy 4).
    pub(super) fn fall_due(
        &self,
        mut draft: Draft,
        order: &Order,
        due: &RefundReviewDue,
    ) -> Decision {
        if let Some(refund) = unanswered(draft.state(), due.refund_id) {
            return ask_again(draft, order, &refund, due);
        }
        let (kind, owner) = (TimerKind::RefundReviewDue, TimerOwner::Refund(due.refund_id));
        if let Err(code) = draft.state().check_due(kind, owner, due.generation, draft.now()) {
            return Decision::noop(code);
        }
        self.judge_overdue(&mut draft, order, due.refund_id);
        self.await_review(&mut draft, order, due.refund_id);
        draft.touch();
        open_case(&mut draft, order.id, OutcomeCode::ReviewOverdue, due.refund_id.to_string());
        Decision::apply(draft.finish())
    }

    /// Records that nobody decided within the time that the shop gives its people.
    fn judge_overdue(&self, draft: &mut Draft, order: &Order, id: RefundId) {
        let Some(refund) = draft.state().refund(id).cloned() else { return };
        let sla = self.book.for_order(order).refunds.review_sla;
        let inputs = vec![
            ("amount", refund.amount.to_string()),
            ("requested_at", refund.requested_at.to_string()),
            ("review_sla", written(sla)),
            ("reason", refund.code.map(|code| code.to_string()).unwrap_or_default()),
        ];
        draft.judge(PolicyKind::RefundReview, OutcomeCode::ReviewOverdue, &self.book, inputs);
    }

    /// Starts the time that a person may take, anew if it was over.
    pub(super) fn await_review(&self, draft: &mut Draft, order: &Order, refund: RefundId) {
        let due_at = draft.now().plus(self.book.for_order(order).refunds.review_sla);
        draft.arm(TimerKind::RefundReviewDue, TimerOwner::Refund(refund), due_at);
    }
}

/// What all parts of a refund's wish come to, as far as they take up money.
fn whole_wish(state: &OrderState, refund: &Refund) -> Result<Money, MoneyError> {
    let part = |it: &&Refund| it.request_key == refund.request_key && it.status.holds_money();
    let mut parts = state.refunds.iter().filter(part);
    parts.try_fold(Money::zero(refund.amount.currency()), |sum, it| sum.checked_add(it.amount))
}

/// Whether the money is still ours to give: a dispute may have taken it since (case 69).
fn is_still_there(
    draft: &Draft,
    order: &Order,
    attempt: &Attempt,
    refund: &Refund,
) -> Result<bool, MoneyError> {
    let mut others = draft.state().clone();
    others.refunds.retain(|other| other.id != refund.id);
    let free = refundable_from(&others, order, attempt.id, refund.funded_from)?;
    Ok(free.minor() >= refund.amount.minor())
}

/// Refuses a refund; of an order that was closed meanwhile the money goes back all the same.
fn refuse(draft: &mut Draft, order: &Order, refund: Refund) -> Result<(), MoneyError> {
    let (order_id, request_key) = (order.id, refund.request_key.clone());
    let (code, attempt_id) = (OutcomeCode::ReviewRejected, refund.attempt_id);
    draft.put_refund(
        Refund { status: RefundStatus::Rejected, code: Some(code), ..refund },
        Some(code),
    );
    draft.send(order_id, Body::RefundRejected { order_id, request_key, code });
    attempt_id.map_or(Ok(()), |attempt| give_back_freed(draft, order, attempt))
}

/// The late money that a person was asked about, if they want it to pay its order (policy 2).
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
fn late_money(
    draft: &Draft,
    order: &Order,
    refund: &Refund,
) -> Result<Option<Capture>, MoneyError> {
    let asked = refund.code == Some(OutcomeCode::LateMoneyToDecide);
    if !asked || !may_be_reinstated(draft.state(), order)? {
        return Ok(None);
    }
    let is_meant = |capture: &&Capture| {
        let key = capture.excess_refund_key();
        capture.is_live() && key.as_deref() == Some(refund.request_key.as_str())
    };
    Ok(draft.state().captures.iter().find(is_meant).cloned())
}
