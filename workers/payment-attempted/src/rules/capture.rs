//! Money that a provider took for us.

use contracts::{Money, MoneyError};
use domain::judgement::PolicyKind;
use domain::ledger::{Account, JournalCode, Leg};
use domain::operations::{open_case, pay_order, request_void, void_if_authorized};
use domain::order::{Order, OrderStatus};
use domain::payment::{Attempt, AttemptStatus, Capture, Classification};
use domain::settlement::rebook_losses;
use domain::{Decision, Draft, OutcomeCode, PolicyBook};

use super::contradiction::Contradiction;
use super::late;
use super::report::{Report, capture_ref, over_captured, reference};

/// Records a capture, whatever its order's status; what the order cannot keep goes back.
pub(super) fn record(
    mut draft: Draft,
    report: &Report<'_>,
    book: &PolicyBook,
) -> Result<Decision, Contradiction> {
    let event = report.event;
    if let Some(known) = draft.state().capture(event.attempt_id, capture_ref(event)) {
        let same = known.amount == event.amount;
        let noop = Decision::noop(OutcomeCode::DuplicateFact);
        return same.then_some(noop).ok_or(Contradiction::Fact);
    }
    // No later sum over the order can be larger than this one (case 55).
    draft.state().captured_in_total(report.order)?.checked_add(event.amount)?;

    let capture = classify(&draft, report)?;
    let attempt = put_attempt(&mut draft, report, &capture)?;
    draft.put_capture(capture.clone());
    post(&mut draft, &capture)?;
    rebook_losses(&mut draft, report.order, attempt.id)?;
    late::deal_with(&mut draft, report.order, &capture, book)?;
    void_remainder(&mut draft, report, &attempt)?;
    pay_if_covered(&mut draft, report, book)?;
    Ok(Decision::apply(draft.finish()))
}

/// How much of it pays the order; of a closed order nothing (cases 3, 43 to 46 and 84).
fn classify(draft: &Draft, report: &Report<'_>) -> Result<Capture, MoneyError> {
    let amount = report.event.amount;
    let (closed, left) = match report.order.status {
        // A paid order lacks money again when one of its captures failed (case 50).
        OrderStatus::PendingPayment | OrderStatus::Paid => {
            (false, draft.state().left_to_pay(report.order)?)
        }
        OrderStatus::Expired | OrderStatus::Cancelled => (true, report.nothing()),
    };
    let excess = amount.saturating_sub(left)?;
    let applied = amount.checked_sub(excess)?;
    let classification = match (closed, applied.is_zero(), excess.is_zero()) {
        (true, _, _) => Classification::Late,
        (false, _, true) => Classification::Normal,
        (false, true, false) => Classification::Duplicate,
        (false, false, false) => Classification::Overpaid,
    };
    Ok(Capture {
        attempt_id: report.event.attempt_id,
        capture_ref: capture_ref(report.event).clone(),
        amount,
        applied,
        classification,
        occurred_at: report.at,
        reversed_at: None,
    })
}

fn put_attempt(
    draft: &mut Draft,
    report: &Report<'_>,
    capture: &Capture,
) -> Result<Attempt, MoneyError> {
    let known = draft.state().attempt(report.event.attempt_id);
    let from = known.map(|attempt| attempt.status);
    let mut attempt = report.attempt(known);
    let captured = draft.state().captured(report.order, attempt.id)?;
    let captured = captured.checked_add(report.event.amount)?;
    report.tell_authorized(&mut attempt);
    if attempt.authorized.is_zero() && captured.minor() > attempt.amount.minor() {
        attempt.amount = captured;
    }
    let target = status_after(&attempt, captured, report.event.final_capture);
    attempt.status = match from {
        // After a failed or contradictory capture only `captured` may follow, however much it is.
        Some(AttemptStatus::CaptureFailed | AttemptStatus::Review)
            if target == AttemptStatus::PartiallyCaptured =>
        {
            AttemptStatus::Captured
        }
        Some(from) if !target.can_follow(Some(from)) => from,
        Some(_) | None => target,
    };
    let anomaly = capture.anomaly(report.order).map(|(code, _)| code);
    draft.put_attempt(attempt.clone(), anomaly.or(report.reason()));
    if over_captured(&attempt, captured) {
        open_case(draft, report.order.id, OutcomeCode::OverCapture, reference(report.event));
    }
    Ok(attempt)
}

/// Where captures of this sum leave an attempt (cases 46 to 48).
fn status_after(attempt: &Attempt, captured: Money, last: Option<bool>) -> AttemptStatus {
    let authorized = attempt.authorized;
    let more_may_follow = if authorized.is_zero() {
        last == Some(false)
    } else {
        last != Some(true) && captured.minor() < authorized.minor()
    };
    if over_captured(attempt, captured) {
        AttemptStatus::Review
    } else if more_may_follow {
        AttemptStatus::PartiallyCaptured
    } else {
        AttemptStatus::Captured
    }
}

fn post(draft: &mut Draft, capture: &Capture) -> Result<(), MoneyError> {
    let leg = |credit, amount| Leg {
        code: JournalCode::Capture,
        debit: Account::PspReceivable,
        credit,
        amount,
    };
    let legs =
        [leg(Account::CustomerFunds, capture.applied), leg(Account::Suspense, capture.excess()?)];
    draft.post(capture.reference(), legs);
    Ok(())
}

/// Gives back what is authorised but will not be captured (cases 47 and 84).
fn void_remainder(
    draft: &mut Draft,
    report: &Report<'_>,
    attempt: &Attempt,
) -> Result<(), MoneyError> {
    let captured = draft.state().captured(report.order, attempt.id)?;
    let remains = attempt.authorized.minor() > captured.minor();
    if remains && report.event.final_capture == Some(true) {
        request_void(draft, report.order, attempt);
    } else if report.order.status != OrderStatus::PendingPayment {
        void_if_authorized(draft, report.order, attempt);
    }
    Ok(())
}

/// Pays the order once no more is missing than the shop accepts (cases 43 and 46).
fn pay_if_covered(
    draft: &mut Draft,
    report: &Report<'_>,
    book: &PolicyBook,
) -> Result<(), MoneyError> {
    let order = report.order;
    if order.status != OrderStatus::PendingPayment {
        return Ok(());
    }
    let left = draft.state().left_to_pay(order)?;
    if left.is_zero() {
        pay_order(draft, order.clone(), None);
        return Ok(());
    }
    let policy = &book.for_order(order).late_money;
    if policy.covers(order, order.total.minor() - left.minor()) {
        let code = OutcomeCode::WithinTolerance;
        let tolerance = policy.tolerated(order);
        let inputs = vec![
            ("total", order.total.to_string()),
            ("missing", left.to_string()),
            ("tolerance", format!("{tolerance} in minor units")),
        ];
        draft.judge(PolicyKind::LateMoney, code, book, inputs);
        pay_order(draft, Order { shortfall: Some(left), ..order.clone() }, Some(code));
    }
    Ok(())
}
