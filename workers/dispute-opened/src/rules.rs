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
use domain::operations::{open_case, orphan, quarantine, wait_for};
use domain::order::Order;
use domain::unapplied::{Resolution, UnappliedMoney};
use domain::{
    Decision, Draft, Moment, MoneyError, OrderId, OrderState, OutcomeCode, ParkKey, PolicyBook,
    Rules,
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

    /// Waits for the order or payment that a report is about (cases 24, 25 and 83).
    ///
    /// A person is told once that it did not come, and the report waits on: a chargeback is there
    /// whether its payment is known or not, and is joined with it whenever it comes.
    fn await_payment(
        &self,
        mut draft: Draft,
        key: ParkKey,
        report: &Report<'_>,
        moment: Moment,
    ) -> Decision {
        tell_of_refund(&mut draft, report, moment);
        let last = report.at.plus(self.book.everyone().disputed_payment_wait);
        if !moment.waited_out() {
            let Decision { outcome, .. } = wait_for(self.book.everyone(), key, moment);
            return Decision { outcome, changes: draft.finish() };
        }
        if last <= moment.now {
            return give_up(draft, report.order_id, report.reference());
        }
        tell_a_person(&mut draft, report.order_id, report.reference());
        Decision::park_with(key, last, draft.finish())
    }

    /// Waits a while for what a report on a known payment lacks.
    ///
    /// It may have waited for the payment before, and then has much time left.
    fn wait_shortly(&self, key: ParkKey, moment: Moment) -> Decision {
        let end = moment.now.plus(self.book.everyone().park_ttl);
        Decision::park(key, moment.parked_until.map_or(end, |until| until.min(end)))
    }

    /// Waits for what evidence or a decision is about; a person must look when that never comes.
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
        give_up(draft, named, reference)
    }
}

/// Leaves an event to a person whose parent never came.
fn give_up(draft: Draft, named: Option<OrderId>, reference: String) -> Decision {
    let order_id = order_of_case(&draft, named);
    orphan(draft, order_id, reference)
}

/// Tells a person of an event whose parent did not come yet.
fn tell_a_person(draft: &mut Draft, named: Option<OrderId>, reference: String) {
    let order_id = order_of_case(draft, named);
    open_case(draft, order_id, OutcomeCode::Orphaned, reference);
}

/// A dispute may name neither an order nor a payment that we know; its case has no order.
fn order_of_case(draft: &Draft, named: Option<OrderId>) -> OrderId {
    let known = draft.state().order.as_ref().map(|order| order.id);
    known.or(named).unwrap_or(OrderId::from(Uuid::nil()))
}

/// Tells a person, once, that disputed money without an order is on its way back already (case 70).
fn tell_of_refund(draft: &mut Draft, report: &Report<'_>, moment: Moment) {
    let takes_money = report.position.holds_money() && moment.parked_until.is_none();
    let is_meant = |money: &&UnappliedMoney| {
        let same = report.payment_ref == Some(&money.provider_ref);
        same && money.provider == *report.provider
    };
    let sent_back =
        |money: &&UnappliedMoney| money.resolution() == Some(Resolution::Refunded) && takes_money;
    let mut meant = draft.state().unapplied.iter().filter(is_meant).filter(sent_back);
    if let Some(money) = meant.next().cloned() {
        let code = OutcomeCode::AlreadyRefunded;
        open_case(draft, money.claimed_order, code, money.id.to_string());
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
            return self.await_payment(draft(), key(), &report, moment);
        };
        self.take(draft(), order, &report, moment).unwrap_or_else(|sum_too_large| {
            quarantine(draft(), order.id, sum_too_large.into(), report.reference())
        })
    }
}
