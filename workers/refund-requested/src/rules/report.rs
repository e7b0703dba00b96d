//! What a provider reports on a refund.
//!
//! Reports come in any order. The provider's last words (it succeeded, failed, was cancelled or
//! taken back) outweigh its progress reports, and among equals the later one counts, so the
//! refund and the ledger end the same whatever came first.

use contracts::events::{RefundResult, RefundUpdated};
use domain::ledger::Account;
use domain::message::Body;
use domain::operations::{clamp_skew, open_case, quarantine};
use domain::order::Order;
use domain::refund::{Refund, RefundMoney, RefundStatus};
use domain::settlement::{double_loss, put_refund, refundable_from};
use domain::{Decision, Draft, Money, MoneyError, OrderState, OutcomeCode, Timestamp};

use super::{RefundRules, elsewhere};

impl RefundRules {
    /// Takes a report over, unless a weightier one came before.
    pub(super) fn follow(
        &self,
        draft: Draft,
        order: &Order,
        update: &RefundUpdated,
    ) -> Result<Decision, MoneyError> {
        let known = match find(draft.state(), update) {
            Ok(refund) => refund.clone(),
            Err(OutcomeCode::UnknownRefund) => {
                let code = OutcomeCode::UnknownRefund;
                return match elsewhere::made(draft.state(), order, update) {
                    Some(made) => self.record_made(draft, order, made, update),
                    None => Ok(quarantine(draft, order.id, code, reference(update))),
                };
            }
            Err(code) => return Ok(quarantine(draft, order.id, code, reference(update))),
        };
        let (at, _ahead) = clamp_skew(self.book.everyone(), update.occurred_at, draft.now());
        let reversed = was_reversed(&known);
        let last = Weight::of_last_report(known.status, reversed, known.last_event_at);
        let this = Weight::new(update.status, at);
        let provider_ref = known.provider_ref.clone().or_else(|| update.provider_ref.clone());
        let named = Refund { provider_ref, ..known.clone() };
        if last.is_some_and(|last| this <= last) {
            let stale = last > Some(this);
            let code = if stale { OutcomeCode::Stale } else { OutcomeCode::DuplicateFact };
            return Ok(remember(draft, &known, named, code));
        }
        let heard = heard(named, update.status, at);
        if !heard.status.can_follow(Some(known.status)) {
            return Ok(remember(draft, &known, heard, OutcomeCode::DuplicateFact));
        }
        let from = known.status.money();
        let takes_anew =
            from == RefundMoney::Untouched && heard.status.money() == RefundMoney::Gone;
        let excessive = takes_anew && exceeds(&draft, order, &heard)?;
        self.change(draft, order, from, heard, excessive)
    }

    /// Moves the refund on with its money, and says so; whether it takes what is not there, too.
    pub(super) fn change(
        &self,
        mut draft: Draft,
        order: &Order,
        from: RefundMoney,
        heard: Refund,
        excessive: bool,
    ) -> Result<Decision, MoneyError> {
        let to = heard.status.money();
        let done = to == RefundMoney::Gone && from != RefundMoney::Gone;
        let undone = to == RefundMoney::Untouched && from != RefundMoney::Untouched;
        let code = if excessive { Some(OutcomeCode::ExceedsRefundable) } else { heard.code };
        let refund = Refund { code, ..heard };
        put_refund(&mut draft, order, refund.clone(), code)?;
        if done {
            announce_success(&mut draft, order, &refund);
        }
        if undone {
            announce_failure(&mut draft, order, from, &refund);
        }
        if excessive {
            announce_excess(&mut draft, order, &refund)?;
        }
        if done {
            self.close_if_all_is_back(&mut draft, order)?;
        }
        Ok(Decision::apply(draft.finish()))
    }
}

/// What a report is called when somebody must look for it.
pub(super) fn reference(update: &RefundUpdated) -> String {
    let id = update.refund_id.map(|id| id.to_string());
    let provider_ref = update.provider_ref.as_ref().map(ToString::to_string);
    id.or(provider_ref).unwrap_or_default()
}

/// The refund that a report is about, if it is one that we ordered and the facts agree.
fn find<'a>(state: &'a OrderState, update: &RefundUpdated) -> Result<&'a Refund, OutcomeCode> {
    let reported = update.provider_ref.as_ref();
    let has_ref = |refund: &&Refund| reported.is_some() && refund.provider_ref.as_ref() == reported;
    let by_ref = state.refunds.iter().find(has_ref);
    let by_id = update.refund_id.and_then(|id| state.refund(id));
    if by_ref.zip(update.refund_id).is_some_and(|(refund, id)| refund.id != id) {
        return Err(OutcomeCode::FactConflict);
    }
    let refund = by_id.or(by_ref).filter(|refund| was_ordered(refund.status));
    let refund = refund.ok_or(OutcomeCode::UnknownRefund)?;
    let other_amount = update.amount.is_some_and(|amount| amount != refund.amount);
    let other_ref = reported.zip(refund.provider_ref.as_ref()).is_some_and(|(a, b)| a != b);
    if other_amount || other_ref { Err(OutcomeCode::FactConflict) } else { Ok(refund) }
}

/// Whether a provider can know of the refund from us.
fn was_ordered(status: RefundStatus) -> bool {
    match status {
        RefundStatus::PendingReview | RefundStatus::Rejected => false,
        RefundStatus::Approved
        | RefundStatus::Submitted
        | RefundStatus::RequiresAction
        | RefundStatus::Succeeded
        | RefundStatus::Failed
        | RefundStatus::Cancelled => true,
    }
}

/// How much a report counts; the weightiest one that came is what the refund shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Weight {
    last_word: bool,
    at: Timestamp,
    rank: u8,
}

impl Weight {
    pub(super) fn new(result: RefundResult, at: Timestamp) -> Self {
        let rank = match result {
            RefundResult::Submitted => 0,
            RefundResult::RequiresAction => 1,
            RefundResult::Cancelled => 2,
            RefundResult::Failed => 3,
            RefundResult::Succeeded => 4,
            RefundResult::Reversed => 5,
        };
        Self { last_word: RefundStatus::from(result).is_decided(), at, rank }
    }

    /// The weight of what the refund shows; none if its provider has said nothing yet.
    pub(super) fn of_last_report(
        status: RefundStatus,
        reversed: bool,
        at: Timestamp,
    ) -> Option<Self> {
        let result = match status {
            RefundStatus::PendingReview | RefundStatus::Approved | RefundStatus::Rejected => None,
            RefundStatus::Submitted => Some(RefundResult::Submitted),
            RefundStatus::RequiresAction => Some(RefundResult::RequiresAction),
            RefundStatus::Succeeded => Some(RefundResult::Succeeded),
            RefundStatus::Cancelled => Some(RefundResult::Cancelled),
            RefundStatus::Failed if reversed => Some(RefundResult::Reversed),
            RefundStatus::Failed => Some(RefundResult::Failed),
        };
        result.map(|result| Self::new(result, at))
    }
}

fn was_reversed(refund: &Refund) -> bool {
    refund.code == Some(OutcomeCode::RefundReversed)
}

/// The refund as a report shows it.
fn heard(known: Refund, result: RefundResult, at: Timestamp) -> Refund {
    let status = RefundStatus::from(result);
    let code = match result {
        RefundResult::Reversed => Some(OutcomeCode::RefundReversed),
        RefundResult::Succeeded if known.status == status => known.code,
        RefundResult::Submitted
        | RefundResult::RequiresAction
        | RefundResult::Succeeded
        | RefundResult::Failed
        | RefundResult::Cancelled => None,
    };
    let settled_at = (status == RefundStatus::Succeeded).then_some(at);
    Refund { status, code, settled_at, last_event_at: at, held_until: None, ..known }
}

/// Keeps what a report says beyond the refund's status: its time, and the provider's reference.
fn remember(mut draft: Draft, known: &Refund, refund: Refund, code: OutcomeCode) -> Decision {
    if refund == *known {
        return Decision::noop(code);
    }
    draft.put_refund(refund, None);
    draft.touch();
    Decision::noop_with(code, draft.finish())
}

/// Whether a success after a failure takes money that something else holds by now.
pub(super) fn exceeds(draft: &Draft, order: &Order, refund: &Refund) -> Result<bool, MoneyError> {
    let Some(attempt_id) = refund.attempt_id else { return Ok(false) };
    let free = refundable_from(draft.state(), order, attempt_id, refund.funded_from)?;
    Ok(refund.amount.minor() > free.minor())
}

fn announce_success(draft: &mut Draft, order: &Order, refund: &Refund) {
    let (order_id, refund_id, amount) = (order.id, refund.id, refund.amount);
    draft.send(order_id, Body::RefundSucceeded { order_id, refund_id, amount });
}

/// Says that the money is with us again; some of it may not stay, or was thought to be gone.
fn announce_failure(draft: &mut Draft, order: &Order, from: RefundMoney, refund: &Refund) {
    let (order_id, refund_id, amount) = (order.id, refund.id, refund.amount);
    let reversed = from == RefundMoney::Gone || was_reversed(refund);
    draft.send(order_id, Body::RefundFailed { order_id, refund_id, amount, reversed });
    let must_go = refund.funded_from == Account::Suspense || order.status.is_closed();
    if reversed {
        open_case(draft, order_id, OutcomeCode::RefundReversed, refund_id.to_string());
    } else if must_go {
        open_case(draft, order_id, OutcomeCode::RefundFailed, refund_id.to_string());
    }
}

/// Says that more went back than was there, and whom else the money belongs to (case 70).
fn announce_excess(draft: &mut Draft, order: &Order, refund: &Refund) -> Result<(), MoneyError> {
    let code = OutcomeCode::ExceedsRefundable;
    open_case(draft, order.id, code, refund.id.to_string());
    let Some(attempt_id) = refund.attempt_id else { return Ok(()) };
    let nothing = Money::zero(order.total.currency());
    let excess = double_loss(draft.state(), order, attempt_id, nothing)?;
    let mut of_attempt = draft.state().disputes.iter().filter(|d| d.attempt_id == attempt_id);
    let dispute = of_attempt.find(|d| d.position.holds_money()).cloned();
    if let Some((dispute, excess)) = dispute.zip(excess) {
        draft.send(order.id, Body::double_loss(order.id, &dispute, excess));
    }
    Ok(())
}
