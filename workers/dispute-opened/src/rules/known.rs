//! A dispute that is known already.
//!
//! Reports come in any order. A later stage outweighs an earlier one, within a stage a later
//! phase, and among decisions the newer one counts (cases 75 to 78), so the dispute and the
//! ledger end the same whatever came first.

use contracts::events::DisputeStage;
use domain::dispute::{Dispute, DisputePosition, DisputeStatus};
use domain::operations::open_case;
use domain::order::Order;
use domain::settlement::put_dispute;
use domain::{Decision, Draft, Money, MoneyError, OutcomeCode, Timestamp};

use super::DisputeRules;
use super::report::Report;

impl DisputeRules {
    /// Takes a report over, unless a weightier one came before.
    pub(super) fn progress(
        &self,
        mut draft: Draft,
        order: &Order,
        known: &Dispute,
        report: &Report<'_>,
    ) -> Result<Decision, MoneyError> {
        let fee = fee_so_far(known, report)?;
        let enriched = Dispute { fee, ..enriched(known, report) };
        let last = Weight::new(known.position, known.last_event_at);
        let this = Weight::new(report.position, report.at);
        if this <= last {
            let stale = this < last;
            let code = if stale { OutcomeCode::Stale } else { OutcomeCode::DuplicateFact };
            return remember(draft, order, known, enriched, code);
        }
        let heard = heard(enriched, report);
        let moves = heard.position.can_follow(Some(known.position));
        let awaits = heard.position.status == DisputeStatus::NeedsResponse;
        if moves || (awaits && heard.evidence_due_at != known.evidence_due_at) {
            self.put(&mut draft, order, Some(known), heard)?;
            if let Some(foreign) = report.foreign_fee() {
                open_case(&mut draft, order.id, OutcomeCode::CurrencyMismatch, foreign);
            }
            return Ok(Decision::apply(draft.finish()));
        }
        remember(draft, order, known, heard, OutcomeCode::DuplicateFact)
    }
}

/// How much a report counts; the weightiest one that came is what the dispute shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    stage: DisputeStage,
    phase: u8,
    at: Timestamp,
    rank: u8,
}

impl Weight {
    fn new(position: DisputePosition, at: Timestamp) -> Self {
        let rank = match position.status {
            DisputeStatus::NeedsResponse | DisputeStatus::UnderReview => 0,
            DisputeStatus::Withdrawn => 1,
            DisputeStatus::Won => 2,
            DisputeStatus::Accepted => 3,
            DisputeStatus::Lost => 4,
        };
        Self { stage: position.stage, phase: position.status.phase(), at, rank }
    }
}

/// The dispute with what it did not tell yet: its deadline, and what only its opening says, if
/// that comes after an update (case 82).
fn enriched(known: &Dispute, report: &Report<'_>) -> Dispute {
    let same_stage = report.position.stage == known.position.stage;
    let told = report.evidence_due_at.filter(|_| same_stage);
    let dispute = Dispute { evidence_due_at: known.evidence_due_at.or(told), ..known.clone() };
    if !is_late_opening(known, report) {
        return dispute;
    }
    let network_reason_code = report.network_reason_code.cloned();
    Dispute {
        opened_at: report.at,
        reason: report.reason.unwrap_or(known.reason),
        network_reason_code: network_reason_code.or(dispute.network_reason_code),
        ..dispute
    }
}

fn is_late_opening(known: &Dispute, report: &Report<'_>) -> bool {
    report.opening && report.at < known.opened_at
}

/// What the provider charged by now: once for each stage, and whichever event says so.
fn fee_so_far(known: &Dispute, report: &Report<'_>) -> Result<Money, MoneyError> {
    let (stage, known_stage) = (report.position.stage, known.position.stage);
    let of_an_earlier_stage = stage < known_stage && is_late_opening(known, report);
    let counts = stage > known_stage || known.fee.is_zero() || of_an_earlier_stage;
    let fee = report.fee().filter(|_| counts);
    fee.map_or(Ok(known.fee), |fee| known.fee.checked_add(fee))
}

/// The dispute as a report shows it; a new stage has its own deadline (case 75).
///
/// Within a stage only updates move the deadline: a second opening is the first one again.
fn heard(known: Dispute, report: &Report<'_>) -> Dispute {
    let position = report.position;
    let same_stage = position.stage == known.position.stage;
    let told = report.evidence_due_at.filter(|_| !(same_stage && report.opening));
    let evidence_due_at = told.or(known.evidence_due_at.filter(|_| same_stage));
    let same_deadline = same_stage && evidence_due_at == known.evidence_due_at;
    Dispute {
        position,
        evidence_due_at,
        evidence_submitted_at: known.evidence_submitted_at.filter(|_| same_stage),
        deadline_missed: known.deadline_missed && same_deadline,
        closed_at: position.status.is_closed().then_some(report.at),
        last_event_at: report.at,
        ..known
    }
}

/// Keeps what a report says beyond the dispute's position; a fee among it is money.
fn remember(
    mut draft: Draft,
    order: &Order,
    known: &Dispute,
    dispute: Dispute,
    code: OutcomeCode,
) -> Result<Decision, MoneyError> {
    if dispute == *known {
        return Ok(Decision::noop(code));
    }
    put_dispute(&mut draft, order, dispute, None)?;
    Ok(Decision::noop_with(code, draft.finish()))
}
