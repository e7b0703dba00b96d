//! Evidence: handed in once in each stage, by its submitter's wish or by ourselves (case 81).

use contracts::Token;
use contracts::events::{DisputeStage, EvidenceSubmitted};
use domain::dispute::{Dispute, DisputeStatus};
use domain::message::{Body, RefundProof};
use domain::operations::quarantine;
use domain::order::Order;
use domain::refund::{Refund, RefundMoney};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, Moment, OrderState, OutcomeCode, ParkKey, Timestamp};

use super::DisputeRules;

impl DisputeRules {
    /// Has evidence handed in, in time and for the first time in its stage (case 81).
    pub(super) fn take_evidence(
        &self,
        mut draft: Draft,
        order: &Order,
        evidence: &EvidenceSubmitted,
        moment: Moment,
    ) -> Decision {
        let is_meant = |dispute: &&Dispute| {
            dispute.provider == evidence.provider && dispute.provider_ref == evidence.provider_ref
        };
        let reference = reference(evidence);
        let Some(dispute) = draft.state().disputes.iter().find(is_meant).cloned() else {
            return self.wait(draft, key(evidence), evidence.order_id, reference, moment);
        };
        if evidence.dispute_id.is_some_and(|id| id != dispute.id) {
            return quarantine(draft, order.id, OutcomeCode::FactConflict, reference);
        }
        match due_at(&dispute, evidence.stage, draft.now()) {
            Ok(due_at) => {
                let (code, refs) = (OutcomeCode::EvidenceSubmitted, evidence.evidence_refs.clone());
                hand_in(&mut draft, order, &dispute, due_at, code, refs);
                Decision::apply(draft.finish())
            }
            Err(code) => Decision::reject(code),
        }
    }
}

/// Until when this evidence is taken, by our clock alone (case 14).
///
/// # Errors
/// Why it is not taken.
fn due_at(
    dispute: &Dispute,
    stage: Option<DisputeStage>,
    now: Timestamp,
) -> Result<Timestamp, OutcomeCode> {
    let known = dispute.position.stage;
    if stage.is_some_and(|stage| stage < known) {
        return Err(OutcomeCode::Stale);
    }
    if stage.is_some_and(|stage| stage > known) {
        return Err(OutcomeCode::AwaitingParent);
    }
    match dispute.position.status {
        DisputeStatus::NeedsResponse => {}
        DisputeStatus::UnderReview => return Err(OutcomeCode::AlreadySubmitted),
        DisputeStatus::Won
        | DisputeStatus::Lost
        | DisputeStatus::Accepted
        | DisputeStatus::Withdrawn => return Err(OutcomeCode::AlreadyDecided),
    }
    let due_at = dispute.evidence_due_at.ok_or(OutcomeCode::NoResponsePossible)?;
    if now >= due_at {
        Err(OutcomeCode::PastDue)
    } else if dispute.evidence_submitted_at.is_some() {
        Err(OutcomeCode::AlreadySubmitted)
    } else {
        Ok(due_at)
    }
}

/// Hands evidence in; from now on only the deadline itself is awaited.
pub(super) fn hand_in(
    draft: &mut Draft,
    order: &Order,
    dispute: &Dispute,
    due_at: Timestamp,
    code: OutcomeCode,
    evidence_refs: Vec<Token<64>>,
) {
    let (order_id, dispute_id) = (order.id, dispute.id);
    let evidence_submitted_at = Some(draft.now());
    // The draft's own image may tell a loss that was booked since.
    let known = draft.state().dispute(dispute_id).unwrap_or(dispute).clone();
    draft.put_dispute(Dispute { evidence_submitted_at, ..known }, None);
    draft.arm(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute_id), due_at);
    draft.touch();
    let refunds = proof(draft.state(), dispute);
    let (provider, provider_ref) = dispute.at_provider();
    let body = Body::DisputeEvidenceSubmit {
        order_id,
        dispute_id,
        provider,
        provider_ref,
        code,
        evidence_refs,
        refunds,
    };
    draft.send(order_id, body);
}

/// The refunds of the disputed payment that the buyer has, or will have (cases 70 and 71).
fn proof(state: &OrderState, dispute: &Dispute) -> Vec<RefundProof> {
    let of_payment = |refund: &&Refund| {
        refund.attempt_id == Some(dispute.attempt_id)
            && refund.status.money() != RefundMoney::Untouched
    };
    let refunds = state.refunds.iter().filter(of_payment);
    let proof = |refund: &Refund| RefundProof {
        refund_id: refund.id,
        provider_ref: refund.provider_ref.clone(),
        amount: refund.amount,
        settled_at: refund.settled_at,
    };
    refunds.map(proof).collect()
}

/// What evidence waits for while its dispute is not known.
fn key(evidence: &EvidenceSubmitted) -> ParkKey {
    let (provider, dispute_ref) = (evidence.provider.clone(), evidence.provider_ref.clone());
    ParkKey::Dispute { provider, dispute_ref }
}

/// What the dispute is called when somebody must look for it.
pub(super) fn reference(evidence: &EvidenceSubmitted) -> String {
    format!("{}/{}", evidence.provider, evidence.provider_ref)
}
