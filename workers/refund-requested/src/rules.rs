//! What wishes for refunds, and reports on them, do to an order.

mod allocation;
mod closing;
mod elsewhere;
mod held;
mod recording;
mod report;
mod request;
mod review;
mod reviewed;
mod unanswered;
mod unapplied;

use contracts::Envelope;
use contracts::events::{RefundEvent, RefundRequested, RefundUpdated};
use domain::message::Body;
use domain::operations::{orphan, quarantine, wait_for};
use domain::order::Order;
use domain::{
    Changes, Decision, Draft, Moment, MoneyError, OrderId, OrderState, OutcomeCode, ParkKey,
    PolicyBook, Rules,
};

/// Decides on refunds, and follows them to their end.
#[derive(Clone, Debug)]
pub struct RefundRules {
    book: PolicyBook,
}

impl RefundRules {
    /// Rules with these choices of the shops.
    pub fn new(book: impl Into<PolicyBook>) -> Self {
        Self { book: book.into() }
    }

    /// Waits for the order; the one who asked is told when it never comes (case 25).
    fn await_requested(
        &self,
        mut draft: Draft,
        request: &RefundRequested,
        moment: Moment,
    ) -> Decision {
        let order_id = request.order_id;
        if !moment.waited_out() {
            return wait_for(self.book.everyone(), ParkKey::Order(order_id), moment);
        }
        let (request_key, code) = (request.request_key.clone(), OutcomeCode::Orphaned);
        draft.send(order_id, Body::RefundRejected { order_id, request_key, code });
        Decision::orphan(draft.finish())
    }

    /// Waits for the order; money that left for an unknown one needs a person (case 25).
    fn await_reported(&self, draft: Draft, update: &RefundUpdated, moment: Moment) -> Decision {
        if !moment.waited_out() {
            return wait_for(self.book.everyone(), ParkKey::Order(update.order_id), moment);
        }
        orphan(draft, update.order_id, report::reference(update))
    }

    /// Waits for the order; a review of what was never asked for comes to nothing (case 13).
    fn await_reviewed(&self, order_id: OrderId, moment: Moment) -> Decision {
        if moment.waited_out() {
            return Decision::orphan(Changes::default());
        }
        wait_for(self.book.everyone(), ParkKey::Order(order_id), moment)
    }

    fn decide_known(
        &self,
        draft: Draft,
        order: &Order,
        event: &RefundEvent,
        moment: Moment,
    ) -> Result<Decision, MoneyError> {
        match event {
            RefundEvent::Requested(request) => self.judge(draft, order, request, moment),
            RefundEvent::Updated(update) => self.follow(draft, order, update),
            RefundEvent::Reviewed(review) => self.decide_review(draft, order, review),
            RefundEvent::ReviewDue(due) => Ok(self.fall_due(draft, order, due)),
        }
    }
}

impl Rules for RefundRules {
    type Event = RefundEvent;

    fn book(&self) -> &PolicyBook {
        &self.book
    }

    fn decide(
        &self,
        state: &OrderState,
        message: &Envelope<RefundEvent>,
        moment: Moment,
    ) -> Decision {
        let patience = self.book.patience(state);
        let draft = || Draft::new(state, message, moment.now).waiting(patience);
        if let RefundEvent::Updated(update) = &message.event
            && let Some(money) = unapplied::find(state, update)
        {
            return self.follow_unapplied(draft(), money, update);
        }
        if let RefundEvent::ReviewDue(due) = &message.event
            && let Some(theirs) = unapplied::unanswered(state, due.refund_id)
        {
            return unapplied::ask_again(draft(), &theirs, due);
        }
        match (&state.order, &message.event) {
            (None, RefundEvent::Requested(request)) => {
                self.await_requested(draft(), request, moment)
            }
            (None, RefundEvent::Updated(update)) => self.await_reported(draft(), update, moment),
            (None, RefundEvent::Reviewed(review)) => self.await_reviewed(review.order_id, moment),
            (None, RefundEvent::ReviewDue(due)) => self.await_reviewed(due.order_id, moment),
            (Some(order), event) => {
                let decision = self.decide_known(draft(), order, event, moment);
                decision.unwrap_or_else(|sum_too_large| {
                    quarantine(draft(), order.id, sum_too_large.into(), order.id.to_string())
                })
            }
        }
    }
}
