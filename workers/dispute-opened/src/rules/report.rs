//! What an event says of a dispute, whichever event it is.

use contracts::events::{DisputeOpened, DisputeReason, DisputeStage, DisputeUpdated};
use contracts::{ProviderRef, Token};
use domain::dispute::{Dispute, DisputePosition, DisputeStatus};
use domain::operations::clamp_skew;
use domain::policy::DisputePolicy;
use domain::{Currency, DisputeId, Money, OrderId, OrderState, OutcomeCode, Policies, Timestamp};

/// `dispute.opened` and `dispute.updated` as one: the first says that evidence is awaited.
#[derive(Clone, Copy)]
pub(super) struct Report<'a> {
    /// Whether the event is the dispute's opening.
    pub(super) opening: bool,
    pub(super) dispute_id: Option<DisputeId>,
    pub(super) provider: &'a Token<32>,
    pub(super) provider_ref: &'a ProviderRef,
    pub(super) payment_ref: Option<&'a ProviderRef>,
    pub(super) order_id: Option<OrderId>,
    pub(super) position: DisputePosition,
    /// When it happened at the provider.
    pub(super) at: Timestamp,
    pub(super) amount: Option<Money>,
    pub(super) reason: Option<DisputeReason>,
    pub(super) network_reason_code: Option<&'a Token<32>>,
    pub(super) evidence_due_at: Option<Timestamp>,
    fee: Option<Money>,
    /// What is disputed, if that is not in the order's currency (case 73).
    pub(super) original: Option<Money>,
    /// What the provider charges in another currency: nobody knows what it comes to.
    foreign_fee: Option<Money>,
}

impl<'a> Report<'a> {
    pub(super) fn opening(opened: &'a DisputeOpened) -> Self {
        let (stage, status) = (opened.stage, DisputeStatus::NeedsResponse);
        Self {
            opening: true,
            dispute_id: Some(opened.dispute_id),
            provider: &opened.provider,
            provider_ref: &opened.provider_ref,
            payment_ref: Some(&opened.payment_ref),
            order_id: opened.order_id,
            position: DisputePosition { stage, status },
            at: opened.opened_at,
            amount: Some(opened.amount),
            reason: Some(opened.reason_category),
            network_reason_code: opened.network_reason_code.as_ref(),
            evidence_due_at: opened.evidence_due_at,
            fee: opened.fee,
            original: None,
            foreign_fee: None,
        }
    }

    pub(super) fn update(updated: &'a DisputeUpdated) -> Self {
        let (stage, status) = (updated.stage, updated.status.into());
        Self {
            opening: false,
            dispute_id: updated.dispute_id,
            provider: &updated.provider,
            provider_ref: &updated.provider_ref,
            payment_ref: updated.payment_ref.as_ref(),
            order_id: updated.order_id,
            position: DisputePosition { stage, status },
            at: updated.occurred_at,
            amount: updated.amount,
            reason: updated.reason_category,
            network_reason_code: None,
            evidence_due_at: updated.evidence_due_at,
            fee: updated.fee,
            original: None,
            foreign_fee: None,
        }
    }

    /// Holds the sender's clock to ours (case 14).
    pub(super) fn with_clock(self, policies: &Policies, now: Timestamp) -> Self {
        let (at, _ahead) = clamp_skew(policies, self.at, now);
        Self { at, ..self }
    }

    /// An inquiry that names no deadline has the shop's; other stages cannot be answered (case 79).
    pub(super) fn with_default_of(self, policy: &DisputePolicy) -> Self {
        let asks = self.opening && self.position.stage == DisputeStage::Inquiry;
        let default = asks.then(|| self.at.plus(policy.inquiry_due_after));
        Self { evidence_due_at: self.evidence_due_at.or(default), ..self }
    }

    /// What the dispute is called when somebody must look for it.
    pub(super) fn reference(&self) -> String {
        format!("{}/{}", self.provider, self.provider_ref)
    }

    /// Tells amounts in the order's currency from others, which nothing is booked of (case 73).
    pub(super) fn sorted_by(self, currency: Currency) -> Self {
        let ours = |money: &Money| money.currency() == currency;
        Self {
            amount: self.amount.filter(ours),
            original: self.amount.filter(|money| !ours(money)),
            fee: self.fee.filter(ours),
            foreign_fee: self.fee.filter(|money| !ours(money)),
            ..self
        }
    }

    /// What is in another currency, for a person who knows what it comes to.
    pub(super) fn foreign(&self) -> Option<String> {
        let amount = self.original.map(|money| format!("disputed {money}"));
        let fee = self.foreign_fee.map(|money| format!("fee {money}"));
        let said: Vec<String> = amount.into_iter().chain(fee).collect();
        (!said.is_empty()).then(|| format!("{}: {}", self.reference(), said.join(", ")))
    }

    /// The same of a fee alone: the amount is known by now.
    pub(super) fn foreign_fee(&self) -> Option<String> {
        self.foreign_fee.map(|fee| format!("{}: fee {fee}", self.reference()))
    }

    /// Whether evidence is awaited, but no deadline for it is known (case 79).
    pub(super) fn lacks_deadline(&self) -> bool {
        self.position.status == DisputeStatus::NeedsResponse && self.evidence_due_at.is_none()
    }

    /// What the provider charges for the stage; an inquiry moves no money.
    pub(super) fn fee(&self) -> Option<Money> {
        self.fee.filter(|_| self.position.stage > DisputeStage::Inquiry)
    }

    /// The dispute that is meant, if it is known and the facts agree.
    pub(super) fn find<'s>(
        &self,
        state: &'s OrderState,
    ) -> Result<Option<&'s Dispute>, OutcomeCode> {
        let is_meant = |dispute: &&Dispute| {
            dispute.provider == *self.provider && dispute.provider_ref == *self.provider_ref
        };
        let Some(known) = state.disputes.iter().find(is_meant) else {
            // One id for two of the provider's disputes: they cannot be told apart any more.
            let taken = self.dispute_id.is_some_and(|id| state.dispute(id).is_some());
            return if taken { Err(OutcomeCode::FactConflict) } else { Ok(None) };
        };
        let (told, kept) = (self.original.or(self.amount), known.original.unwrap_or(known.amount));
        let other_amount = told.is_some_and(|told| told != kept);
        let attempt = self.payment_ref.map(|r| state.attempt_by_ref(self.provider, r));
        let other_payment =
            attempt.is_some_and(|a| a.is_none_or(|attempt| attempt.id != known.attempt_id));
        let agrees = !other_amount && !other_payment;
        if agrees { Ok(Some(known)) } else { Err(OutcomeCode::FactConflict) }
    }
}
