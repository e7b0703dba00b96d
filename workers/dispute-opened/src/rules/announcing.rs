//! What is written and said when a dispute takes a new position.

use contracts::events::DisputeStage;
use domain::dispute::{Dispute, DisputePosition, DisputeStatus, evidence_checklist};
use domain::history::position_name;
use domain::judgement::PolicyKind;
use domain::message::Body;
use domain::operations::{call_held_off, give_back_released};
use domain::order::Order;
use domain::policy::AnswerClock;
use domain::settlement::{double_loss, put_dispute};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Draft, Money, MoneyError, OutcomeCode, Timestamp};

use super::DisputeRules;
use super::evidence::hand_in;

impl DisputeRules {
    /// Writes a dispute with its money, its deadline and what there is to say about it.
    pub(super) fn put(
        &self,
        draft: &mut Draft,
        order: &Order,
        known: Option<&Dispute>,
        dispute: Dispute,
    ) -> Result<(), MoneyError> {
        let before = known.map(|known| known.position);
        if takes_money(before, dispute.position) {
            call_held_off(draft, order, dispute.attempt_id)?;
        }
        let excess = excess(draft, order, before, &dispute)?;
        let reason = excess.map(|_| OutcomeCode::AlreadyRefunded);
        put_dispute(draft, order, dispute.clone(), reason)?;
        if before.is_none() {
            acknowledge(draft, order, &dispute);
        }
        if let Some(excess) = excess.filter(|_| takes_money(before, dispute.position)) {
            announce_double_loss(draft, order, &dispute, excess);
        }
        announce_verdict(draft, order, before, &dispute);
        if lets_go(before, dispute.position) {
            give_back_released(draft, order, &dispute)?;
        }
        let awaits = dispute.position.status == DisputeStatus::NeedsResponse;
        let Some(due_at) = dispute.evidence_due_at.filter(|_| awaits) else {
            draft.cancel(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute.id));
            let code = OutcomeCode::NoResponsePossible;
            return if awaits { accept(draft, order, dispute, code) } else { Ok(()) };
        };
        let asks_anew = before.is_none_or(|before| before.stage != dispute.position.stage);
        // Proof that the money went back is at hand: an answer costs nothing then.
        let weighs = asks_anew && excess.is_none();
        if weighs && self.is_not_worth_an_answer(draft, order, &dispute) {
            draft.cancel(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute.id));
            return accept(draft, order, dispute, OutcomeCode::NotWorthAnAnswer);
        }
        if dispute.evidence_submitted_at.is_some() {
            // What there is to say was handed in in this stage: only its time is awaited (case 81).
            draft.arm(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute.id), due_at);
        } else if excess.is_some() {
            let code = OutcomeCode::AlreadyRefunded;
            hand_in(draft, order, &dispute, due_at, code, Vec::new());
        } else {
            self.ask_for_evidence(draft, order, &dispute, due_at);
        }
        Ok(())
    }

    /// Asks for evidence, and arms the deadline: the clock runs from the event, not its arrival.
    fn ask_for_evidence(
        &self,
        draft: &mut Draft,
        order: &Order,
        dispute: &Dispute,
        due_at: Timestamp,
    ) {
        self.look_again(draft, order, dispute, due_at);
        let (provider, provider_ref) = dispute.at_provider();
        let body = Body::DisputeEvidenceRequested {
            order_id: order.id,
            dispute_id: dispute.id,
            provider,
            provider_ref,
            due_at,
            checklist: evidence_checklist(dispute.reason),
        };
        draft.send(order.id, body);
    }

    /// Arms the next look at a dispute that waits for evidence (policy 8).
    pub(super) fn look_again(
        &self,
        draft: &mut Draft,
        order: &Order,
        dispute: &Dispute,
        due_at: Timestamp,
    ) {
        let clock = AnswerClock::of(dispute, due_at);
        let next = self.book.for_order(order).disputes.next_look(clock, draft.now());
        draft.arm(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute.id), next);
    }

    /// Whether a dispute takes money, but less than an answer is worth to the shop (policy 9).
    fn is_not_worth_an_answer(&self, draft: &mut Draft, order: &Order, dispute: &Dispute) -> bool {
        let policy = &self.book.for_order(order).disputes;
        let limit = policy.accept_below.of(dispute.amount.currency());
        let expected = policy.expected_value(dispute);
        let small = dispute.amount.minor() < limit;
        let hopeless = expected.is_some_and(|expected| expected < dispute.fee.minor());
        let accepts = dispute.position.holds_money() && (small || hopeless);
        if accepts {
            let minor = |amount: i64| format!("{amount} in minor units");
            let rate = policy.win_rate.of(dispute.reason);
            let inputs = vec![
                ("amount", dispute.amount.to_string()),
                ("accept_below", minor(limit)),
                ("reason", dispute.reason.name().to_owned()),
                ("win_rate", rate.map(|rate| format!("{rate} percent")).unwrap_or_default()),
                ("expected_value", expected.map(minor).unwrap_or_default()),
                ("fee", dispute.fee.to_string()),
            ];
            let verdict = OutcomeCode::NotWorthAnAnswer;
            draft.judge(PolicyKind::DisputeAnswer, verdict, &self.book, inputs);
        }
        accepts
    }
}

/// Whether the provider takes the money with this change.
fn takes_money(before: Option<DisputePosition>, now: DisputePosition) -> bool {
    now.holds_money() && !before.is_some_and(DisputePosition::holds_money)
}

/// Whether the provider gives the money back with this change.
fn lets_go(before: Option<DisputePosition>, now: DisputePosition) -> bool {
    before.is_some_and(DisputePosition::holds_money) && !now.holds_money()
}

/// By how much the dispute asks for money that is refunded already (cases 70 and 71).
fn excess(
    draft: &Draft,
    order: &Order,
    before: Option<DisputePosition>,
    dispute: &Dispute,
) -> Result<Option<Money>, MoneyError> {
    let asks = dispute.position.status == DisputeStatus::NeedsResponse;
    if !asks && !takes_money(before, dispute.position) {
        return Ok(None);
    }
    let counted = before.is_some_and(DisputePosition::holds_money);
    let nothing = Money::zero(order.total.currency());
    let further = if counted { nothing } else { dispute.amount };
    double_loss(draft.state(), order, dispute.attempt_id, further)
}

/// Gives in to a dispute that cannot be answered (case 79), or is not worth it.
fn accept(
    draft: &mut Draft,
    order: &Order,
    dispute: Dispute,
    code: OutcomeCode,
) -> Result<(), MoneyError> {
    let before = dispute.position;
    let position = DisputePosition { status: DisputeStatus::Accepted, ..before };
    let closed_at = Some(dispute.last_event_at);
    let dispute = Dispute { position, closed_at, ..dispute };
    put_dispute(draft, order, dispute.clone(), Some(code))?;
    announce_verdict(draft, order, Some(before), &dispute);
    Ok(())
}

fn acknowledge(draft: &mut Draft, order: &Order, dispute: &Dispute) {
    let (provider, provider_ref) = dispute.at_provider();
    let body = Body::DisputeOpenedAck {
        order_id: order.id,
        dispute_id: dispute.id,
        provider,
        provider_ref,
        amount: dispute.amount,
        position: position_name(dispute.position),
    };
    draft.send(order.id, body);
}

fn announce_double_loss(draft: &mut Draft, order: &Order, dispute: &Dispute, excess: Money) {
    draft.send(order.id, Body::double_loss(order.id, dispute, excess));
}

/// Whom a dispute was decided for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Merchant,
    Buyer,
}

fn verdict(position: DisputePosition) -> Option<Verdict> {
    match position.status {
        DisputeStatus::NeedsResponse | DisputeStatus::UnderReview => None,
        DisputeStatus::Won | DisputeStatus::Withdrawn => Some(Verdict::Merchant),
        DisputeStatus::Lost | DisputeStatus::Accepted => Some(Verdict::Buyer),
    }
}

/// Says whom the dispute was decided for, if that is news; an inquiry is about no money.
pub(super) fn announce_verdict(
    draft: &mut Draft,
    order: &Order,
    before: Option<DisputePosition>,
    dispute: &Dispute,
) {
    let now = verdict(dispute.position);
    let Some(verdict) = now.filter(|_| now != before.and_then(self::verdict)) else { return };
    let inquiry = dispute.position.stage == DisputeStage::Inquiry;
    let amount = if inquiry { Money::zero(order.total.currency()) } else { dispute.amount };
    let (order_id, dispute_id) = (order.id, dispute.id);
    let (provider, provider_ref) = dispute.at_provider();
    let body = match verdict {
        Verdict::Merchant => {
            Body::DisputeWon { order_id, dispute_id, provider, provider_ref, amount }
        }
        Verdict::Buyer => {
            Body::DisputeLost { order_id, dispute_id, provider, provider_ref, amount }
        }
    };
    draft.send(order_id, body);
}
