//! Inquiries that buyer and seller could not settle, and the shop's mediators decided (policy 8).

use contracts::events::{
    DisputeMediated, DisputeParty, DisputeReason, DisputeStage, RefundCause, RefundReason,
};
use domain::dispute::{Dispute, DisputePosition, DisputeStatus};
use domain::judgement::PolicyKind;
use domain::ledger::Account;
use domain::message::Body;
use domain::operations::{approve_refund, clamp_skew, quarantine, watch_customer};
use domain::order::Order;
use domain::refund::{Refund, RefundStatus};
use domain::settlement::{put_dispute, refundable_from};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, Moment, Money, MoneyError, OutcomeCode, ParkKey, Timestamp};

use super::DisputeRules;
use super::announcing::announce_verdict;
use super::evidence::hand_in;

impl DisputeRules {
    /// Does what the mediators decided, once, while nobody else has decided.
    pub(super) fn take_decision(
        &self,
        mut draft: Draft,
        order: &Order,
        mediated: &DisputeMediated,
        moment: Moment,
    ) -> Result<Decision, MoneyError> {
        let is_meant = |dispute: &&Dispute| {
            dispute.provider == mediated.provider && dispute.provider_ref == mediated.provider_ref
        };
        let reference = reference(mediated);
        let Some(dispute) = draft.state().disputes.iter().find(is_meant).cloned() else {
            return Ok(self.wait(draft, key(mediated), mediated.order_id, reference, moment));
        };
        if mediated.dispute_id.is_some_and(|id| id != dispute.id) {
            return Ok(quarantine(draft, order.id, OutcomeCode::FactConflict, reference));
        }
        if let Some(code) = refusal(&dispute) {
            return Ok(Decision::reject(code));
        }
        let dispute = Dispute { mediated_for: Some(mediated.decided_for), ..dispute };
        match mediated.decided_for {
            DisputeParty::Buyer => self.give_in(&mut draft, order, dispute, mediated)?,
            DisputeParty::Seller => self.stand_by_seller(&mut draft, order, &dispute, mediated),
        }
        Ok(Decision::apply(draft.finish()))
    }

    /// Closes the inquiry, and sends the money back as far as it is still there.
    fn give_in(
        &self,
        draft: &mut Draft,
        order: &Order,
        dispute: Dispute,
        mediated: &DisputeMediated,
    ) -> Result<(), MoneyError> {
        let funds = Account::CustomerFunds;
        let free = refundable_from(draft.state(), order, dispute.attempt_id, funds)?;
        let amount = if free.minor() < dispute.amount.minor() { free } else { dispute.amount };
        self.record(draft, order, &dispute, mediated, OutcomeCode::MediatedForBuyer, Some(amount));

        let before = dispute.position;
        let (at, _ahead) = clamp_skew(self.book.everyone(), mediated.decided_at, draft.now());
        let at = at.max(dispute.last_event_at);
        let position = DisputePosition { status: DisputeStatus::Accepted, ..before };
        let dispute = Dispute { position, closed_at: Some(at), last_event_at: at, ..dispute };
        put_dispute(draft, order, dispute.clone(), Some(OutcomeCode::MediatedForBuyer))?;
        draft.cancel(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute.id));
        announce_verdict(draft, order, Some(before), &dispute);
        if !amount.is_zero() {
            self.send_back(draft, order, &dispute, mediated, amount);
            watch_customer(draft, order, &self.book);
        }
        Ok(())
    }

    /// Orders the money back, or asks a second person about much of it (policy 4).
    fn send_back(
        &self,
        draft: &mut Draft,
        order: &Order,
        dispute: &Dispute,
        mediated: &DisputeMediated,
        amount: Money,
    ) {
        let Some(attempt) = draft.state().attempt(dispute.attempt_id).cloned() else { return };
        let key = RefundCause::Mediated.key_of(dispute.id);
        let mediator = Some(mediated.decided_by.id.clone());
        let refund = Refund {
            id: draft.next_id(),
            request_key: key.parse().expect("our own causes are short printable ASCII"),
            part: 0,
            attempt_id: Some(attempt.id),
            amount,
            status: RefundStatus::PendingReview,
            reason: refund_reason(dispute.reason),
            funded_from: Account::CustomerFunds,
            decided_by: mediator.clone(),
            first_approver: None,
            restock: None,
            held_until: None,
            code: None,
            provider_ref: None,
            requested_at: draft.now(),
            settled_at: None,
            last_event_at: draft.now(),
        };
        let policy = &self.book.for_order(order).refunds;
        if !policy.four_eyes_above.is_exceeded_by(amount) {
            return approve_refund(draft, order, &attempt, refund, OutcomeCode::MediatedForBuyer);
        }
        let (order_id, refund_id, code) = (order.id, refund.id, OutcomeCode::SecondApprovalNeeded);
        let refund =
            Refund { decided_by: None, first_approver: mediator, code: Some(code), ..refund };
        draft.put_refund(refund, Some(code));
        let due_at = draft.now().plus(policy.review_sla);
        draft.arm(TimerKind::RefundReviewDue, TimerOwner::Refund(refund_id), due_at);
        draft.send(order_id, Body::RefundReviewRequested { order_id, refund_id, amount, code });
    }

    /// Answers the provider for the seller, unless somebody did; its own verdict is awaited.
    fn stand_by_seller(
        &self,
        draft: &mut Draft,
        order: &Order,
        dispute: &Dispute,
        mediated: &DisputeMediated,
    ) {
        let code = OutcomeCode::MediatedForSeller;
        self.record(draft, order, dispute, mediated, code, None);
        draft.put_dispute(dispute.clone(), None);
        draft.touch();
        if let Some(due_at) = unanswered_until(dispute, draft.now()) {
            hand_in(draft, order, dispute, due_at, code, Vec::new());
        }
    }

    /// Keeps who decided what by which choices.
    fn record(
        &self,
        draft: &mut Draft,
        order: &Order,
        dispute: &Dispute,
        mediated: &DisputeMediated,
        verdict: OutcomeCode,
        refund: Option<Money>,
    ) {
        let policies = self.book.for_order(order);
        let limit = policies.refunds.four_eyes_above.of(dispute.amount.currency());
        let hours = policies.disputes.mediation_sla.as_secs() / 3600;
        let inputs = vec![
            ("dispute", dispute.id.to_string()),
            ("amount", dispute.amount.to_string()),
            ("mediator", mediated.decided_by.id.to_string()),
            ("role", mediated.decided_by.kind.to_string()),
            ("decided_at", mediated.decided_at.to_string()),
            ("opened_at", dispute.opened_at.to_string()),
            ("mediation_sla", format!("{hours} hours")),
            ("refund", refund.map(|amount| amount.to_string()).unwrap_or_default()),
            ("four_eyes_above", format!("{limit} in minor units")),
        ];
        draft.judge(PolicyKind::DisputeMediation, verdict, &self.book, inputs);
    }
}

/// Why a decision comes too late, if it does: only an open inquiry is for mediators.
fn refusal(dispute: &Dispute) -> Option<OutcomeCode> {
    let decided = dispute.position.status.is_closed() || dispute.mediated_for.is_some();
    match dispute.position.stage {
        DisputeStage::Inquiry => decided.then_some(OutcomeCode::AlreadyDecided),
        DisputeStage::Chargeback | DisputeStage::PreArbitration | DisputeStage::Arbitration => {
            Some(OutcomeCode::Stale)
        }
    }
}

/// Until when the provider takes an answer that it does not have yet.
fn unanswered_until(dispute: &Dispute, now: Timestamp) -> Option<Timestamp> {
    let awaits = dispute.position.status == DisputeStatus::NeedsResponse;
    let open = awaits && dispute.evidence_submitted_at.is_none();
    dispute.evidence_due_at.filter(|due_at| open && now < *due_at)
}

/// Why the buyer wants the money back, in the words of refunds.
fn refund_reason(reason: DisputeReason) -> RefundReason {
    match reason {
        DisputeReason::Fraudulent => RefundReason::Fraudulent,
        DisputeReason::ProductNotReceived => RefundReason::NotReceived,
        DisputeReason::ProductUnacceptable => RefundReason::Defective,
        DisputeReason::Duplicate
        | DisputeReason::CreditNotProcessed
        | DisputeReason::SubscriptionCanceled
        | DisputeReason::Unrecognized
        | DisputeReason::IncorrectAmount
        | DisputeReason::General => RefundReason::RequestedByCustomer,
    }
}

/// What a decision waits for while its dispute is not known.
fn key(mediated: &DisputeMediated) -> ParkKey {
    let (provider, dispute_ref) = (mediated.provider.clone(), mediated.provider_ref.clone());
    ParkKey::Dispute { provider, dispute_ref }
}

/// What the dispute is called when somebody must look for it.
pub(super) fn reference(mediated: &DisputeMediated) -> String {
    format!("{}/{}", mediated.provider, mediated.provider_ref)
}
