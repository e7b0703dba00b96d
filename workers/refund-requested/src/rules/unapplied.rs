//! What a provider reports on a refund of money that fits no order.

use contracts::RefundId;
use contracts::events::{RefundResult, RefundReviewDue, RefundUpdated};
use domain::message::Body;
use domain::operations::{clamp_skew, open_case, quarantine};
use domain::policy::UnappliedPolicy;
use domain::refund::{RefundMoney, RefundStatus};
use domain::settlement::{order_unapplied_refund_again, put_unapplied_refund};
use domain::timer::{TimerKind, TimerOwner};
use domain::unapplied::{MoneyRefund, Resolution, UnappliedMoney};
use domain::{Decision, Draft, OrderState, OutcomeCode};

use super::RefundRules;
use super::report::{Weight, reference};

/// The money whose refund a report is about.
pub(super) fn find<'a>(
    state: &'a OrderState,
    update: &RefundUpdated,
) -> Option<&'a UnappliedMoney> {
    let is_meant = |refund: &MoneyRefund| match update.refund_id {
        Some(id) => id == refund.id,
        None => update.provider_ref.is_some() && update.provider_ref == refund.provider_ref,
    };
    state.unapplied.iter().find(|money| money.refund.as_ref().is_some_and(is_meant))
}

/// The money whose refund is this one, while it is its provider's turn.
pub(super) fn unanswered(
    state: &OrderState,
    id: RefundId,
) -> Option<(UnappliedMoney, MoneyRefund)> {
    let theirs =
        |refund: &MoneyRefund| refund.id == id && refund.status.money() == RefundMoney::Reserved;
    let refunds = state.unapplied.iter().filter_map(|money| {
        money.refund.as_ref().filter(|refund| theirs(refund)).map(|refund| (money, refund))
    });
    refunds.map(|(money, refund)| (money.clone(), refund.clone())).next()
}

/// Orders the refund once more under its own key, and tells somebody (case 62).
pub(super) fn ask_again(
    mut draft: Draft,
    (money, refund): &(UnappliedMoney, MoneyRefund),
    due: &RefundReviewDue,
) -> Decision {
    let (kind, owner) = (TimerKind::RefundAnswerDue, TimerOwner::Refund(refund.id));
    if let Err(code) = draft.state().check_due(kind, owner, due.generation, draft.now()) {
        return Decision::noop(code);
    }
    order_unapplied_refund_again(&mut draft, money, refund);
    let code = OutcomeCode::RefundUnanswered;
    open_case(&mut draft, money.claimed_order, code, refund.id.to_string());
    Decision::apply(draft.finish())
}

impl RefundRules {
    /// Takes a report over, unless a weightier one came before.
    pub(super) fn follow_unapplied(
        &self,
        mut draft: Draft,
        money: &UnappliedMoney,
        update: &RefundUpdated,
    ) -> Decision {
        let policy = &self.book.everyone().unapplied;
        let known = money.refund.clone().expect("the money was found by its refund");
        let reported = update.provider_ref.as_ref();
        let other_ref = reported.zip(known.provider_ref.as_ref()).is_some_and(|(a, b)| a != b);
        if other_ref || update.amount.is_some_and(|amount| amount != money.amount) {
            let code = OutcomeCode::FactConflict;
            return quarantine(draft, money.claimed_order, code, reference(update));
        }
        let (at, _ahead) = clamp_skew(self.book.everyone(), update.occurred_at, draft.now());
        let reversed = known.code == Some(OutcomeCode::RefundReversed);
        let last = Weight::of_last_report(known.status, reversed, known.last_event_at);
        let this = Weight::new(update.status, at);
        let status = RefundStatus::from(update.status);
        let moves = status.can_follow(Some(known.status));
        if last.is_some_and(|last| this <= last) {
            let stale = last > Some(this);
            let code = if stale { OutcomeCode::Stale } else { OutcomeCode::DuplicateFact };
            return Decision::noop(code);
        }
        let code = match update.status {
            RefundResult::Reversed => Some(OutcomeCode::RefundReversed),
            RefundResult::Submitted
            | RefundResult::RequiresAction
            | RefundResult::Succeeded
            | RefundResult::Failed
            | RefundResult::Cancelled => None,
        };
        let provider_ref = known.provider_ref.clone().or_else(|| update.provider_ref.clone());
        let heard = MoneyRefund { status, code, provider_ref, last_event_at: at, ..known };
        // A newer word for the same is remembered, so that an older one cannot follow it.
        if !moves {
            put_unapplied_refund(&mut draft, money, heard, policy);
            return Decision::noop_with(OutcomeCode::DuplicateFact, draft.finish());
        }
        move_on(draft, money, heard, policy)
    }
}

/// Moves the refund on with its money, and says so.
fn move_on(
    mut draft: Draft,
    money: &UnappliedMoney,
    heard: MoneyRefund,
    policy: &UnappliedPolicy,
) -> Decision {
    let before = money.refund.as_ref().map_or(RefundMoney::Untouched, |it| it.status.money());
    let now = heard.status.money();
    let (order_id, refund_id, amount) = (money.claimed_order, heard.id, money.amount);
    let reversed = before == RefundMoney::Gone || heard.code.is_some();
    put_unapplied_refund(&mut draft, money, heard, policy);
    if now == RefundMoney::Gone && before != RefundMoney::Gone {
        draft.send(order_id, Body::RefundSucceeded { order_id, refund_id, amount });
        match money.resolution() {
            // It went back although its order has it, or nobody did.
            Some(Resolution::Applied | Resolution::WrittenOff) => {
                let code = OutcomeCode::ExceedsRefundable;
                open_case(&mut draft, order_id, code, refund_id.to_string());
            }
            Some(Resolution::Refunded) | None => {}
        }
    }
    if now == RefundMoney::Untouched && before != RefundMoney::Untouched {
        draft.send(order_id, Body::RefundFailed { order_id, refund_id, amount, reversed });
        let code = if reversed { OutcomeCode::RefundReversed } else { OutcomeCode::RefundFailed };
        open_case(&mut draft, order_id, code, refund_id.to_string());
    }
    Decision::apply(draft.finish())
}
