//! Money for an order that has expired: back to the buyer, or after all towards the order.

use contracts::events::{PaymentTimer, ReserveOutcome, ReserveReplied};
use domain::judgement::PolicyKind;
use domain::operations::{
    ask_a_person, ask_for_stock, may_be_reinstated, orphan, reinstate, release_again,
    return_excess, return_held, wait_for,
};
use domain::order::{Order, OrderStatus};
use domain::payment::{Capture, Classification};
use domain::policy::{LateMoneyChoice, LateMoneyPolicy};
use domain::refund::RefundStatus;
use domain::timer::{Timer, TimerKind, TimerOwner, TimerStatus};
use domain::{Decision, Draft, Moment, MoneyError, OutcomeCode, ParkKey, PolicyBook, Status as _};

use super::PaymentRules;

/// Sends back what a capture brought beyond its order; of an expired order as the shop chose.
pub(super) fn deal_with(
    draft: &mut Draft,
    order: &Order,
    capture: &Capture,
    book: &PolicyBook,
) -> Result<(), MoneyError> {
    let policies = book.for_order(order);
    let verdict = match (capture.classification, order.status) {
        (Classification::Late, OrderStatus::Expired) => {
            judge(draft, order, capture, &policies.late_money)?
        }
        (
            Classification::Normal
            | Classification::Late
            | Classification::Held
            | Classification::Duplicate
            | Classification::Overpaid,
            _,
        ) => return return_excess(draft, order, capture),
    };
    let inputs = inputs(order, capture, &policies.late_money);
    draft.judge(PolicyKind::LateMoney, verdict, book, inputs);
    match verdict {
        OutcomeCode::StockRequested => {
            ask_for_stock(draft, order, capture, policies.late_money.reserve_answer_within);
            Ok(())
        }
        OutcomeCode::LateMoneyToDecide => {
            ask_a_person(draft, order, capture, policies.refunds.review_sla);
            Ok(())
        }
        _it_goes_back => return_excess(draft, order, capture),
    }
}

/// What becomes of late money, and why (policy 2; cases 3 and 4).
fn judge(
    draft: &Draft,
    order: &Order,
    capture: &Capture,
    policy: &LateMoneyPolicy,
) -> Result<OutcomeCode, MoneyError> {
    let state = draft.state();
    let lateness = capture.anomaly(order).map_or(OutcomeCode::LatePayment, |(code, _)| code);
    let undecided = state.refunds.iter().any(|it| it.status == RefundStatus::PendingReview);
    // A dispute of the attempt has a claim to its money.
    let claimed = !state.disputed(order, capture.attempt_id)?.is_zero();
    let enough = policy.covers(order, capture.amount.minor()) && !claimed;
    if !enough || undecided || !may_be_reinstated(state, order)? {
        return Ok(lateness);
    }
    Ok(match policy.choice {
        LateMoneyChoice::Manual => OutcomeCode::LateMoneyToDecide,
        LateMoneyChoice::Reinstate if policy.is_in_grace(order, capture.occurred_at) => {
            OutcomeCode::StockRequested
        }
        LateMoneyChoice::Refund | LateMoneyChoice::Reinstate => lateness,
    })
}

fn inputs(
    order: &Order,
    capture: &Capture,
    policy: &LateMoneyPolicy,
) -> Vec<(&'static str, String)> {
    let tolerance = policy.tolerated(order);
    vec![
        ("choice", policy.choice.name().to_owned()),
        ("amount", capture.amount.to_string()),
        ("total", order.total.to_string()),
        ("tolerance", format!("{tolerance} in minor units")),
        ("occurred_at", capture.occurred_at.to_string()),
        ("expires_at", order.expires_at.to_string()),
        ("reinstate_grace", format!("{} seconds", policy.reinstate_grace.as_secs())),
    ]
}

impl PaymentRules {
    /// Reinstates an order that has its stock again, or sends its money back (case 87).
    pub(super) fn hear_of_stock(
        &self,
        mut draft: Draft,
        reply: &ReserveReplied,
        moment: Moment,
    ) -> Result<Decision, MoneyError> {
        let Some(order) = draft.state().order.clone() else {
            let order_id = reply.order_id;
            return Ok(if moment.waited_out() {
                orphan(draft, order_id, order_id.to_string())
            } else {
                wait_for(self.book.everyone(), ParkKey::Order(order_id), moment)
            });
        };
        let owner = TimerOwner::Order(order.id);
        let Some(timer) = draft.state().timer(TimerKind::ReserveAnswerDue, owner).cloned() else {
            return Ok(Decision::noop(OutcomeCode::Stale));
        };
        match (timer.status, reply.outcome) {
            (TimerStatus::Armed, outcome) => {
                draft.cancel(TimerKind::ReserveAnswerDue, owner);
                answered(&mut draft, &order, outcome, reply)?;
                draft.touch();
            }
            (TimerStatus::Fired, ReserveOutcome::Reserved) if is_unreleased(&order, &timer) => {
                release_again(&mut draft, &order, reply.reservation_id.as_ref());
            }
            (TimerStatus::Fired | TimerStatus::Cancelled, _) => {
                return Ok(Decision::noop(OutcomeCode::AlreadyDecided));
            }
        }
        Ok(Decision::apply(draft.finish()))
    }

    /// Sends late money back whose order's shop did not answer in time (case 87).
    pub(super) fn stop_waiting_for_stock(
        mut draft: Draft,
        due: &PaymentTimer,
    ) -> Result<Decision, MoneyError> {
        let (kind, owner) = (TimerKind::ReserveAnswerDue, TimerOwner::Order(due.order_id));
        let now = draft.now();
        if let Err(code) = draft.state().check_due(kind, owner, due.generation, now) {
            return Ok(Decision::noop(code));
        }
        draft.fire(kind, owner);
        if let Some(order) = draft.state().order.clone() {
            return_held(&mut draft, &order)?;
            draft.touch();
        }
        Ok(Decision::apply(draft.finish()))
    }
}

/// What an answer in time does.
fn answered(
    draft: &mut Draft,
    order: &Order,
    outcome: ReserveOutcome,
    reply: &ReserveReplied,
) -> Result<(), MoneyError> {
    let reservation_id = reply.reservation_id.as_ref();
    match outcome {
        ReserveOutcome::Reserved if reinstate(draft, order, reservation_id)? => Ok(()),
        ReserveOutcome::Reserved => {
            release_again(draft, order, reservation_id);
            return_held(draft, order)
        }
        ReserveOutcome::Refused => return_held(draft, order),
    }
}

/// Whether stock that was set aside after the wait for it was not given back yet.
fn is_unreleased(order: &Order, timer: &Timer) -> bool {
    let since = timer.resolved_at;
    order.stock_released_at.is_some_and(|released| since.is_some_and(|since| released <= since))
}
