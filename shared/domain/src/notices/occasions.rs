//! What is told of which announcement, and of which change of a payment.

use contracts::events::RefundReason;
use contracts::{AttemptId, DisputeId, Money, OrderId, Timestamp};
use guidance::decline::guidance;
use guidance::{Notification, RefundRefusal};

use super::Occasion;
use crate::changes::Changes;
use crate::decision::OutcomeCode;
use crate::dispute::Dispute;
use crate::history::Change;
use crate::message::{Body, Message};
use crate::order::{Order, OrderStatus};
use crate::payment::{Attempt, AttemptStatus};
use crate::policy::{NotificationPolicy, Policies, Reminders};
use crate::state::OrderState;

/// The templates that a shop may have sent.
pub const SENDABLE: &[&str] = &[
    "payment-reminder",
    "payment-confirming",
    "payment-partial",
    "payment-disputed",
    "payment-declined",
    "payment-declined-try-again",
    "payment-declined-try-later",
    "payment-declined-check-details",
    "payment-declined-check-funds",
    "payment-declined-confirm",
    "payment-declined-other-method",
    "late-payment-refunded",
    "duplicate-payment-refunded",
    "overpayment-refunded",
    "order-paid",
    "order-reinstated",
    "order-expired",
    "order-cancelled",
    "order-on-hold",
    "refund-approved",
    "refund-under-review",
    "refund-succeeded",
    "refund-failed",
    "refund-rejected",
    "refund-rejected-amount",
    "refund-rejected-nothing-paid",
    "refund-rejected-disputed",
    "refund-rejected-window",
    "customer-restricted",
    "customer-restriction-lifted",
    "dispute-opened",
    "dispute-opened-no-response",
    "dispute-deadline-near",
    "dispute-escalated",
    "dispute-won",
    "dispute-lost",
];

/// One thing to tell: what says it best, and what says it in general where that is not sent.
struct Told {
    best: Notification,
    general: Option<Notification>,
    not_after: Option<Timestamp>,
    while_unpaid: bool,
}

impl Told {
    fn new(best: Notification) -> Self {
        Self { best, general: None, not_after: None, while_unpaid: false }
    }

    /// What asks for money: pointless once it is there, or the order is closed (case 21).
    fn asking(best: Notification, not_after: Timestamp) -> Self {
        Self { while_unpaid: true, ..Self::until(best, not_after) }
    }

    fn until(best: Notification, not_after: Timestamp) -> Self {
        Self { not_after: Some(not_after), ..Self::new(best) }
    }

    /// Whichever of the two is sent; nothing when neither is.
    fn chosen(self, policy: &NotificationPolicy) -> Option<Occasion> {
        let sent = |it: &Notification| policy.sends(it.template_id());
        let general = self.general.filter(&sent);
        let notification = Some(self.best).filter(sent).or(general)?;
        let Self { not_after, while_unpaid, .. } = self;
        Some(Occasion { notification, not_after, while_unpaid })
    }
}

/// What the changes give reason to tell, of what is sent.
pub(super) fn of(
    policies: &Policies,
    state: &OrderState,
    order: &Order,
    changes: &Changes,
) -> Vec<Occasion> {
    let (policy, reminders) = (&policies.notifications, &policies.reminders);
    let of_message = |it: &Message| of_message(&it.body, reminders, state, order);
    let announced = changes.messages.iter().flat_map(of_message);
    let moved = changes.history.iter().filter_map(|it| of_change(it.change, state, order));
    let told = announced.chain(moved).chain(partly_paid(state, order, changes));
    told.filter_map(|it| it.chosen(policy)).collect()
}

fn of_message(body: &Body, reminders: &Reminders, state: &OrderState, order: &Order) -> Vec<Told> {
    let id = order.id;
    let dispute = |id: DisputeId| state.disputes.iter().find(|dispute| dispute.id == id);
    let one = |told| vec![Told::new(told)];
    match body {
        Body::OrderPaid { total, .. } => one(Notification::OrderPaid { order: id, amount: *total }),
        Body::OrderReinstated { total, .. } => {
            one(Notification::OrderReinstated { order: id, amount: *total })
        }
        Body::OrderExpired { .. } => one(expired(order)),
        Body::OrderCancelled { .. } => one(Notification::OrderCancelled { order: id }),
        Body::OrderPaymentFailed { attempt_id, expires_at, .. } => {
            declined(state, order, *attempt_id, *expires_at).into_iter().collect()
        }
        Body::PaymentReminderDue { amount, expires_at, .. } => {
            vec![reminder(order, reminders, *amount, *expires_at)]
        }
        Body::RefundApproved { amount, reason, .. } => {
            vec![Told::new(going_back(order, *amount, *reason))]
        }
        Body::RefundRejected { code, .. } => refused(id, *code).into_iter().collect(),
        Body::RefundReviewRequested { amount, .. } => {
            one(Notification::RefundUnderReview { order: id, amount: *amount })
        }
        Body::RefundSucceeded { amount, .. } => {
            one(Notification::RefundSucceeded { order: id, amount: *amount })
        }
        Body::RefundFailed { amount, .. } => {
            one(Notification::RefundFailed { order: id, amount: *amount })
        }
        Body::DisputeOpenedAck { dispute_id, .. } => {
            dispute(*dispute_id).map(|it| dispute_opened(id, it)).unwrap_or_default()
        }
        Body::DisputeEvidenceRequested { dispute_id, due_at, .. } => {
            dispute(*dispute_id).map(|it| evidence_due(id, it, *due_at)).into_iter().collect()
        }
        Body::DisputeDeadlineApproaching { dispute_id, due_at, hours_left, .. } => {
            let near = dispute(*dispute_id).map(|it| deadline_near(id, it, *due_at, *hours_left));
            near.into_iter().collect()
        }
        Body::DisputeEscalated { dispute_id, .. } => {
            dispute(*dispute_id).map(|it| escalated(id, it)).into_iter().collect()
        }
        Body::DisputeWon { amount, .. } => {
            one(Notification::DisputeWon { order: id, amount: *amount })
        }
        Body::DisputeLost { amount, .. } => {
            one(Notification::DisputeLost { order: id, amount: *amount })
        }
        Body::CustomerRestricted { until, .. } => {
            one(Notification::CustomerRestricted { until: *until })
        }
        Body::CustomerRestrictionLifted { .. } => one(Notification::CustomerRestrictionLifted {}),
        Body::InventoryReleaseRequested { .. }
        | Body::InventoryReserveRequested { .. }
        | Body::CustomerRiskFlagged { .. }
        | Body::CustomerWarned { .. }
        | Body::PaymentVoidRequested { .. }
        | Body::PaymentStatusCheckRequested { .. }
        | Body::PaymentAnomaly { .. }
        | Body::RefundExecute { .. }
        | Body::DisputeEvidenceSubmit { .. }
        | Body::DisputeDoubleLossDetected { .. }
        | Body::PaymentUnappliedResolved { .. }
        | Body::NotificationRequested { .. }
        | Body::OpsCaseOpened { .. } => Vec::new(),
    }
}

fn expired(order: &Order) -> Notification {
    let (amount, expires_at) = (order.total, order.expires_at);
    Notification::OrderExpired { order: order.id, amount, expires_at }
}

fn reminder(order: &Order, reminders: &Reminders, amount: Money, expires_at: Timestamp) -> Told {
    let (pay_link, other_method) =
        (reminders.pay_link(order.id), reminders.other_method(order.method));
    let order = order.id;
    let reminder =
        Notification::PaymentReminder { order, amount, expires_at, pay_link, other_method };
    Told::asking(reminder, expires_at)
}

/// A wish that became a void is none: what was only reserved is let go (case 59).
fn refused(order: OrderId, code: OutcomeCode) -> Option<Told> {
    if code == OutcomeCode::ConvertedToVoid {
        return None;
    }
    let best = RefundRefusal::of_code(crate::Status::name(code)).notification(order);
    let general = Some(Notification::RefundRejected { order });
    Some(Told { general, ..Told::new(best) })
}

fn escalated(order: OrderId, dispute: &Dispute) -> Told {
    Told::new(Notification::DisputeEscalated { order, amount: dispute.amount })
}

/// A dispute that is new: to the customer when it holds money, to the merchant when no answer to it
/// is taken.
fn dispute_opened(order: OrderId, dispute: &Dispute) -> Vec<Told> {
    let amount = dispute.amount;
    let mut told = Vec::new();
    if dispute.position.holds_money() {
        told.push(Told::new(Notification::PaymentDisputed { order, amount }));
    }
    if dispute.evidence_due_at.is_none() {
        told.push(Told::new(Notification::DisputeOpenedNoResponse { order, amount }));
    }
    told
}

fn evidence_due(order: OrderId, dispute: &Dispute, evidence_due_at: Timestamp) -> Told {
    let amount = dispute.amount;
    let opened = Notification::DisputeOpened { order, amount, evidence_due_at };
    Told::until(opened, evidence_due_at)
}

fn deadline_near(
    order: OrderId,
    dispute: &Dispute,
    evidence_due_at: Timestamp,
    hours_left: u64,
) -> Told {
    let (amount, hours_left) = (dispute.amount, u32::try_from(hours_left).unwrap_or(u32::MAX));
    let near = Notification::DisputeDeadlineNear { order, amount, evidence_due_at, hours_left };
    Told::until(near, evidence_due_at)
}

/// A decline; while another payment may still bring the money, nobody is asked for more (policy 3).
fn declined(
    state: &OrderState,
    order: &Order,
    attempt: AttemptId,
    expires_at: Timestamp,
) -> Option<Told> {
    if state.attempts.iter().any(|attempt| attempt.status.awaits_provider()) {
        return None;
    }
    let (id, amount) = (order.id, state.left_to_pay(order).ok()?);
    let codes = state.attempt(attempt).map(Attempt::decline_codes).unwrap_or_default();
    let message = guidance(codes).message;
    let best = message.notification(id, amount, expires_at);
    let general = Some(Notification::PaymentDeclined { order: id, amount, expires_at });
    Some(Told { general, ..Told::asking(best, expires_at) })
}

/// What is said of money that was ordered back.
fn going_back(order: &Order, amount: Money, reason: RefundReason) -> Notification {
    let order = order.id;
    match reason {
        RefundReason::LatePayment => Notification::LatePaymentRefunded { order, amount },
        RefundReason::Duplicate => Notification::DuplicatePaymentRefunded { order, amount },
        RefundReason::Overpaid => Notification::OverpaymentRefunded { order, amount },
        RefundReason::RequestedByCustomer
        | RefundReason::Fraudulent
        | RefundReason::NotReceived
        | RefundReason::Defective
        | RefundReason::OrderCancelled
        | RefundReason::Goodwill => Notification::RefundApproved { order, amount },
    }
}

/// A payment that waits for its provider, or for a person: nobody should pay again (policy 3).
fn of_change(change: Change, state: &OrderState, order: &Order) -> Option<Told> {
    let Change::Payment(attempt, from, to) = change else { return None };
    if order.status != OrderStatus::PendingPayment {
        return None;
    }
    let awaited = from.is_some_and(AttemptStatus::awaits_provider);
    if to == AttemptStatus::Review {
        return Some(Told::new(Notification::OrderOnHold { order: order.id }));
    }
    let amount = state.attempt(attempt)?.amount;
    let confirming = Notification::PaymentConfirming { order: order.id, amount };
    (to.awaits_provider() && !awaited).then(|| Told::new(confirming))
}

/// Some of the money came, and the rest is awaited.
fn partly_paid(state: &OrderState, order: &Order, changes: &Changes) -> Option<Told> {
    let came = changes.captures.iter().any(|it| it.reversed_at.is_none() && !it.applied.is_zero());
    if !came || order.status != OrderStatus::PendingPayment {
        return None;
    }
    let (amount, expires_at) = (state.left_to_pay(order).ok()?, order.expires_at);
    let paid = order.total.saturating_sub(amount).ok()?;
    let told = Notification::PaymentPartial { order: order.id, paid, amount, expires_at };
    Some(Told::asking(told, expires_at))
}
