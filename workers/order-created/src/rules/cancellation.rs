//! A wish to cancel an order.

use contracts::MoneyError;
use contracts::events::OrderCancelRequested;
use domain::operations::{close_order, held_capture, orphan, return_held, wait_for};
use domain::order::{Order, OrderStatus};
use domain::{Decision, Draft, Moment, OutcomeCode, ParkKey};

use super::OrderRules;

impl OrderRules {
    /// Waits for the order that is to be cancelled.
    pub(super) fn await_order(
        &self,
        draft: Draft,
        request: &OrderCancelRequested,
        moment: Moment,
    ) -> Decision {
        if moment.waited_out() {
            return orphan(draft, request.order_id, request.order_id.to_string());
        }
        wait_for(self.book.everyone(), ParkKey::Order(request.order_id), moment)
    }
}

/// Cancels an order that is not paid; payments under way are dealt with when they come (case 84).
pub(super) fn cancel(
    mut draft: Draft,
    known: &Order,
    request: &OrderCancelRequested,
) -> Result<Decision, MoneyError> {
    Ok(match known.status {
        OrderStatus::PendingPayment => {
            let (to, code) = (OrderStatus::Cancelled, OutcomeCode::CancelRequested);
            close_order(&mut draft, to, request.actor.into(), code)?;
            Decision::apply(draft.finish())
        }
        // Money that is ours goes back by a refund, which somebody has to decide on (case 85).
        OrderStatus::Paid => Decision::reject(OutcomeCode::AlreadyPaid),
        OrderStatus::Expired if held_capture(draft.state()).is_some() => {
            // Nobody wants it reinstated any more: its late money goes back (case 87).
            return_held(&mut draft, known)?;
            Decision::noop_with(OutcomeCode::AlreadyClosed, draft.finish())
        }
        OrderStatus::Expired | OrderStatus::Cancelled => Decision::noop(OutcomeCode::AlreadyClosed),
    })
}
