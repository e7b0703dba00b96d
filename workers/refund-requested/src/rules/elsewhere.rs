//! Refunds that somebody made at the provider, without a command of ours.

use contracts::events::{RefundCause, RefundReason, RefundResult, RefundUpdated};
use contracts::{AttemptId, ProviderRef};
use domain::ledger::Account;
use domain::operations::{clamp_skew, open_case};
use domain::order::Order;
use domain::refund::{Refund, RefundMoney, RefundStatus};
use domain::settlement::{put_refund, refundable_from};
use domain::{Decision, Draft, Money, MoneyError, OrderState, OutcomeCode};

use super::RefundRules;
use super::report::exceeds;

/// What a provider says of a refund that we never ordered.
#[derive(Clone, Debug)]
pub(super) struct Made {
    attempt_id: AttemptId,
    provider_ref: ProviderRef,
    amount: Money,
    end: End,
}

/// How it ended, as far as the report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The buyer has the money.
    Done,
    /// The money never left; told before anything else of it was.
    Failed(RefundStatus),
    /// The money left and came back; that it left was not told yet.
    CameBack,
}

impl End {
    /// The end that a report tells; a refund that is on its way is no money yet.
    fn of(result: RefundResult) -> Option<Self> {
        match result {
            RefundResult::Submitted | RefundResult::RequiresAction => None,
            RefundResult::Succeeded => Some(Self::Done),
            RefundResult::Failed => Some(Self::Failed(RefundStatus::Failed)),
            RefundResult::Cancelled => Some(Self::Failed(RefundStatus::Cancelled)),
            RefundResult::Reversed => Some(Self::CameBack),
        }
    }
}

/// The refund that was made without us, if a report tells all that has to be known of it.
///
/// Only a last word counts. It must not be one of ours that the provider gives no id of: while one
/// over the same amount is its provider's turn and has no reference, nobody can tell them apart.
pub(super) fn made(state: &OrderState, order: &Order, update: &RefundUpdated) -> Option<Made> {
    let end = End::of(update.status).filter(|_| update.refund_id.is_none())?;
    let attempt = update.attempt_id.and_then(|id| state.attempt(id))?;
    let (provider_ref, amount) = update.provider_ref.clone().zip(update.amount)?;
    let may_be_ours = state.refunds.iter().any(|refund| {
        let theirs = refund.status.money() == RefundMoney::Reserved;
        theirs && refund.provider_ref.is_none() && refund.amount == amount
    });
    let is_known = amount.currency() == order.total.currency() && !may_be_ours;
    is_known.then_some(Made { attempt_id: attempt.id, provider_ref, amount, end })
}

impl RefundRules {
    /// Records it like one of ours that has ended so, and tells a person if money moved.
    ///
    /// One that failed is recorded, too: the success before a reversal may be told after it, and is
    /// stale then (case 64).
    pub(super) fn record_made(
        &self,
        mut draft: Draft,
        order: &Order,
        made: Made,
        update: &RefundUpdated,
    ) -> Result<Decision, MoneyError> {
        let (at, _ahead) = clamp_skew(self.book.everyone(), update.occurred_at, draft.now());
        let code = OutcomeCode::MadeAtProvider;
        let request_key = RefundCause::Provider.key_of(&made.provider_ref);
        let free = |funds| refundable_from(draft.state(), order, made.attempt_id, funds);
        // What may not stay was the likelier reason, where there is enough of it.
        let in_suspense = free(Account::Suspense)?.minor() >= made.amount.minor();
        let refund = Refund {
            id: draft.next_id(),
            request_key: request_key.parse().expect("a reference is short printable ASCII"),
            part: 0,
            attempt_id: Some(made.attempt_id),
            amount: made.amount,
            status: RefundStatus::Approved,
            reason: RefundReason::Goodwill,
            funded_from: if in_suspense { Account::Suspense } else { Account::CustomerFunds },
            decided_by: "provider".parse().ok(),
            first_approver: None,
            restock: None,
            held_until: None,
            code: None,
            provider_ref: Some(made.provider_ref),
            requested_at: at,
            settled_at: None,
            last_event_at: at,
        };
        match made.end {
            End::Done => {
                let excessive = exceeds(&draft, order, &refund)?;
                put_refund(&mut draft, order, refund.clone(), Some(code))?;
                open_case(&mut draft, order.id, code, refund.id.to_string());
                let (status, settled_at) = (RefundStatus::Succeeded, Some(at));
                let heard = Refund { status, settled_at, ..refund };
                self.change(draft, order, RefundMoney::Reserved, heard, excessive)
            }
            End::Failed(status) => {
                put_refund(&mut draft, order, refund.clone(), Some(code))?;
                put_refund(&mut draft, order, Refund { status, ..refund }, None)?;
                Ok(Decision::apply(draft.finish()))
            }
            End::CameBack => {
                put_refund(&mut draft, order, refund.clone(), Some(code))?;
                let (status, code) = (RefundStatus::Failed, Some(OutcomeCode::RefundReversed));
                let heard = Refund { status, code, ..refund };
                self.change(draft, order, RefundMoney::Reserved, heard, false)
            }
        }
    }
}
