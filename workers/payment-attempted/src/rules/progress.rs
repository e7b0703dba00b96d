//! Reports that bring no money: an attempt begins, waits, fails, or has its money set aside.

use contracts::Money;
use contracts::events::{Decline, PaymentOutcome};
use domain::message::Body;
use domain::operations::{open_case, void_if_authorized};
use domain::order::OrderStatus;
use domain::payment::{Attempt, AttemptStatus, DeclineDetails};
use domain::{Decision, Draft, OutcomeCode};

use super::contradiction::Contradiction;
use super::report::{Report, over_captured, reference};

/// Raises the attempt's status, if the report is news (cases 33 to 36).
pub(super) fn record(mut draft: Draft, report: &Report<'_>) -> Result<Decision, Contradiction> {
    let target = AttemptStatus::from(report.event.outcome);
    let known = draft.state().attempt(report.event.attempt_id);
    let from = known.map(|attempt| attempt.status);
    let mut attempt = report.attempt(known);
    let authorization = new_authorization(report, &attempt)?;
    let raised = target.can_follow(from);
    match (raised, authorization) {
        (false, None) if from == Some(target) => {
            return Ok(Decision::noop(OutcomeCode::DuplicateFact));
        }
        (false, None) => return Ok(Decision::noop(OutcomeCode::StaleRank)),
        (true, _) | (_, Some(_)) => {}
    }
    attempt.authorized = authorization.unwrap_or(attempt.authorized);
    if raised {
        attempt.status = target;
        if let Some(decline) = &report.event.decline {
            attempt.decline_code = Some(decline.code.clone());
            attempt.decline = details(decline);
        }
    }
    let over = over_captured(&attempt, draft.state().captured(report.order, attempt.id)?);
    if over && AttemptStatus::Review.can_follow(from) {
        attempt.status = AttemptStatus::Review;
        open_case(&mut draft, report.order.id, OutcomeCode::OverCapture, reference(report.event));
    }
    draft.put_attempt(attempt.clone(), report.reason());
    if raised {
        follow_up(&mut draft, report, &attempt);
    }
    Ok(Decision::apply(draft.finish()))
}

fn details(decline: &Decline) -> DeclineDetails {
    DeclineDetails {
        network_code: decline.network_code.clone(),
        advice: decline.advice.clone(),
        category: decline.category.clone(),
    }
}

/// How much was authorised, if that was not known: also after the capture (case 36).
fn new_authorization(
    report: &Report<'_>,
    attempt: &Attempt,
) -> Result<Option<Money>, Contradiction> {
    if report.event.outcome != PaymentOutcome::Authorized {
        return Ok(None);
    }
    let authorized = report.authorized().unwrap_or(report.event.amount);
    match attempt.authorized {
        known if known.is_zero() => Ok(Some(authorized)),
        known if known == authorized => Ok(None),
        _another_amount => Err(Contradiction::Fact),
    }
}

/// What the order says to it: its own status never changes here (cases 34 and 37).
fn follow_up(draft: &mut Draft, report: &Report<'_>, attempt: &Attempt) {
    match report.order.status {
        OrderStatus::PendingPayment => announce_failure(draft, report, attempt),
        // Nothing is to be paid any more (cases 5 and 84).
        OrderStatus::Paid | OrderStatus::Expired | OrderStatus::Cancelled => {
            void_if_authorized(draft, report.order, attempt);
        }
    }
}

/// Tells the buyer's side that another payment is needed (case 49).
pub(super) fn announce_failure(draft: &mut Draft, report: &Report<'_>, attempt: &Attempt) {
    match report.event.outcome {
        PaymentOutcome::Declined
        | PaymentOutcome::Failed
        | PaymentOutcome::Voided
        | PaymentOutcome::AuthorizationExpired
        | PaymentOutcome::CaptureFailed => {
            let order_id = report.order.id;
            let body = Body::OrderPaymentFailed {
                order_id,
                attempt_id: attempt.id,
                decline_code: attempt.decline_code.clone(),
                network_code: attempt.decline.network_code.clone(),
                advice: attempt.decline.advice.clone(),
                retry_after_s: attempt.retry_after().map(|wait| wait.as_secs()),
                expires_at: report.order.expires_at,
            };
            draft.send(order_id, body);
        }
        PaymentOutcome::RequiresAction
        | PaymentOutcome::Processing
        | PaymentOutcome::Authorized
        | PaymentOutcome::Captured => {}
    }
}
