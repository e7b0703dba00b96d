//! Reports that contradict what is known: refused, but their money is kept.

use contracts::MoneyError;
use contracts::events::{PaymentAttempted, PaymentOutcome};
use domain::operations::{keep_unapplied, quarantine};
use domain::unapplied::{UnappliedCause, UnappliedMoney};
use domain::{Decision, Draft, OrderState, OutcomeCode, Policies, Timestamp};

use super::report::{Report, capture_ref, reference};
use super::unapplied::lose_kept;

/// What a report contradicts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Contradiction {
    /// It names another merchant than the order (case 42).
    Merchant,
    /// It is in another currency than the order (case 51).
    Currency,
    /// It says something else of the same fact than an earlier report (case 29).
    Fact,
    /// With it, the order would have more money than any amount accepted (case 55).
    Range,
}

impl From<MoneyError> for Contradiction {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::CurrencyMismatch(..) => Self::Currency,
            MoneyError::Overflow | MoneyError::Negative => Self::Range,
        }
    }
}

/// Compares a report with its order and with what is known of its attempt.
pub(super) fn check(state: &OrderState, report: &Report<'_>) -> Result<(), Contradiction> {
    let (event, order) = (report.event, report.order);
    if event.merchant_id.as_ref().is_some_and(|merchant| *merchant != order.merchant_id) {
        return Err(Contradiction::Merchant);
    }
    if event.amount.currency() != order.total.currency() {
        return Err(Contradiction::Currency);
    }
    let by_id = state.attempt(event.attempt_id);
    let by_ref = state.attempt_by_ref(&event.provider, &event.provider_ref);
    if by_id.map(|attempt| attempt.id) != by_ref.map(|attempt| attempt.id) {
        return Err(Contradiction::Fact);
    }
    Ok(())
}

impl Contradiction {
    /// Refuses the report, but keeps its money: money is a fact.
    pub(super) fn refuse(
        self,
        mut draft: Draft,
        policies: &Policies,
        report: &Report<'_>,
    ) -> Decision {
        let event = report.event;
        if let Some(money) = self.kept(draft.state(), event).cloned() {
            return lose_kept(draft, &money);
        }
        if event.outcome == PaymentOutcome::Captured && !is_recorded(draft.state(), event) {
            keep_money(&mut draft, policies, event, report.at, self.cause());
        }
        quarantine(draft, event.order_id, self.code(), reference(event))
    }

    /// The money that failed after all, if it was kept for the same contradiction.
    fn kept<'a>(
        self,
        state: &'a OrderState,
        event: &PaymentAttempted,
    ) -> Option<&'a UnappliedMoney> {
        let cause = self.cause();
        let same = |money: &&UnappliedMoney| {
            money.cause == cause
                && money.amount == event.amount
                && money.is_capture(&event.provider, capture_ref(event))
        };
        let failed = event.outcome == PaymentOutcome::CaptureFailed;
        failed.then(|| state.unapplied.iter().find(same)).flatten()
    }

    pub(super) fn code(self) -> OutcomeCode {
        match self {
            Self::Merchant => OutcomeCode::MerchantMismatch,
            Self::Currency => OutcomeCode::CurrencyMismatch,
            Self::Fact => OutcomeCode::FactConflict,
            Self::Range => OutcomeCode::AmountOutOfRange,
        }
    }

    fn cause(self) -> UnappliedCause {
        match self {
            Self::Merchant => UnappliedCause::MerchantMismatch,
            Self::Currency => UnappliedCause::CurrencyMismatch,
            Self::Fact | Self::Range => UnappliedCause::FactConflict,
        }
    }
}

/// Whether the order has this very capture, so that the report brings no further money.
fn is_recorded(state: &OrderState, event: &PaymentAttempted) -> bool {
    let attempt = state.attempt_by_ref(&event.provider, &event.provider_ref);
    attempt.is_some_and(|attempt| state.capture(attempt.id, capture_ref(event)).is_some())
}

/// Keeps captured money beside the order.
pub(super) fn keep_money(
    draft: &mut Draft,
    policies: &Policies,
    event: &PaymentAttempted,
    at: Timestamp,
    cause: UnappliedCause,
) {
    let money = UnappliedMoney {
        id: draft.next_id(),
        provider: event.provider.clone(),
        capture_ref: capture_ref(event).clone(),
        claimed_order: event.order_id,
        attempt_id: event.attempt_id,
        provider_ref: event.provider_ref.clone(),
        merchant_id: event.merchant_id.clone(),
        amount: event.amount,
        cause,
        occurred_at: at,
        recorded_at: draft.now(),
        decision: None,
        decided_at: None,
        disputed_since: None,
        refund: None,
        resolved: None,
        ledger_len: 1,
    };
    keep_unapplied(draft, policies, money);
}
