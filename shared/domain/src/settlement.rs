//! Moving refunds, disputes and money without an order together with their transfers.
//!
//! The ledger follows the rows: the same rows have the same balances, however they came about,
//! so reports on money may arrive in any order. Corrections are new transfers, never edits.

mod funds;
mod legs;
mod unapplied;

pub use funds::{double_loss, held_in, refundable_from, returnable};
pub use unapplied::{
    apply_unapplied, order_unapplied_refund_again, put_unapplied_refund, refund_unapplied,
    write_unapplied_off,
};

use contracts::{AttemptId, Money, MoneyError};

use crate::changes::Draft;
use crate::decision::OutcomeCode;
use crate::dispute::{Dispute, DisputeMoney};
use crate::ledger::{Account, JournalCode, Leg};
use crate::order::Order;
use crate::refund::{Refund, RefundMoney};

/// Writes a refund and posts what its change of status moves (cases 63 and 64).
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn put_refund(
    draft: &mut Draft,
    order: &Order,
    refund: Refund,
    reason: Option<OutcomeCode>,
) -> Result<(), MoneyError> {
    let known = draft.state().refund(refund.id);
    let from = known.map_or(RefundMoney::Untouched, |known| known.status.money());
    let (id, attempt_id, to) = (refund.id, refund.attempt_id, refund.status.money());
    let legs = legs::of_refund(refund.funded_from, refund.amount, from, to);
    draft.put_refund(refund, reason);
    draft.post(id, legs);
    attempt_id.map_or(Ok(()), |attempt_id| rebook_losses(draft, order, attempt_id))
}

/// Writes a dispute and posts what its change of position moves, and a fee that was added to it.
///
/// What is lost comes out of the buyer's funds as far as they reach (cases 72 and 73).
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn put_dispute(
    draft: &mut Draft,
    order: &Order,
    dispute: Dispute,
    reason: Option<OutcomeCode>,
) -> Result<(), MoneyError> {
    let nothing = Money::zero(order.total.currency());
    let known = draft.state().dispute(dispute.id);
    let from = known.map_or(DisputeMoney::Untouched, |known| known.position.money());
    let (booked_loss, paid_fee) = known.map_or((nothing, nothing), |known| (known.loss, known.fee));
    let (id, attempt_id, to) = (dispute.id, dispute.attempt_id, dispute.position.money());
    let fee = dispute.fee.saturating_sub(paid_fee)?;
    let newly_lost = from < to && to == DisputeMoney::Lost;
    let uncovered =
        if newly_lost { funds::uncovered(draft.state(), order, &dispute)? } else { booked_loss };
    let legs = legs::of_dispute(dispute.amount, uncovered, from, to)?;
    let loss = if to == DisputeMoney::Lost { uncovered } else { nothing };
    draft.put_dispute(Dispute { loss, ..dispute }, reason);
    draft.post(id, legs.into_iter().chain([legs::dispute_fee(fee)]));
    rebook_losses(draft, order, attempt_id)
}

/// Books the losses of an attempt's disputes anew, after its other money has moved.
///
/// A refund that fails after a dispute was lost frees money that covers the loss, and so on.
///
/// # Errors
/// When a sum of the order's money is larger than any amount accepted.
pub fn rebook_losses(
    draft: &mut Draft,
    order: &Order,
    attempt_id: AttemptId,
) -> Result<(), MoneyError> {
    for dispute in funds::lost_disputes(draft.state(), attempt_id) {
        let loss = funds::uncovered(draft.state(), order, &dispute)?;
        if dispute.loss == loss {
            continue;
        }
        let further = Leg {
            code: JournalCode::DisputeLost,
            debit: Account::DisputeLosses,
            credit: Account::CustomerFunds,
            amount: loss.saturating_sub(dispute.loss)?,
        };
        let returned = Leg {
            code: JournalCode::DisputeLossReversed,
            debit: Account::CustomerFunds,
            credit: Account::DisputeLosses,
            amount: dispute.loss.saturating_sub(loss)?,
        };
        draft.post(dispute.id, [further, returned]);
        draft.put_dispute(Dispute { loss, ..dispute }, None);
    }
    Ok(())
}
