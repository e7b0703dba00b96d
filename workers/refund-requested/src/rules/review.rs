//! When a refund needs a person.

use domain::order::Order;
use domain::{Money, MoneyError, OrderState, OutcomeCode, Timestamp};

use super::RefundRules;
use super::allocation::{Part, total};

impl RefundRules {
    /// Why a person must decide, the first reason that holds (case 66).
    ///
    /// Money that may not stay needs no leave, however much it is and whoever asks for it.
    pub(super) fn review_reason(
        &self,
        state: &OrderState,
        order: &Order,
        parts: &[Part],
        now: Timestamp,
    ) -> Result<Option<OutcomeCode>, MoneyError> {
        let may_stay: Vec<_> = parts.iter().filter(|part| !part.must_go(order)).collect();
        if may_stay.is_empty() {
            return Ok(None);
        }
        let amount = total(order, may_stay.iter().map(|part| part.amount))?;
        let too_many = self.are_too_many(state, &may_stay);
        let reasons = [
            (self.window_closed(order, now), OutcomeCode::WindowClosed),
            (self.above_limit(amount), OutcomeCode::AboveAutoLimit),
            (too_many, OutcomeCode::TooManyRefunds),
        ];
        Ok(reasons.into_iter().find_map(|(holds, code)| holds.then_some(code)))
    }

    /// Counted from the order's payment, by our own clock: a sender's may be set back (case 14).
    fn window_closed(&self, order: &Order, now: Timestamp) -> bool {
        order.paid_at.is_some_and(|paid_at| now.since(paid_at) > self.policies.refunds.window)
    }

    fn above_limit(&self, amount: Money) -> bool {
        amount.minor() > self.policies.refunds.auto_limit_minor
    }

    /// Whether the customer, or one of the payments, has had many refunds already.
    fn are_too_many(&self, state: &OrderState, parts: &[&Part]) -> bool {
        let refunds_of = |part: &Part| {
            let holding = state.refunds.iter().filter(|refund| refund.status.holds_money());
            holding.filter(|refund| refund.attempt_id == Some(part.attempt.id)).count()
        };
        let limits = &self.policies.refunds;
        state.customer.refunds_90d >= limits.max_per_customer
            || parts.iter().any(|part| refunds_of(part) >= limits.max_per_payment)
    }
}
