//! A wish to cancel an order.

use contracts::MoneyError;
use contracts::events::OrderCancelRequested;
use domain::judgement::PolicyKind;
use domain::operations::{close_order, held_capture, orphan, return_held, wait_for};
use domain::order::{CloseReason, Order, OrderStatus};
use domain::{Decision, Draft, Moment, OutcomeCode, ParkKey, PolicyBook};

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
///
/// A paid one is cancelled if its shop lets who asks do so: what is still there of its money goes
/// back.
pub(super) fn cancel(
    mut draft: Draft,
    known: &Order,
    request: &OrderCancelRequested,
    book: &PolicyBook,
) -> Result<Decision, MoneyError> {
    let allowed = book.for_order(known).cancellation.paid_orders;
    let paid_too = allowed.allows(request.actor);
    if known.status == OrderStatus::Paid && paid_too {
        let reason = CloseReason::from(request.actor);
        let inputs = vec![("asked_by", reason.to_string()), ("paid_orders", allowed.to_string())];
        draft.judge(PolicyKind::Cancellation, OutcomeCode::CancelRequested, book, inputs);
    }
    Ok(match known.status {
        // Money that is ours goes back by a refund, which somebody has to decide on (case 85).
        OrderStatus::Paid if !paid_too => Decision::reject(OutcomeCode::AlreadyPaid),
        OrderStatus::PendingPayment | OrderStatus::Paid => {
            let (to, code) = (OrderStatus::Cancelled, OutcomeCode::CancelRequested);
            close_order(&mut draft, to, request.actor.into(), code)?;
            Decision::apply(draft.finish())
        }
        OrderStatus::Expired if held_capture(draft.state()).is_some() => {
            // Nobody wants it reinstated any more: its late money goes back (case 87).
            return_held(&mut draft, known)?;
            Decision::noop_with(OutcomeCode::AlreadyClosed, draft.finish())
        }
        OrderStatus::Expired | OrderStatus::Cancelled => Decision::noop(OutcomeCode::AlreadyClosed),
    })
}
