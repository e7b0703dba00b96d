//! A person's word on a refund that is kept back before its provider hears of it (policy 2).

use domain::judgement::PolicyKind;
use domain::operations::order_held;
use domain::order::Order;
use domain::refund::{Refund, RefundMoney, RefundStatus};
use domain::{Decision, Draft, MoneyError, OutcomeCode};

use contracts::events::{RefundReviewed, ReviewVerdict};

use super::RefundRules;

impl RefundRules {
    /// Stops it, or orders it at once.
    ///
    /// One that is stopped ends as if its provider had cancelled it: the money waits for somebody
    /// who asks for it, and does not go back by itself any more.
    pub(super) fn decide_held(
        &self,
        mut draft: Draft,
        order: &Order,
        refund: Refund,
        review: &RefundReviewed,
    ) -> Result<Decision, MoneyError> {
        let verdict = match review.verdict {
            ReviewVerdict::Approved => OutcomeCode::ReviewApproved,
            ReviewVerdict::Rejected => OutcomeCode::RefundStopped,
        };
        let inputs = vec![
            ("amount", refund.amount.to_string()),
            ("held_until", refund.held_until.map(|at| at.to_string()).unwrap_or_default()),
            ("reviewer", review.reviewed_by.id.to_string()),
        ];
        draft.judge(PolicyKind::RefundReview, verdict, &self.book, inputs);
        let refund = Refund { decided_by: Some(review.reviewed_by.id.clone()), ..refund };
        match review.verdict {
            ReviewVerdict::Approved => {
                order_held(&mut draft, order, refund);
                Ok(Decision::apply(draft.finish()))
            }
            ReviewVerdict::Rejected => {
                let (status, code) = (RefundStatus::Cancelled, Some(verdict));
                let stopped = Refund { status, code, held_until: None, ..refund };
                self.change(draft, order, RefundMoney::Reserved, stopped, false)
            }
        }
    }
}
