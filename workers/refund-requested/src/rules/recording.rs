//! What is written and said about a decided wish.

use contracts::Token;
use contracts::events::{RefundAmount, RefundRequested};
use domain::ledger::Account;
use domain::message::Body;
use domain::operations::{approve_refund, clamp_skew, request_void, watch_customer};
use domain::order::Order;
use domain::payment::Attempt;
use domain::refund::{Refund, RefundStatus};
use domain::{Decision, Draft, Money, OutcomeCode};

use super::RefundRules;
use super::allocation::Part;

impl RefundRules {
    /// Records a refund in its parts: approved and ordered, or laid before a person.
    pub(super) fn grant(
        &self,
        mut draft: Draft,
        order: &Order,
        request: &RefundRequested,
        parts: Vec<Part>,
        review: Option<OutcomeCode>,
    ) -> Decision {
        for (number, part) in (0..).zip(parts) {
            let row = self.row(&mut draft, request, part.amount);
            let (attempt_id, funded_from) = (Some(part.attempt.id), part.funds);
            let refund = Refund { part: number, attempt_id, funded_from, ..row };
            if let Some(code) = review {
                self.ask_for_review(&mut draft, order, refund, code);
            } else {
                let code = approval(order, &part);
                let refund = Refund { decided_by: Some(decided_by(code)), ..refund };
                approve_refund(&mut draft, order, &part.attempt, refund, code);
            }
        }
        watch_customer(&mut draft, order, &self.book);
        Decision::apply(draft.finish())
    }

    /// Records that there will be no refund, and says why.
    pub(super) fn refuse(
        &self,
        mut draft: Draft,
        order: &Order,
        request: &RefundRequested,
        code: OutcomeCode,
    ) -> Decision {
        self.put_refused(&mut draft, order, request, code);
        Decision::reject_with(code, draft.finish())
    }

    /// Gives authorisations back: there is nothing to refund yet (case 59).
    pub(super) fn void(
        &self,
        mut draft: Draft,
        order: &Order,
        request: &RefundRequested,
        attempts: &[Attempt],
    ) -> Decision {
        for attempt in attempts {
            request_void(&mut draft, order, attempt);
        }
        self.put_refused(&mut draft, order, request, OutcomeCode::ConvertedToVoid);
        Decision::apply(draft.finish())
    }

    fn put_refused(
        &self,
        draft: &mut Draft,
        order: &Order,
        request: &RefundRequested,
        code: OutcomeCode,
    ) {
        let amount = match request.wanted() {
            RefundAmount::Exactly(amount) => amount,
            RefundAmount::Full => order.total,
        };
        let attempt = request.attempt_id.and_then(|id| draft.state().attempt(id));
        let attempt_id = attempt.map(|attempt| attempt.id);
        let (status, decided_by) = (RefundStatus::Rejected, Some(decided_by(code)));
        let row = self.row(draft, request, amount);
        let refund = Refund { attempt_id, status, decided_by, code: Some(code), ..row };
        draft.put_refund(refund, Some(code));
        let (order_id, request_key) = (order.id, request.request_key.clone());
        draft.send(order_id, Body::RefundRejected { order_id, request_key, code });
    }

    /// Lays a refund before a person. It holds its money against other refunds from now on, but
    /// nothing is posted before it is approved: the ledger knows promises, not wishes.
    fn ask_for_review(&self, draft: &mut Draft, order: &Order, refund: Refund, code: OutcomeCode) {
        let (order_id, refund_id, amount) = (order.id, refund.id, refund.amount);
        draft.put_refund(Refund { code: Some(code), ..refund }, Some(code));
        self.await_review(draft, order, refund_id);
        draft.send(order_id, Body::RefundReviewRequested { order_id, refund_id, amount, code });
    }

    /// A refund's row as far as it follows from the request.
    fn row(&self, draft: &mut Draft, request: &RefundRequested, amount: Money) -> Refund {
        let (requested_at, _ahead) =
            clamp_skew(self.book.everyone(), request.requested_at, draft.now());
        Refund {
            id: draft.next_id(),
            request_key: request.request_key.clone(),
            part: 0,
            attempt_id: None,
            amount,
            status: RefundStatus::PendingReview,
            reason: request.reason_code,
            funded_from: Account::CustomerFunds,
            decided_by: None,
            first_approver: None,
            restock: request.restock,
            held_until: None,
            code: None,
            provider_ref: None,
            requested_at,
            settled_at: None,
            last_event_at: requested_at,
        }
    }
}

/// Why a part needs no person.
fn approval(order: &Order, part: &Part) -> OutcomeCode {
    if part.must_go(order) { OutcomeCode::MoneyToReturn } else { OutcomeCode::WithinLimits }
}

fn decided_by(code: OutcomeCode) -> Token<64> {
    format!("auto:{code}").parse().expect("codes are short printable ASCII")
}
