//! A dispute's deadline.

use contracts::events::DisputeDeadline;
use domain::dispute::{Dispute, DisputeStatus, EscalationLevel};
use domain::judgement::PolicyKind;
use domain::message::Body;
use domain::operations::wait_for;
use domain::order::Order;
use domain::policy::{AnswerClock, EvidenceStep, written};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Changes, Decision, Draft, Moment, OutcomeCode, ParkKey, Timestamp};

use super::DisputeRules;
use super::evidence::hand_in;

impl DisputeRules {
    /// Tells people of a deadline, hands evidence in shortly before it, and raises the alarm at it
    /// (case 80, policy 8).
    ///
    /// The message is a hint only: the timer's row decides whether its time has come.
    pub(super) fn fall_due(
        &self,
        draft: Draft,
        deadline: &DisputeDeadline,
        moment: Moment,
    ) -> Decision {
        let Some(order) = draft.state().order.clone() else {
            return self.await_order(deadline, moment);
        };
        let (kind, owner) = timer(deadline);
        let due = draft.state().check_due(kind, owner, deadline.generation, draft.now());
        if let Err(code) = due {
            return Decision::noop(code);
        }
        let awaiting = |dispute: &&Dispute| dispute.position.status == DisputeStatus::NeedsResponse;
        let dispute = draft.state().dispute(deadline.dispute_id).filter(awaiting).cloned();
        let Some((dispute, due_at)) = dispute.and_then(|d| d.evidence_due_at.map(|at| (d, at)))
        else {
            return Decision::noop(OutcomeCode::Stale);
        };
        let policy = &self.book.for_order(&order).disputes;
        let step = policy.step(AnswerClock::of(&dispute, due_at), draft.now());
        let mut draft = draft;
        self.judge_deadline(&mut draft, &order, &dispute, due_at, step);
        match step {
            EvidenceStep::Mediate(level) => self.escalate(draft, &order, &dispute, due_at, level),
            EvidenceStep::Remind(level) => self.remind(draft, &order, &dispute, due_at, level),
            EvidenceStep::Submit => submit(draft, &order, &dispute, due_at),
            EvidenceStep::Missed => miss(draft, &order, dispute),
        }
    }

    /// Records what the time that had come was for (policy 8).
    fn judge_deadline(
        &self,
        draft: &mut Draft,
        order: &Order,
        dispute: &Dispute,
        due_at: Timestamp,
        step: EvidenceStep,
    ) {
        let policy = &self.book.for_order(order).disputes;
        let (verdict, what, level) = match step {
            EvidenceStep::Mediate(level) => {
                (OutcomeCode::MediationOverdue, "escalate", Some(level))
            }
            EvidenceStep::Remind(level) => (OutcomeCode::DeadlineNear, "remind", Some(level)),
            EvidenceStep::Submit => (OutcomeCode::DeadlineNear, "hand in what there is", None),
            EvidenceStep::Missed => {
                let level = Some(EscalationLevel::Operations);
                (OutcomeCode::DeadlineMissed, "escalate", level)
            }
        };
        let reminders: Vec<_> = policy.remind_before_due.iter().copied().map(written).collect();
        let inputs = vec![
            ("dispute", dispute.id.to_string()),
            ("step", what.to_owned()),
            ("level", level.map(|level| level.to_string()).unwrap_or_default()),
            ("evidence_due_at", due_at.to_string()),
            ("opened_at", dispute.opened_at.to_string()),
            ("remind_before_due", reminders.join(" and ")),
            ("submit_before_due", written(policy.submit_before_due)),
            ("mediation_sla", written(policy.mediation_sla)),
        ];
        draft.judge(PolicyKind::DisputeDeadline, verdict, &self.book, inputs);
    }

    /// Tells the next one in line that a deadline comes nearer.
    fn remind(
        &self,
        mut draft: Draft,
        order: &Order,
        dispute: &Dispute,
        due_at: Timestamp,
        level: EscalationLevel,
    ) -> Decision {
        let (provider, provider_ref) = dispute.at_provider();
        let body = Body::DisputeDeadlineApproaching {
            order_id: order.id,
            dispute_id: dispute.id,
            provider,
            provider_ref,
            due_at,
            hours_left: due_at.since(draft.now()).as_secs() / 3600,
            level,
        };
        draft.send(order.id, body);
        self.look_again(&mut draft, order, dispute, due_at);
        draft.touch();
        Decision::apply(draft.finish())
    }

    /// Tells the next one in line that nobody answered an inquiry (policy 8).
    fn escalate(
        &self,
        mut draft: Draft,
        order: &Order,
        dispute: &Dispute,
        due_at: Timestamp,
        level: EscalationLevel,
    ) -> Decision {
        let code = OutcomeCode::MediationOverdue;
        draft.send(order.id, escalated(order, dispute, code, level));
        self.look_again(&mut draft, order, dispute, due_at);
        draft.touch();
        Decision::apply(draft.finish())
    }

    /// A timer whose order is not known has no side effect, now or later (case 13).
    fn await_order(&self, deadline: &DisputeDeadline, moment: Moment) -> Decision {
        if moment.waited_out() {
            return Decision::orphan(Changes::default());
        }
        wait_for(self.book.everyone(), ParkKey::Order(deadline.order_id), moment)
    }
}

fn timer(deadline: &DisputeDeadline) -> (TimerKind, TimerOwner) {
    (TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(deadline.dispute_id))
}

/// Hands in what evidence there is, and looks again at the deadline itself.
fn submit(mut draft: Draft, order: &Order, dispute: &Dispute, due_at: Timestamp) -> Decision {
    hand_in(&mut draft, order, dispute, due_at, OutcomeCode::DeadlineNear, Vec::new());
    Decision::apply(draft.finish())
}

/// Says that the deadline passed; the provider's verdict is still awaited.
fn miss(mut draft: Draft, order: &Order, dispute: Dispute) -> Decision {
    draft.fire(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute.id));
    let (code, level) = (OutcomeCode::DeadlineMissed, EscalationLevel::Operations);
    let body = escalated(order, &dispute, code, level);
    draft.put_dispute(Dispute { deadline_missed: true, ..dispute }, None);
    draft.touch();
    draft.send(order.id, body);
    Decision::apply(draft.finish())
}

fn escalated(order: &Order, dispute: &Dispute, code: OutcomeCode, level: EscalationLevel) -> Body {
    let (provider, provider_ref) = dispute.at_provider();
    let (order_id, dispute_id) = (order.id, dispute.id);
    Body::DisputeEscalated { order_id, dispute_id, provider, provider_ref, code, level }
}
