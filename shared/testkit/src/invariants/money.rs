//! Captured money against what is paid, refunded and disputed.

use domain::history::Change;
use domain::operations::held_capture;
use domain::order::OrderStatus;
use domain::payment::AttemptStatus;
use domain::timer::{TimerKind, TimerOwner};
use domain::{AttemptId, Money, OutcomeCode};

use super::View;
use super::lives::is_armed;
use super::sums::Sum;

/// The first attempt whose money is as described.
fn attempt_with(view: &View<'_>, is_wrong: impl Fn(AttemptId, &Sum) -> bool) -> Option<String> {
    let mut attempts = view.sums.attempts.iter();
    attempts.find(|(id, sum)| is_wrong(*id, sum)).map(|(id, sum)| format!("{id}: {sum:?}"))
}

/// The order, if it is in this status and its money as described.
fn order_if(view: &View<'_>, is_wrong: bool) -> Option<String> {
    is_wrong.then(|| format!("{}: {:?}", view.order.status, view.sums.order))
}

/// I02: refunds never exceed captures; one that a provider made in excess is known as such.
pub(super) fn i02_refunded_exceeds_captured(view: &View<'_>) -> Option<String> {
    attempt_with(view, |_, sum| sum.refunded > sum.ever_captured && !sum.excess_known)
}

/// I03: captures never exceed the authorisation; one that did is in review (case 48).
pub(super) fn i03_captured_exceeds_authorised(view: &View<'_>) -> Option<String> {
    attempt_with(view, |id, sum| {
        view.record.state.attempt(id).is_some_and(|attempt| {
            let granted = attempt.authorized.minor().max(attempt.amount.minor());
            sum.captured > granted && attempt.status != AttemptStatus::Review
        })
    })
}

/// I04: an order is paid only by its money, or by so little less that the shop accepts it.
pub(super) fn i04_paid_but_never_covered(view: &View<'_>) -> Option<String> {
    let paid = view.order.status == OrderStatus::Paid;
    let accepted = view.order.shortfall.map_or(0, Money::minor);
    order_if(view, paid && view.order.total.minor() - accepted > view.sums.order.ever_applied)
}

/// I05: an order whose money is there is paid.
pub(super) fn i05_covered_but_not_paid(view: &View<'_>) -> Option<String> {
    let pending = view.order.status == OrderStatus::PendingPayment;
    order_if(view, pending && view.order.total.minor() <= view.sums.order.applied)
}

/// I06: no money stays with a closed order; a refund that failed is in the hands of a person, and
/// money may wait for the order's stock as long as a timer ends the wait (case 87).
pub(super) fn i06_stranded_money(view: &View<'_>) -> Option<String> {
    let sum = &view.sums.order;
    let (kind, owner) = (TimerKind::ReserveAnswerDue, TimerOwner::Order(view.order.id));
    let waits = is_armed(view, kind, owner).then(|| held_capture(&view.record.state)).flatten();
    let held = waits.map_or(0, |capture| capture.amount.minor());
    let stranded = sum.captured - held > sum.ever_refunded + sum.disputed;
    order_if(view, view.order.status.is_closed() && stranded)
}

/// I07: what pays an order is never more than its total; more is classified and goes back.
pub(super) fn i07_applied_exceeds_total(view: &View<'_>) -> Option<String> {
    order_if(view, view.sums.order.applied > view.order.total.minor())
}

/// I19: money that is lost twice, to a refund and to a dispute, is known (case 70).
pub(super) fn i19_double_loss_unnoticed(view: &View<'_>) -> Option<String> {
    attempt_with(view, |id, sum| {
        let both = sum.refunded > 0 && sum.disputed > 0;
        let lost_twice = both && sum.refunded + sum.disputed > sum.ever_captured;
        lost_twice && !sum.excess_known && !is_noticed(view, id)
    })
}

/// Whether history says of a dispute of the attempt that its money was refunded already.
fn is_noticed(view: &View<'_>, attempt: AttemptId) -> bool {
    let noticed =
        view.record.history.iter().filter(|line| line.reason == Some(OutcomeCode::AlreadyRefunded));
    noticed.into_iter().any(|line| match line.change {
        Change::Dispute(id, ..) => {
            let dispute = view.record.state.dispute(id);
            dispute.is_some_and(|dispute| dispute.attempt_id == attempt)
        }
        Change::Order(..) | Change::Payment(..) | Change::Refund(..) => false,
    })
}
