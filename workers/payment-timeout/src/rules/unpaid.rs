//! Customers whose orders expire unpaid again and again (policy 7).

use domain::customer::{CustomerMark, MarkStep, Restriction, RestrictionLevel};
use domain::judgement::PolicyKind;
use domain::message::Body;
use domain::order::Order;
use domain::payment::AttemptStatus;
use domain::policy::{Incident, UnpaidPolicy, UnpaidVerdict};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, OrderState, OutcomeCode};

use super::TimeoutRules;

impl TimeoutRules {
    /// Counts an order that expired for its customer, unless it was not the customer's doing.
    ///
    /// `before` is the order as it was when its time had come.
    pub(super) fn count_unpaid(&self, draft: &mut Draft, before: &OrderState, order: &Order) {
        let policy = &self.book.for_order(order).unpaid;
        if !is_customers_doing(before, order, policy) {
            return;
        }
        let (at, customer_ref) = (draft.now(), order.customer_ref.clone());
        let forget_before = at.minus(policy.within);
        draft.mark(customer_ref.clone(), MarkStep::Unpaid { at, forget_before });
        let Some(mark) = draft.state().customer.mark.clone() else { return };
        let Some(score) = policy.score(&mark, at) else { return };
        match policy.verdict(score) {
            UnpaidVerdict::Nothing => {}
            UnpaidVerdict::Warn => {
                self.judge_unpaid(draft, order, &mark, score, None);
                let (order_id, unpaid) = (order.id, score);
                draft.send(order_id, Body::CustomerWarned { order_id, customer_ref, unpaid });
            }
            UnpaidVerdict::Restrict(level) => self.restrict(draft, order, &mark, score, level),
        }
    }

    /// Closes something to the customer for a time; a timer of this order ends it.
    fn restrict(
        &self,
        draft: &mut Draft,
        order: &Order,
        mark: &CustomerMark,
        score: usize,
        level: RestrictionLevel,
    ) {
        let in_force = mark.restriction(draft.now()).map(|it| it.level);
        let level = in_force.map_or(level, |known| known.max(level));
        self.judge_unpaid(draft, order, mark, score, Some(level));
        let until = draft.now().plus(self.book.for_order(order).unpaid.restrict_for);
        let (by, version) = (order.id, self.book.version().clone());
        let restriction = Restriction { level, until, by, version };
        let (order_id, customer_ref) = (order.id, order.customer_ref.clone());
        draft.mark(customer_ref.clone(), MarkStep::Restrict(restriction));
        draft.arm(TimerKind::CustomerRestrictionEnds, TimerOwner::Order(order_id), until);
        let body = Body::CustomerRestricted { order_id, customer_ref, level, unpaid: score, until };
        draft.send(order_id, body);
    }

    fn judge_unpaid(
        &self,
        draft: &mut Draft,
        order: &Order,
        mark: &CustomerMark,
        score: usize,
        level: Option<RestrictionLevel>,
    ) {
        let policy = &self.book.for_order(order).unpaid;
        let verdict = match level {
            Some(_) => OutcomeCode::CustomerRestricted,
            None => OutcomeCode::CustomerWarned,
        };
        let inputs = vec![
            ("score", score.to_string()),
            ("unpaid", mark.unpaid.len().to_string()),
            ("paid", mark.paid.as_ref().map_or(0, Vec::len).to_string()),
            ("decay", policy.decay.to_string()),
            ("warn_from", policy.warn_from.to_string()),
            ("limit_from", policy.limit_from.to_string()),
            ("prepaid_from", policy.prepaid_from.to_string()),
            ("level", level.map(|level| level.to_string()).unwrap_or_default()),
        ];
        draft.judge(PolicyKind::CustomerLimit, verdict, &self.book, inputs);
    }
}

/// Ends what this order's expiry closed to its customer, if nothing closed it anew since.
pub(super) fn lift(mut draft: Draft, order: &Order) -> Decision {
    draft.fire(TimerKind::CustomerRestrictionEnds, TimerOwner::Order(order.id));
    draft.touch();
    let mark = draft.state().customer.mark.as_ref();
    let ours = |it: &&Restriction| it.by == order.id && it.until <= draft.now();
    let over = mark.and_then(|mark| mark.restriction.as_ref()).filter(ours).map(|it| it.level);
    if let Some(level) = over {
        let (order_id, customer_ref) = (order.id, order.customer_ref.clone());
        draft.mark(customer_ref.clone(), MarkStep::Lift { by: order_id });
        draft.send(order_id, Body::CustomerRestrictionLifted { order_id, customer_ref, level });
    }
    Decision::apply(draft.finish())
}

/// Whether the customer could have paid and did not: no money came, no attempt failed or was
/// declined for technical reasons or is still with its provider, and no provider had trouble.
fn is_customers_doing(before: &OrderState, order: &Order, policy: &UnpaidPolicy) -> bool {
    let excused = |status: AttemptStatus| match status {
        AttemptStatus::Failed
        | AttemptStatus::Processing
        | AttemptStatus::Authorized
        | AttemptStatus::PartiallyCaptured
        | AttemptStatus::Captured
        | AttemptStatus::CaptureFailed
        | AttemptStatus::Review => true,
        AttemptStatus::Initiated
        | AttemptStatus::RequiresAction
        | AttemptStatus::Declined
        | AttemptStatus::Voided
        | AttemptStatus::AuthorizationExpired => false,
    };
    let attempts = &before.attempts;
    // Who could not even begin at a provider has no attempt there that says so.
    let tried = |incident: &Incident| {
        attempts.is_empty() || attempts.iter().any(|it| it.provider == incident.provider)
    };
    let overlaps = |it: &Incident| it.from <= order.expires_at && it.to >= order.placed_at;
    !attempts.iter().any(|it| excused(it.status) || it.was_declined_technically())
        && !policy.incidents.iter().any(|incident| overlaps(incident) && tried(incident))
}
