//! What an order's own events do to it.

mod cancellation;
mod consent;
mod opening;
mod restricted;
mod revision;

use contracts::Envelope;
use contracts::events::OrderEvent;
use domain::operations::quarantine;
use domain::{Decision, Draft, Moment, OrderState, PolicyBook, Rules};

/// Opens, revises and cancels orders.
#[derive(Clone, Debug)]
pub struct OrderRules {
    book: PolicyBook,
}

impl OrderRules {
    /// Rules with these choices of the shops.
    pub fn new(book: impl Into<PolicyBook>) -> Self {
        Self { book: book.into() }
    }
}

impl Rules for OrderRules {
    type Event = OrderEvent;

    fn book(&self) -> &PolicyBook {
        &self.book
    }

    fn decide(
        &self,
        state: &OrderState,
        message: &Envelope<OrderEvent>,
        moment: Moment,
    ) -> Decision {
        let patience = self.book.patience(state);
        let draft = || Draft::new(state, message, moment.now).waiting(patience);
        match (&message.event, &state.order) {
            (OrderEvent::Created(created), None) => {
                self.open(draft(), created).unwrap_or_else(|error| {
                    quarantine(
                        draft(),
                        created.order_id,
                        error.into(),
                        created.order_id.to_string(),
                    )
                })
            }
            (OrderEvent::Created(created), Some(known)) => self.revise(draft(), known, created),
            (OrderEvent::ConsentWithdrawn(event), None) => self.await_customer(event, moment),
            (OrderEvent::ConsentWithdrawn(event), Some(known)) => {
                self.withdraw(draft(), known, event)
            }
            (OrderEvent::CancelRequested(request), None) => {
                self.await_order(draft(), request, moment)
            }
            (OrderEvent::CancelRequested(request), Some(known)) => {
                cancellation::cancel(draft(), known, request, &self.book).unwrap_or_else(|error| {
                    quarantine(draft(), known.id, error.into(), known.id.to_string())
                })
            }
        }
    }
}
