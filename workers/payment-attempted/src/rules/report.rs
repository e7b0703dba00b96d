//! One report, and what it says of its attempt.

use contracts::events::PaymentAttempted;
use contracts::{Money, ProviderRef};
use domain::order::Order;
use domain::payment::{Attempt, AttemptStatus, DeclineDetails, PaidWith};
use domain::{OutcomeCode, Timestamp};

/// A report on an attempt of a known order.
pub(super) struct Report<'a> {
    pub(super) event: &'a PaymentAttempted,
    pub(super) order: &'a Order,
    /// When it happened; now, if its clock is ahead of ours (case 14).
    pub(super) at: Timestamp,
    pub(super) clock_ahead: bool,
}

impl Report<'_> {
    /// What to note in history when there is nothing more important.
    pub(super) fn reason(&self) -> Option<OutcomeCode> {
        self.clock_ahead.then_some(OutcomeCode::ClockSkew)
    }

    pub(super) fn nothing(&self) -> Money {
        Money::zero(self.order.total.currency())
    }

    /// The attempt with this report's times; its status is for the caller to raise.
    pub(super) fn attempt(&self, known: Option<&Attempt>) -> Attempt {
        let attempt = known.cloned().unwrap_or_else(|| self.new_attempt());
        Attempt {
            occurred_at: attempt.occurred_at.min(self.at),
            last_event_at: attempt.last_event_at.max(self.at),
            revision: attempt.revision.or(self.event.order_revision),
            paid_with: attempt.paid_with.or_else(|| self.paid_with()),
            ..attempt
        }
    }

    fn paid_with(&self) -> Option<PaidWith> {
        let method = self.event.method.as_ref()?;
        Some(PaidWith { kind: method.kind.clone(), brand: method.brand.clone() })
    }

    fn new_attempt(&self) -> Attempt {
        Attempt {
            id: self.event.attempt_id,
            provider: self.event.provider.clone(),
            provider_ref: self.event.provider_ref.clone(),
            status: AttemptStatus::Initiated,
            amount: self.event.amount,
            authorized: self.nothing(),
            decline_code: None,
            decline: DeclineDetails::default(),
            paid_with: None,
            revision: self.event.order_revision,
            occurred_at: self.at,
            last_event_at: self.at,
        }
    }

    /// What the report says was authorised, in the order's currency.
    pub(super) fn authorized(&self) -> Option<Money> {
        self.event.authorized.filter(|amount| amount.currency() == self.order.total.currency())
    }

    /// Takes over what was authorised, if nothing told it before.
    pub(super) fn tell_authorized(&self, attempt: &mut Attempt) {
        if attempt.authorized.is_zero() {
            attempt.authorized = self.authorized().unwrap_or(attempt.authorized);
        }
    }
}

/// The provider's reference of a capture: the attempt's own when there is only one.
pub(super) fn capture_ref(event: &PaymentAttempted) -> &ProviderRef {
    event.capture_ref.as_ref().unwrap_or(&event.provider_ref)
}

/// What to look up at the provider.
pub(super) fn reference(event: &PaymentAttempted) -> String {
    format!("{}/{}", event.provider, capture_ref(event))
}

/// Whether more was captured than was authorised, as far as that is known (case 48).
pub(super) fn over_captured(attempt: &Attempt, captured: Money) -> bool {
    !attempt.authorized.is_zero() && captured.minor() > attempt.authorized.minor()
}
