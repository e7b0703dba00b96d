//! Rows against their history, their timers and their parents.

use domain::AttemptId;
use domain::dispute::DisputeStatus;
use domain::history::Change;
use domain::order::OrderStatus;
use domain::refund::RefundStatus;
use domain::timer::{Timer, TimerKind, TimerOwner, TimerStatus};

use super::View;

/// Whether a line of history ends where its row stands; `None` when there is no such row.
fn stands(view: &View<'_>, change: Change) -> Option<bool> {
    let state = &view.record.state;
    match change {
        Change::Order(id, _, to) => (view.order.id == id).then_some(view.order.status == to),
        Change::Payment(id, _, to) => state.attempt(id).map(|row| row.status == to),
        Change::Refund(id, _, to) => state.refund(id).map(|row| row.status == to),
        Change::Dispute(id, _, to) => state.dispute(id).map(|row| row.position == to),
    }
}

/// I08: every row stands where its history ends, and nothing has a history without a row.
pub(super) fn i08_status_differs_from_history(view: &View<'_>) -> Option<String> {
    let history = &view.record.history;
    let is_last = |place: usize, change: Change| {
        let mut later = history[place + 1..].iter();
        !later.any(|line| line.change.entity_id() == change.entity_id())
    };
    let heads = history.iter().enumerate().filter(|(place, line)| is_last(*place, line.change));
    let heads: Vec<Change> = heads.map(|(_, line)| line.change).collect();
    let state = &view.record.state;
    let rows = 1 + state.attempts.len() + state.refunds.len() + state.disputes.len();
    if heads.len() != rows {
        return Some(format!("{rows} rows, {} with a history", heads.len()));
    }
    let wrong = heads.into_iter().find(|change| stands(view, *change) != Some(true));
    wrong.map(|change| format!("{change:?}"))
}

/// I09: history is numbered without gaps, and each line begins where the last one ended.
pub(super) fn i09_history_chain_broken(view: &View<'_>) -> Option<String> {
    let history = &view.record.history;
    if usize::try_from(view.order.history_len) != Ok(history.len()) {
        return Some(format!("{} of {}", history.len(), view.order.history_len));
    }
    let broken = history.iter().enumerate().find(|(place, line)| {
        let in_place = usize::try_from(line.seq) == Ok(place + 1);
        let mut earlier = history[..*place].iter().rev();
        let before = earlier.find(|earlier| earlier.change.entity_id() == line.change.entity_id());
        !in_place || !continues(line.change, before.map(|line| line.change))
    });
    broken.map(|(_, line)| format!("line {}", line.seq))
}

/// Whether a change begins where the change before it ended; without one, at the beginning.
fn continues(change: Change, before: Option<Change>) -> bool {
    match (change, before) {
        (Change::Order(_, from, _), None) => from.is_none(),
        (Change::Payment(_, from, _), None) => from.is_none(),
        (Change::Refund(_, from, _), None) => from.is_none(),
        (Change::Dispute(_, from, _), None) => from.is_none(),
        (Change::Order(_, from, _), Some(Change::Order(_, _, to))) => from == Some(to),
        (Change::Payment(_, from, _), Some(Change::Payment(_, _, to))) => from == Some(to),
        (Change::Refund(_, from, _), Some(Change::Refund(_, _, to))) => from == Some(to),
        (Change::Dispute(_, from, _), Some(Change::Dispute(_, _, to))) => from == Some(to),
        (
            Change::Order(..) | Change::Payment(..) | Change::Refund(..) | Change::Dispute(..),
            Some(_),
        ) => false,
    }
}

pub(super) fn is_armed(view: &View<'_>, kind: TimerKind, owner: TimerOwner) -> bool {
    let timer = view.record.state.timer(kind, owner);
    timer.is_some_and(|timer: &Timer| timer.status == TimerStatus::Armed)
}

/// I10: every order that waits for money will stop waiting.
pub(super) fn i10_pending_without_timeout(view: &View<'_>) -> Option<String> {
    let pending = view.order.status == OrderStatus::PendingPayment;
    let armed = is_armed(view, TimerKind::PaymentTimeout, TimerOwner::Order(view.order.id));
    (pending && !armed).then(|| view.order.id.to_string())
}

/// I11: nobody is reminded of, or expires, what is paid or closed.
pub(super) fn i11_timer_without_need(view: &View<'_>) -> Option<String> {
    let pending = view.order.status == OrderStatus::PendingPayment;
    let mut kinds = [TimerKind::PaymentTimeout, TimerKind::PaymentReminder].into_iter();
    let armed = kinds.find(|kind| is_armed(view, *kind, TimerOwner::Order(view.order.id)));
    armed.filter(|_| !pending).map(|kind| kind.to_string())
}

/// I15: a closed order gave its stock back; the order's own row makes it once (case 86).
pub(super) fn i15_closed_order_holds_stock(view: &View<'_>) -> Option<String> {
    let holds = view.order.stock_released_at.is_none();
    (view.order.status.is_closed() && holds).then(|| view.order.id.to_string())
}

/// I16: a live order keeps its stock; one that was reinstated has it again (case 87).
pub(super) fn i16_live_order_without_stock(view: &View<'_>) -> Option<String> {
    let released = view.order.stock_released_at.is_some();
    let violated = !view.order.status.is_closed() && released;
    violated.then(|| view.order.id.to_string())
}

/// I18: evidence that can be given is asked for until its deadline.
pub(super) fn i18_dispute_without_timer(view: &View<'_>) -> Option<String> {
    let unwatched = view.record.state.disputes.iter().find(|dispute| {
        let awaits = dispute.position.status == DisputeStatus::NeedsResponse;
        let owner = TimerOwner::Dispute(dispute.id);
        let armed = is_armed(view, TimerKind::DisputeEvidenceDue, owner);
        awaits && !dispute.deadline_missed && !armed
    });
    unwatched.map(|dispute| dispute.id.to_string())
}

/// I28: every row has its attempt, and its order's currency; a refused wish may name any.
pub(super) fn i28_row_without_its_parent(view: &View<'_>) -> Option<String> {
    let state = &view.record.state;
    let captures = state.captures.iter().map(|row| (Some(row.attempt_id), row.amount));
    let granted = state.refunds.iter().filter(|row| row.status != RefundStatus::Rejected);
    let refunds = granted.map(|row| (row.attempt_id, row.amount));
    let disputes = state.disputes.iter().map(|row| (Some(row.attempt_id), row.amount));
    let attempts = state.attempts.iter().map(|row| (Some(row.id), row.amount));
    let is_unknown = |id: AttemptId| state.attempt(id).is_none();
    let currency = view.order.total.currency();
    let mut rows = captures.chain(refunds).chain(disputes).chain(attempts);
    let lost =
        rows.find(|(id, amount)| id.is_some_and(is_unknown) || amount.currency() != currency);
    lost.map(|(id, amount)| format!("{id:?} {amount}"))
}
