//! Small rules over the real aggregate: just enough of the workers' to move every table.

use std::time::Duration;

use contracts::events::{
    Decline, DisputeEvent, MethodDetails, OrderEvent, PaymentAttempted, PaymentEvent,
    PaymentOutcome, RefundAmount, RefundEvent, TimerEvent,
};
use contracts::{Envelope, Money, MoneyId, ProviderRef, Timestamp};
use domain::changes::Withdrawal;
use domain::dispute::{Dispute, DisputePosition, DisputeStatus};
use domain::ledger::{Account, JournalCode, Leg};
use domain::operations::{
    approve_refund, arm_payment_timers, close_order, give_back_excess, keep_unapplied, orphan,
    pay_order, wait_for,
};
use domain::order::{CloseReason, Order, OrderStatus};
use domain::payment::{Attempt, AttemptStatus, Capture, Classification, DeclineDetails, PaidWith};
use domain::refund::{Refund, RefundStatus};
use domain::settlement;
use domain::timer::{TimerKind, TimerOwner};
use domain::unapplied::{UnappliedCause, UnappliedMoney};
use domain::{Decision, Draft, Moment, OrderState, OutcomeCode, ParkKey, Policies};

/// Opens and cancels orders; a cancellation waits for its order.
pub(crate) fn order(
    state: &OrderState,
    message: &Envelope<OrderEvent>,
    moment: Moment,
) -> Decision {
    let policies = Policies::default();
    let mut draft = Draft::new(state, message, moment.now);
    let created = match (&message.event, &state.order) {
        (OrderEvent::Created(created), None) => created,
        (OrderEvent::Created(_), Some(_)) => return Decision::noop(OutcomeCode::AlreadyOpen),
        (OrderEvent::ConsentWithdrawn(event), None) => {
            return wait_for(&policies, ParkKey::Order(event.order_id), moment);
        }
        (OrderEvent::ConsentWithdrawn(event), Some(_)) => {
            draft.withdraw(Withdrawal {
                customer_ref: event.customer_ref.clone(),
                purpose: event.purpose,
                text_version: event.version.clone(),
                withdrawn_at: event.occurred_at,
                recorded_at: draft.now(),
            });
            return Decision::apply(draft.finish());
        }
        (OrderEvent::CancelRequested(request), None) => {
            return wait_for(&policies, ParkKey::Order(request.order_id), moment);
        }
        (OrderEvent::CancelRequested(_), Some(order)) if order.status.is_closed() => {
            return Decision::noop(OutcomeCode::AlreadyClosed);
        }
        (OrderEvent::CancelRequested(request), Some(_)) => {
            let reason = CloseReason::from(request.actor);
            let code = OutcomeCode::CancelRequested;
            close_order(&mut draft, OrderStatus::Cancelled, reason, code).unwrap();
            return Decision::apply(draft.finish());
        }
    };
    let order = Order {
        id: created.order_id,
        merchant_id: created.merchant_id.clone(),
        customer_ref: created.customer_ref.clone(),
        total: created.total,
        status: OrderStatus::PendingPayment,
        revision: created.revision,
        amount_changed: false,
        placed_at: created.placed_at,
        expires_at: created.placed_at.plus(policies.windows.of(created.payment_method_hint)),
        method: created.payment_method_hint,
        policy_version: domain::PolicyBook::default().version().clone(),
        locale: created.locale.clone(),
        reservation_id: created.reservation_id.clone(),
        lines: created.lines.clone(),
        consent: None,
        paid_at: None,
        closed_at: None,
        close_reason: None,
        held_since: None,
        shortfall: None,
        stock_released_at: None,
        history_len: 0,
        ledger_len: 0,
        version: 0,
    };
    if order.total.is_zero() {
        pay_order(&mut draft, order, None);
    } else {
        draft.put_order(order.clone(), None);
        arm_payment_timers(&mut draft, &order, &policies);
    }
    Decision::apply(draft.finish())
}

fn details(decline: &Decline) -> DeclineDetails {
    DeclineDetails {
        network_code: decline.network_code.clone(),
        advice: decline.advice.clone(),
        category: decline.category.clone(),
    }
}

fn paid_with(method: &MethodDetails) -> PaidWith {
    PaidWith { kind: method.kind.clone(), brand: method.brand.clone() }
}

/// Money whose order did not come.
fn kept(
    id: MoneyId,
    event: &PaymentAttempted,
    capture_ref: &ProviderRef,
    now: Timestamp,
) -> UnappliedMoney {
    UnappliedMoney {
        id,
        provider: event.provider.clone(),
        capture_ref: capture_ref.clone(),
        claimed_order: event.order_id,
        attempt_id: event.attempt_id,
        provider_ref: event.provider_ref.clone(),
        merchant_id: event.merchant_id.clone(),
        amount: event.amount,
        cause: UnappliedCause::Orphan,
        occurred_at: event.occurred_at,
        recorded_at: now,
        decision: None,
        decided_at: None,
        disputed_since: None,
        refund: None,
        resolved: None,
        ledger_len: 1,
    }
}

/// Records attempts and captures; money that comes too late goes back.
pub(crate) fn payment(
    state: &OrderState,
    message: &Envelope<PaymentEvent>,
    moment: Moment,
) -> Decision {
    let PaymentEvent::Attempted(event) = &message.event else {
        unreachable!("no test sends another one");
    };
    let mut draft = Draft::new(state, message, moment.now);
    let capture_ref = event.capture_ref.clone().unwrap_or_else(|| event.provider_ref.clone());
    let Some(order) = &state.order else {
        if !moment.waited_out() {
            return wait_for(&Policies::default(), ParkKey::Order(event.order_id), moment);
        }
        let money = kept(draft.next_id(), event, &capture_ref, moment.now);
        keep_unapplied(&mut draft, &Policies::default(), money);
        return orphan(draft, event.order_id, capture_ref.to_string());
    };
    let status = AttemptStatus::from(event.outcome);
    let known = state.attempt(event.attempt_id);
    if known.is_some_and(|known| !status.can_follow(Some(known.status))) {
        return Decision::noop(OutcomeCode::StaleRank);
    }
    let attempt = Attempt {
        id: event.attempt_id,
        provider: event.provider.clone(),
        provider_ref: event.provider_ref.clone(),
        status,
        amount: event.amount,
        authorized: Money::zero(event.amount.currency()),
        decline_code: event.decline.as_ref().map(|decline| decline.code.clone()),
        decline: event.decline.as_ref().map(details).unwrap_or_default(),
        paid_with: event.method.as_ref().map(paid_with),
        revision: event.order_revision,
        occurred_at: event.occurred_at,
        last_event_at: event.occurred_at,
    };
    draft.put_attempt(attempt.clone(), None);
    if event.outcome == PaymentOutcome::Captured {
        let left = draft.state().left_to_pay(order).unwrap();
        let late = order.status.is_closed();
        let applied = if late { Money::zero(left.currency()) } else { event.amount };
        let classification = if late { Classification::Late } else { Classification::Normal };
        let capture = Capture {
            attempt_id: event.attempt_id,
            capture_ref,
            amount: event.amount,
            applied,
            classification,
            occurred_at: event.occurred_at,
            reversed_at: None,
        };
        record_capture(&mut draft, order, &capture);
    }
    Decision::apply(draft.finish())
}

fn record_capture(draft: &mut Draft, order: &Order, capture: &Capture) {
    let late = capture.classification == Classification::Late;
    draft.put_capture(capture.clone());
    draft.post(
        capture.reference(),
        [Leg {
            code: JournalCode::Capture,
            debit: Account::PspReceivable,
            credit: if late { Account::Suspense } else { Account::CustomerFunds },
            amount: capture.amount,
        }],
    );
    if late {
        give_back_excess(draft, order, capture).unwrap();
    } else if draft.state().left_to_pay(order).unwrap().is_zero() {
        let order = draft.state().order.clone().unwrap();
        pay_order(draft, order, None);
    }
}

/// Approves what fits into what is left of the first attempt, refuses the rest, and settles.
pub(crate) fn refund(
    state: &OrderState,
    message: &Envelope<RefundEvent>,
    moment: Moment,
) -> Decision {
    let mut draft = Draft::new(state, message, moment.now);
    let request = match &message.event {
        RefundEvent::Requested(request) => request,
        RefundEvent::Updated(update) => {
            let order = state.order.as_ref().unwrap();
            let known = state.refund(update.refund_id.unwrap()).unwrap();
            let status = RefundStatus::from(update.status);
            let refund = Refund { status, settled_at: Some(moment.now), ..known.clone() };
            settlement::put_refund(&mut draft, order, refund, None).unwrap();
            return Decision::apply(draft.finish());
        }
        RefundEvent::Reviewed(_) | RefundEvent::ReviewDue(_) => {
            unreachable!("these tests have nobody to review")
        }
    };
    let (Some(order), Some(attempt)) = (&state.order, state.attempts.first()) else {
        return wait_for(&Policies::default(), ParkKey::Capture(request.order_id), moment);
    };
    let left = state.refundable(order, attempt.id).unwrap();
    let amount = match request.wanted() {
        RefundAmount::Exactly(amount) => amount,
        RefundAmount::Full => left,
    };
    let fits = amount.minor() <= left.minor();
    let refund = Refund {
        id: draft.next_id(),
        request_key: request.request_key.clone(),
        part: 0,
        attempt_id: Some(attempt.id),
        amount,
        status: if fits { RefundStatus::Approved } else { RefundStatus::Rejected },
        reason: request.reason_code,
        funded_from: Account::CustomerFunds,
        decided_by: None,
        first_approver: None,
        restock: None,
        held_until: None,
        code: (!fits).then_some(OutcomeCode::ExceedsRefundable),
        provider_ref: None,
        requested_at: request.requested_at,
        settled_at: None,
        last_event_at: request.requested_at,
    };
    if fits {
        approve_refund(&mut draft, order, attempt, refund, OutcomeCode::WithinLimits);
        return Decision::apply(draft.finish());
    }
    draft.put_refund(refund, Some(OutcomeCode::ExceedsRefundable));
    Decision::reject_with(OutcomeCode::ExceedsRefundable, draft.finish())
}

/// Expires an order whose window is over.
pub(crate) fn timer(
    state: &OrderState,
    message: &Envelope<TimerEvent>,
    moment: Moment,
) -> Decision {
    let mut draft = Draft::new(state, message, moment.now);
    let order = state.order.as_ref().unwrap();
    let TimerEvent::Timeout(timer) = &message.event else {
        return Decision::noop(OutcomeCode::ReminderSuppressed);
    };
    let owner = TimerOwner::Order(order.id);
    let due = state.check_due(TimerKind::PaymentTimeout, owner, timer.generation, moment.now);
    if let Err(code) = due {
        return Decision::noop(code);
    }
    draft.fire(TimerKind::PaymentTimeout, owner);
    let reason = CloseReason::PaymentTimeout;
    close_order(&mut draft, OrderStatus::Expired, reason, OutcomeCode::PaymentTimeout).unwrap();
    Decision::apply(draft.finish())
}

/// Opens disputes, which wait for their payment, and closes them as the provider says.
pub(crate) fn dispute(
    state: &OrderState,
    message: &Envelope<DisputeEvent>,
    moment: Moment,
) -> Decision {
    let mut draft = Draft::new(state, message, moment.now);
    let policies = Policies::default();
    let opened = match &message.event {
        DisputeEvent::Opened(opened) => opened,
        DisputeEvent::Updated(update) => {
            let order = state.order.as_ref().unwrap();
            let known = state.dispute(update.dispute_id.unwrap()).unwrap();
            let status = DisputeStatus::from(update.status);
            let dispute = Dispute {
                position: DisputePosition { stage: update.stage, status },
                closed_at: status.is_closed().then_some(moment.now),
                ..known.clone()
            };
            draft.cancel(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(known.id));
            settlement::put_dispute(&mut draft, order, dispute, None).unwrap();
            return Decision::apply(draft.finish());
        }
        DisputeEvent::Evidence(_) | DisputeEvent::Mediated(_) | DisputeEvent::Deadline(_) => {
            return Decision::noop(OutcomeCode::NotDue);
        }
    };
    let (provider, payment_ref) = (opened.provider.clone(), opened.payment_ref.clone());
    let Some(attempt) = state.attempt_by_ref(&provider, &payment_ref) else {
        return wait_for(&policies, ParkKey::Payment { provider, payment_ref }, moment);
    };
    let order = state.order.as_ref().unwrap();
    let nothing = Money::zero(opened.amount.currency());
    let due = opened.evidence_due_at.unwrap_or(moment.now.plus(Duration::from_hours(1)));
    let dispute = Dispute {
        id: opened.dispute_id,
        provider,
        provider_ref: opened.provider_ref.clone(),
        attempt_id: attempt.id,
        amount: opened.amount,
        fee: opened.fee.unwrap_or(nothing),
        loss: nothing,
        position: DisputePosition { stage: opened.stage, status: DisputeStatus::NeedsResponse },
        reason: opened.reason_category,
        network_reason_code: opened.network_reason_code.clone(),
        evidence_due_at: Some(due),
        evidence_submitted_at: None,
        mediated_for: None,
        original: None,
        deadline_missed: false,
        opened_at: opened.opened_at,
        closed_at: None,
        last_event_at: opened.opened_at,
    };
    draft.arm(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute.id), due);
    settlement::put_dispute(&mut draft, order, dispute, None).unwrap();
    Decision::apply(draft.finish())
}
