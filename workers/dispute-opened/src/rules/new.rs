//! A dispute that is new to us.

use contracts::events::DisputeReason;
use domain::dispute::Dispute;
use domain::operations::{open_case, watch_customer};
use domain::order::Order;
use domain::payment::Attempt;
use domain::{Decision, Draft, Moment, Money, MoneyError, OutcomeCode, ParkKey};

use super::DisputeRules;
use super::report::Report;

impl DisputeRules {
    /// Opens a dispute in whichever position it is reported (case 82), over captured money.
    ///
    /// An update alone opens one only if it says what is disputed, and until when it may be
    /// answered; else it waits for the opening.
    pub(super) fn open(
        &self,
        mut draft: Draft,
        order: &Order,
        report: &Report<'_>,
        moment: Moment,
    ) -> Result<Decision, MoneyError> {
        let (provider, dispute_ref) = (report.provider.clone(), report.provider_ref.clone());
        let opening = ParkKey::Dispute { provider, dispute_ref };
        let told = report.original.or(report.amount);
        let Some((payment_ref, told)) = report.payment_ref.zip(told) else {
            return Ok(self.await_payment(draft, opening, report, moment));
        };
        let Some(attempt) = draft.state().attempt_by_ref(report.provider, payment_ref).cloned()
        else {
            let (provider, payment_ref) = (report.provider.clone(), payment_ref.clone());
            let payment = ParkKey::Payment { provider, payment_ref };
            return Ok(self.await_payment(draft, payment, report, moment));
        };
        let captured = draft.state().captured(order, attempt.id)?;
        if !moment.waited_out() {
            if captured.is_zero() {
                return Ok(self.wait_shortly(ParkKey::Capture(order.id), moment));
            }
            if !report.opening && report.lacks_deadline() {
                return Ok(self.wait_shortly(opening, moment));
            }
        }
        // In another currency all that the payment brought is at stake until somebody knows better.
        let whole = if captured.is_zero() { attempt.amount } else { captured };
        let amount = if report.original.is_some() { whole } else { told };
        let dispute = image(&mut draft, order, &attempt, amount, report);
        self.put(&mut draft, order, None, dispute)?;
        if let Some(foreign) = report.foreign() {
            open_case(&mut draft, order.id, OutcomeCode::CurrencyMismatch, foreign);
        }
        watch_customer(&mut draft, order, &self.book);
        Ok(Decision::apply(draft.finish()))
    }
}

fn image(
    draft: &mut Draft,
    order: &Order,
    attempt: &Attempt,
    amount: Money,
    report: &Report<'_>,
) -> Dispute {
    let nothing = Money::zero(order.total.currency());
    Dispute {
        id: report.dispute_id.unwrap_or_else(|| draft.next_id()),
        provider: report.provider.clone(),
        provider_ref: report.provider_ref.clone(),
        attempt_id: attempt.id,
        amount,
        original: report.original,
        fee: report.fee().unwrap_or(nothing),
        loss: nothing,
        position: report.position,
        reason: report.reason.unwrap_or(DisputeReason::General),
        network_reason_code: report.network_reason_code.cloned(),
        evidence_due_at: report.evidence_due_at,
        evidence_submitted_at: None,
        mediated_for: None,
        deadline_missed: false,
        opened_at: report.at,
        closed_at: report.position.status.is_closed().then_some(report.at),
        last_event_at: report.at,
    }
}
