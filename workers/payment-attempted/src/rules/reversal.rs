//! Captures that failed after all (case 50).

use contracts::{Money, MoneyError};
use domain::ledger::{Account, JournalCode, Leg};
use domain::message::Body;
use domain::operations::open_case;
use domain::order::OrderStatus;
use domain::payment::{Attempt, AttemptStatus, Capture, Classification};
use domain::refund::{Refund, RefundMoney, RefundStatus};
use domain::settlement::{held_in, put_refund, rebook_losses};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, OutcomeCode};

use super::contradiction::Contradiction;
use super::progress::announce_failure;
use super::report::{Report, capture_ref, over_captured, reference};

/// Takes a capture back out of the books; the order keeps its status (case 37).
pub(super) fn record(mut draft: Draft, report: &Report<'_>) -> Result<Decision, Contradiction> {
    let loss = match find(&draft, report) {
        Some(known) if known.amount != report.event.amount => return Err(Contradiction::Fact),
        Some(known) if !known.is_live() => {
            return Ok(Decision::noop(OutcomeCode::DuplicateFact));
        }
        Some(known) => take_back(&mut draft, report, &known)?,
        None => {
            foresee(&mut draft, report);
            report.nothing()
        }
    };
    let attempt = put_attempt(&mut draft, report)?;
    let order = report.order;
    if order.status == OrderStatus::PendingPayment {
        announce_failure(&mut draft, report, &attempt);
    }
    if order.status == OrderStatus::Paid || !loss.is_zero() {
        open_case(&mut draft, order.id, OutcomeCode::CaptureFailed, reference(report.event));
    }
    Ok(Decision::apply(draft.finish()))
}

/// The capture that failed; without a reference of its own, the attempt's only one.
fn find(draft: &Draft, report: &Report<'_>) -> Option<Capture> {
    let (event, state) = (report.event, draft.state());
    let named = state.capture(event.attempt_id, capture_ref(event));
    let mut of_attempt = state.captures.iter().filter(|c| c.attempt_id == event.attempt_id);
    let only = of_attempt.next().filter(|_| of_attempt.next().is_none());
    named.or(only.filter(|_| event.capture_ref.is_none())).cloned()
}

/// Remembers a failure whose capture is still on its way, so that it will not count.
fn foresee(draft: &mut Draft, report: &Report<'_>) {
    draft.put_capture(Capture {
        attempt_id: report.event.attempt_id,
        capture_ref: capture_ref(report.event).clone(),
        amount: report.event.amount,
        applied: report.nothing(),
        classification: Classification::Normal,
        occurred_at: report.at,
        reversed_at: Some(draft.now()),
    });
}

/// Reverses a capture, and answers how much of it we had given away by then.
fn take_back(
    draft: &mut Draft,
    report: &Report<'_>,
    capture: &Capture,
) -> Result<Money, MoneyError> {
    let mut loss = capture.amount;
    let mut legs = Vec::new();
    let mut reverse = |debit, amount| {
        let (code, credit) = (JournalCode::CaptureReversed, Account::PspReceivable);
        legs.push(Leg { code, debit, credit, amount });
    };
    let shares = [
        (Account::CustomerFunds, capture.applied, Some(capture.closing_refund_key())),
        (Account::Suspense, capture.excess()?, capture.excess_refund_key()),
    ];
    for (account, share, refund_key) in shares {
        call_off(draft, report, refund_key.as_deref())?;
        let held = held_in(draft.state(), report.order, capture.attempt_id, account)?;
        let still_there = if held.minor() < share.minor() { held } else { share };
        reverse(account, still_there);
        loss = loss.checked_sub(still_there)?;
    }
    reverse(Account::DisputeLosses, loss);
    draft.put_capture(Capture { reversed_at: Some(draft.now()), ..capture.clone() });
    draft.post(capture.reference(), legs);
    rebook_losses(draft, report.order, capture.attempt_id)?;
    Ok(loss)
}

/// Calls off the refunds that the capture caused, those that are still under way.
fn call_off(draft: &mut Draft, report: &Report<'_>, key: Option<&str>) -> Result<(), MoneyError> {
    let caused = draft.state().refunds.iter().filter(|r| Some(r.request_key.as_str()) == key);
    let caused: Vec<_> = caused.cloned().collect();
    for refund in caused.iter().filter(|refund| refund.status == RefundStatus::PendingReview) {
        // Nobody has to decide any more on money that is not there (policy 2).
        let code = OutcomeCode::CaptureFailed;
        draft.cancel(TimerKind::RefundReviewDue, TimerOwner::Refund(refund.id));
        let refused = Refund { status: RefundStatus::Rejected, code: Some(code), ..refund.clone() };
        put_refund(draft, report.order, refused, Some(code))?;
    }
    let reserved = |refund: &Refund| refund.status.money() == RefundMoney::Reserved;
    for refund in caused.into_iter().filter(reserved) {
        let (order_id, refund_id, amount) = (report.order.id, refund.id, refund.amount);
        let cancelled = Refund { status: RefundStatus::Cancelled, ..refund };
        put_refund(draft, report.order, cancelled, Some(OutcomeCode::CaptureFailed))?;
        draft.send(order_id, Body::RefundFailed { order_id, refund_id, amount, reversed: false });
    }
    Ok(())
}

/// An attempt that has no money left has failed; one with as much as was authorised is in order.
///
/// Only the money that is left counts, so that the failure may come before its capture.
fn put_attempt(draft: &mut Draft, report: &Report<'_>) -> Result<Attempt, MoneyError> {
    let known = draft.state().attempt(report.event.attempt_id);
    let from = known.map(|attempt| attempt.status);
    let mut attempt = report.attempt(known);
    report.tell_authorized(&mut attempt);
    let left = draft.state().captured(report.order, attempt.id)?;
    let in_review = from == Some(AttemptStatus::Review);
    if left.is_zero() && from != Some(AttemptStatus::CaptureFailed) {
        attempt.status = AttemptStatus::CaptureFailed;
    } else if in_review && !over_captured(&attempt, left) {
        attempt.status = AttemptStatus::Captured;
    }
    draft.put_attempt(attempt.clone(), Some(OutcomeCode::CaptureFailed));
    Ok(attempt)
}
