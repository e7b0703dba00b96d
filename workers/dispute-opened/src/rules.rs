//! What disputes, reports on them and their deadlines do to an order.

mod announcing;
mod deadline;
mod evidence;
mod known;
mod mediation;
mod new;
mod report;

use contracts::events::DisputeEvent;
use contracts::{Envelope, Event};
use domain::operations::{orphan, quarantine, wait_for};
use domain::order::Order;
use domain::{
    Decision, Draft, Moment, MoneyError, OrderId, OrderState, ParkKey, PolicyBook, Rules,
};
use uuid::Uuid;

use report::Report;

/// Opens disputes, watches their deadlines, and follows them to their end.
#[derive(Clone, Debug)]
pub struct DisputeRules {
    book: PolicyBook,
}

impl DisputeRules {
    /// Rules with these choices of the shops.
    pub fn new(book: impl Into<PolicyBook>) -> Self {
        Self { book: book.into() }
    }

    /// What a provider says of a dispute, whichever of its events says it.
    fn take(
        &self,
        draft: Draft,
        order: &Order,
        report: &Report<'_>,
        moment: Moment,
    ) -> Result<Decision, MoneyError> {
        let report = report.with_default_of(&self.book.for_order(order).disputes);
        let report = &report.sorted_by(order.total.currency());
        match report.find(draft.state()) {
            Err(code) => Ok(quarantine(draft, order.id, code, report.reference())),
            Ok(None) => self.open(draft, order, report, moment),
            Ok(Some(known)) => {
                let known = known.clone();
                self.progress(draft, order, &known, report)
            }
        }
    }

    /// Waits for what a report rests on; a person must look when that never comes (cases 25, 83).
    fn wait(
        &self,
        draft: Draft,
        key: ParkKey,
        named: Option<OrderId>,
        reference: String,
        moment: Moment,
    ) -> Decision {
        if !moment.waited_out() {
            return wait_for(self.book.everyone(), key, moment);
        }
        let known = draft.state().order.as_ref().map(|order| order.id);
        // A dispute may name neither an order nor a payment that we know; its case has no order.
        let order_id = known.or(named).unwrap_or(OrderId::from(Uuid::nil()));
        orphan(draft, order_id, reference)
    }
}

impl Rules for DisputeRules {
    type Event = DisputeEvent;

    fn book(&self) -> &PolicyBook {
        &self.book
    }

    fn decide(
        &self,
        state: &OrderState,
        message: &Envelope<DisputeEvent>,
        moment: Moment,
    ) -> Decision {
        let patience = self.book.patience(state);
        let draft = || Draft::new(state, message, moment.now).waiting(patience);
        let key = || message.event.order_ref().into();
        let report = match &message.event {
            DisputeEvent::Evidence(evidence) => {
                let Some(order) = &state.order else {
                    let reference = evidence::reference(evidence);
                    return self.wait(draft(), key(), evidence.order_id, reference, moment);
                };
                return self.take_evidence(draft(), order, evidence, moment);
            }
            DisputeEvent::Mediated(mediated) => {
                let reference = mediation::reference(mediated);
                let Some(order) = &state.order else {
                    return self.wait(draft(), key(), mediated.order_id, reference, moment);
                };
                let decided = self.take_decision(draft(), order, mediated, moment);
                return decided.unwrap_or_else(|sum_too_large| {
                    quarantine(draft(), order.id, sum_too_large.into(), reference)
                });
            }
            DisputeEvent::Deadline(deadline) => return self.fall_due(draft(), deadline, moment),
            DisputeEvent::Opened(opened) => Report::opening(opened),
            DisputeEvent::Updated(updated) => Report::update(updated),
        };
        let report = report.with_clock(self.book.everyone(), moment.now);
        let Some(order) = &state.order else {
            return self.wait(draft(), key(), report.order_id, report.reference(), moment);
        };
        self.take(draft(), order, &report, moment).unwrap_or_else(|sum_too_large| {
            quarantine(draft(), order.id, sum_too_large.into(), report.reference())
        })
    }
}
