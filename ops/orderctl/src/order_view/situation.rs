//! How an order stands for its customer, from what is stored.

use contracts::events::RefundReason;
use contracts::{Currency, Money, OrderId};
use domain::Status;
use domain::dispute::{DisputePosition, DisputeStatus};
use domain::order::OrderStatus;
use domain::payment::AttemptStatus;
use domain::refund::RefundStatus;
use guidance::RefundRefusal;
use guidance::advice::{Payment, Refund, RefundCause, RefundProgress, Situation, Standing};
use guidance::decline::{self, Codes, Guidance};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use store::timeline::{AttemptRow, DisputeRow, OrderRow, RefundRow, Timeline};

/// How the order stands; nothing when it is not known, or was written by a newer program.
pub(super) fn of(order_id: OrderId, timeline: &Timeline) -> Option<Situation> {
    let order = timeline.order.as_ref()?;
    let currency: Currency = order.currency.parse().ok()?;
    let live = timeline.captures.iter().filter(|capture| capture.reversed_at.is_none());
    let paid = live.map(|capture| capture.applied_minor).sum();
    Some(Situation {
        order: order_id,
        total: Money::new(order.total_minor, currency).ok()?,
        paid: Money::new(paid, currency).ok()?,
        standing: standing(order)?,
        payment: payment(&timeline.attempts),
        refund: timeline.refunds.last().and_then(refund),
        disputed: disputed(&timeline.disputes, currency),
    })
}

/// What a declined attempt means; nothing for any other.
pub(super) fn declined(attempt: &AttemptRow) -> Option<Guidance> {
    match AttemptStatus::parse(&attempt.status).ok()? {
        AttemptStatus::Declined | AttemptStatus::Failed => Some(decline::guidance(Codes {
            code: attempt.decline_code.as_deref(),
            network_code: attempt.network_code.as_deref(),
            advice: attempt.decline_advice.as_deref(),
            category: attempt.decline_category.as_deref(),
        })),
        AttemptStatus::Initiated
        | AttemptStatus::RequiresAction
        | AttemptStatus::Processing
        | AttemptStatus::Authorized
        | AttemptStatus::Voided
        | AttemptStatus::AuthorizationExpired
        | AttemptStatus::PartiallyCaptured
        | AttemptStatus::Captured
        | AttemptStatus::CaptureFailed
        | AttemptStatus::Review => None,
    }
}

fn standing(order: &OrderRow) -> Option<Standing> {
    let expires_at = order.expires_at.into();
    Some(match OrderStatus::parse(&order.status).ok()? {
        OrderStatus::PendingPayment => Standing::Pending { expires_at },
        OrderStatus::Paid => Standing::Paid,
        OrderStatus::Expired => Standing::Expired { expires_at },
        OrderStatus::Cancelled => Standing::Cancelled,
    })
}

/// What there is to say of the payments: one that may still bring money counts before a decline.
fn payment(attempts: &[AttemptRow]) -> Option<Payment> {
    let statuses = attempts.iter().filter_map(|it| AttemptStatus::parse(&it.status).ok());
    if statuses.clone().any(AttemptStatus::awaits_provider) {
        return Some(Payment::Confirming);
    }
    if statuses.clone().any(|status| status == AttemptStatus::Review) {
        return Some(Payment::UnderReview);
    }
    let latest = attempts.iter().max_by_key(|attempt| attempt.last_event_at)?;
    declined(latest).map(Payment::Declined)
}

fn refund(row: &RefundRow) -> Option<Refund> {
    let progress = match RefundStatus::parse(&row.status).ok()? {
        RefundStatus::PendingReview => RefundProgress::UnderReview,
        RefundStatus::Approved => RefundProgress::Approved,
        RefundStatus::Submitted | RefundStatus::RequiresAction => RefundProgress::Sent,
        RefundStatus::Succeeded => RefundProgress::Succeeded,
        RefundStatus::Failed | RefundStatus::Cancelled => RefundProgress::Failed,
        RefundStatus::Rejected => {
            let code = row.code.as_deref().unwrap_or_default();
            RefundProgress::Rejected(RefundRefusal::of_code(code))
        }
    };
    let cause = match parsed(&row.reason)? {
        RefundReason::LatePayment => RefundCause::Late,
        RefundReason::Duplicate => RefundCause::Duplicate,
        RefundReason::Overpaid => RefundCause::Overpaid,
        RefundReason::RequestedByCustomer
        | RefundReason::Fraudulent
        | RefundReason::NotReceived
        | RefundReason::Defective
        | RefundReason::OrderCancelled
        | RefundReason::Goodwill => RefundCause::Wanted,
    };
    let amount = Money::new(row.amount_minor, row.currency.parse().ok()?).ok()?;
    Some(Refund { amount, cause, progress })
}

/// How much the customer's banks examine, of the order's currency.
fn disputed(disputes: &[DisputeRow], currency: Currency) -> Option<Money> {
    let examined = disputes.iter().filter(|it| it.currency == currency.code());
    let examined = examined.filter(|row| {
        let status = DisputeStatus::parse(&row.status).ok();
        let position = parsed(&row.stage).zip(status);
        position.is_some_and(|(stage, status)| {
            !status.is_closed() && DisputePosition { stage, status }.holds_money()
        })
    });
    let minor = examined.map(|row| row.amount_minor).sum();
    Money::new(minor, currency).ok().filter(|amount| !amount.is_zero())
}

/// A stored name of what events name in the same way.
fn parsed<'de, T: Deserialize<'de>>(name: &'de str) -> Option<T> {
    let name: StrDeserializer<'de, Error> = name.into_deserializer();
    T::deserialize(name).ok()
}
