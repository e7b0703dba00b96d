//! What a decision writes, and how rules build it.

use contracts::events::ConsentPurpose;
use contracts::{Envelope, IdSource, MessageId, OrderId, RefundId, Timestamp, Token};
use uuid::Uuid;

use crate::customer::{MarkChange, MarkStep, RiskFlag};
use crate::decision::{OutcomeCode, ParkKey};
use crate::dispute::Dispute;
use crate::history::{Change, HistoryLine};
use crate::judgement::{Judgement, PolicyKind};
use crate::ledger::{Leg, Transfer};
use crate::message::{Body, Message};
use crate::order::{Order, OrderStatus};
use crate::payment::{Attempt, Capture};
use crate::policy::{PolicyBook, RefundPatience};
use crate::refund::{Refund, RefundStatus};
use crate::state::{OrderState, put};
use crate::timer::{Timer, TimerKind, TimerOwner, TimerStatus};
use crate::unapplied::{UnappliedMoney, UnappliedTransfer};

/// Everything one event writes: row images, history, transfers, timers and messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The order's row.
    pub order: Option<Order>,
    /// Rows of attempts, new or changed.
    pub attempts: Vec<Attempt>,
    /// Rows of captures, new or changed.
    pub captures: Vec<Capture>,
    /// Rows of refunds, new or changed.
    pub refunds: Vec<Refund>,
    /// Rows of disputes, new or changed.
    pub disputes: Vec<Dispute>,
    /// Rows of timers, armed, fired or cancelled.
    pub timers: Vec<Timer>,
    /// New lines of history.
    pub history: Vec<HistoryLine>,
    /// New transfers of the order's ledger.
    pub transfers: Vec<Transfer>,
    /// What policies decided, and on what.
    pub judgements: Vec<Judgement>,
    /// What customers took back of what they had agreed to.
    pub withdrawals: Vec<Withdrawal>,
    /// Flags raised on the order's customer (policy 6).
    pub flags: Vec<RiskFlag>,
    /// Changes of the mark of the order's customer (policy 7).
    pub marks: Vec<MarkChange>,
    /// New money that fits no order (cases 25, 29 and 51).
    pub unapplied: Vec<UnappliedMoney>,
    /// Rows of such money that were there, changed.
    pub unapplied_moved: Vec<UnappliedMoney>,
    /// New transfers of the ledgers of such money.
    pub unapplied_transfers: Vec<UnappliedTransfer>,
    /// Messages to send.
    pub messages: Vec<Message>,
    /// What parked events waited for and is now there.
    pub arrived: Vec<ParkKey>,
}

/// Consent taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Who took it back.
    pub customer_ref: Token<64>,
    /// What it had been given for.
    pub purpose: ConsentPurpose,
    /// Which text had been agreed to.
    pub text_version: Option<Token<32>>,
    /// When, by the sender's clock as far as it is not ahead of ours.
    pub withdrawn_at: Timestamp,
    /// When it was recorded, by the database's clock.
    pub recorded_at: Timestamp,
}

/// Changes under construction: a working copy of the order that records what is done to it.
///
/// Rules read through [`Draft::state`], so a later step of one rule sees the earlier ones.
#[derive(Clone, Debug)]
pub struct Draft {
    state: OrderState,
    /// Everything but the order's row, which is in `state` until the end.
    changes: Changes,
    order_written: bool,
    ids: IdSource,
    now: Timestamp,
    patience: RefundPatience,
}

impl Draft {
    /// Begins with the order as it stands; `message` is the cause of everything that follows.
    pub fn new<E>(state: &OrderState, message: &Envelope<E>, now: Timestamp) -> Self {
        let ids = IdSource::new(message.source.as_str(), message.id.as_str(), now);
        let (changes, patience) = (Changes::default(), RefundPatience::default());
        Self { state: state.clone(), changes, order_written: false, ids, now, patience }
    }

    /// Keeps refunds back, and waits for what providers say of them, so long.
    #[must_use]
    pub fn waiting(self, patience: RefundPatience) -> Self {
        Self { patience, ..self }
    }

    /// The order with everything recorded so far.
    pub fn state(&self) -> &OrderState {
        &self.state
    }

    /// Until when the provider of a refund that we order now is not told of it.
    pub(crate) fn kept_back_until(&self) -> Option<Timestamp> {
        let keep_back = self.patience.keep_back;
        (!keep_back.is_zero()).then(|| self.now.plus(keep_back))
    }

    /// The database's clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A new id, the same for the same message and time.
    pub fn next_id<T: From<Uuid>>(&mut self) -> T {
        self.ids.next_id()
    }

    /// What was recorded, ready to be written.
    pub fn finish(mut self) -> Changes {
        self.changes.order = self.state.order.filter(|_| self.order_written);
        self.changes
    }

    /// The order's row. Rules open or find the order before they change anything about it.
    fn order(&self) -> &Order {
        self.state.order.as_ref().expect("a draft changes an order only after it was opened")
    }

    /// Writes the order's row; a change of status becomes a line of history.
    pub fn put_order(&mut self, mut order: Order, reason: Option<OutcomeCode>) {
        let before = self.state.order.as_ref();
        let from = before.map(|known| known.status);
        // The counters are the draft's own: an image made earlier must not set them back.
        order.version = before.map_or(0, |known| known.version);
        order.history_len = before.map_or(0, |known| known.history_len);
        order.ledger_len = before.map_or(0, |known| known.ledger_len);
        let (id, to) = (order.id, order.status);
        self.state.order = Some(order);
        self.touch();
        if from != Some(to) {
            self.record(Change::Order(id, from, to), reason);
        }
        if from.is_none() {
            self.changes.arrived.push(ParkKey::Order(id));
        }
    }

    /// Moves the order to another status.
    pub fn move_order(&mut self, to: OrderStatus, reason: Option<OutcomeCode>) {
        let order = self.written_order();
        let (id, from) = (order.id, order.status);
        order.status = to;
        if from != to {
            self.record(Change::Order(id, Some(from), to), reason);
        }
    }

    /// Writes an attempt; a change of status becomes a line of history.
    pub fn put_attempt(&mut self, attempt: Attempt, reason: Option<OutcomeCode>) {
        let before = self.state.attempt(attempt.id).map(|known| known.status);
        let (id, to) = (attempt.id, attempt.status);
        if before.is_none() {
            let (provider, payment_ref) = (attempt.provider.clone(), attempt.provider_ref.clone());
            self.changes.arrived.push(ParkKey::Payment { provider, payment_ref });
        }
        put(&mut self.changes.attempts, attempt.clone(), |a, b| a.id == b.id);
        put(&mut self.state.attempts, attempt, |a, b| a.id == b.id);
        self.touch();
        if before != Some(to) {
            self.record(Change::Payment(id, before, to), reason);
        }
    }

    /// Writes a capture, new or reversed.
    pub fn put_capture(&mut self, capture: Capture) {
        let same = |a: &Capture, b: &Capture| {
            a.attempt_id == b.attempt_id && a.capture_ref == b.capture_ref
        };
        if self.state.capture(capture.attempt_id, &capture.capture_ref).is_none() {
            self.changes.arrived.push(ParkKey::Capture(self.order().id));
        }
        put(&mut self.changes.captures, capture.clone(), same);
        put(&mut self.state.captures, capture, same);
        self.touch();
    }

    /// Writes a refund; a change of status becomes a line of history.
    ///
    /// While its money is set aside, its provider is not forgotten (case 62).
    pub fn put_refund(&mut self, refund: Refund, reason: Option<OutcomeCode>) {
        let before = self.state.refund(refund.id).map(|known| known.status);
        let (id, to): (RefundId, _) = (refund.id, refund.status);
        let held_until = refund.held_until.filter(|_| refund.is_held());
        let order = self.order().id;
        self.state.customer.hear_refund(order, &refund);
        put(&mut self.changes.refunds, refund.clone(), |a, b| a.id == b.id);
        put(&mut self.state.refunds, refund, |a, b| a.id == b.id);
        if before != Some(to) {
            self.record(Change::Refund(id, before, to), reason);
            match held_until {
                Some(at) => self.arm(TimerKind::RefundAnswerDue, TimerOwner::Refund(id), at),
                None => self.await_answer(id, to),
            }
        }
    }

    /// Has a refund looked at again while it is its provider's turn, and not any more after that.
    pub(crate) fn await_answer(&mut self, id: RefundId, status: RefundStatus) {
        let (kind, owner) = (TimerKind::RefundAnswerDue, TimerOwner::Refund(id));
        match self.patience.of(status) {
            Some(wait) => self.arm(kind, owner, self.now.plus(wait)),
            None => self.cancel(kind, owner),
        }
    }

    /// Has a refund looked at again whose provider still says nothing.
    pub fn await_answer_again(&mut self, refund: &Refund) {
        self.await_answer(refund.id, refund.status);
        self.touch();
    }

    /// Writes a dispute; a change of stage or status becomes a line of history.
    pub fn put_dispute(&mut self, dispute: Dispute, reason: Option<OutcomeCode>) {
        let before = self.state.dispute(dispute.id).map(|known| known.position);
        let (id, to) = (dispute.id, dispute.position);
        if before.is_none() {
            let (provider, dispute_ref) = (dispute.provider.clone(), dispute.provider_ref.clone());
            self.changes.arrived.push(ParkKey::Dispute { provider, dispute_ref });
        }
        self.state.customer.hear_dispute(&dispute);
        put(&mut self.changes.disputes, dispute.clone(), |a, b| a.id == b.id);
        put(&mut self.state.disputes, dispute, |a, b| a.id == b.id);
        if before != Some(to) {
            self.record(Change::Dispute(id, before, to), reason);
        }
    }

    /// Arms a timer, or arms it anew with the next generation (case 12).
    pub fn arm(&mut self, kind: TimerKind, owner: TimerOwner, due_at: Timestamp) {
        let generation = self.state.timer(kind, owner).map_or(1, |timer| timer.generation + 1);
        let status = TimerStatus::Armed;
        self.put_timer(Timer { kind, owner, generation, due_at, status, resolved_at: None });
    }

    /// Records that a timer's event was handled.
    pub fn fire(&mut self, kind: TimerKind, owner: TimerOwner) {
        self.resolve_timer(kind, owner, TimerStatus::Fired);
    }

    /// Cancels a timer that became pointless; nothing if it is not armed.
    pub fn cancel(&mut self, kind: TimerKind, owner: TimerOwner) {
        self.resolve_timer(kind, owner, TimerStatus::Cancelled);
    }

    fn resolve_timer(&mut self, kind: TimerKind, owner: TimerOwner, status: TimerStatus) {
        let armed = self.state.timer(kind, owner).filter(|t| t.status == TimerStatus::Armed);
        if let Some(timer) = armed.cloned() {
            self.put_timer(Timer { status, resolved_at: Some(self.now), ..timer });
        }
    }

    fn put_timer(&mut self, timer: Timer) {
        let same = |a: &Timer, b: &Timer| a.kind == b.kind && a.owner == b.owner;
        put(&mut self.changes.timers, timer.clone(), same);
        put(&mut self.state.timers, timer, same);
    }

    /// Records one cause's movements of money; legs of nothing are left out.
    pub fn post(&mut self, reference: impl std::fmt::Display, legs: impl IntoIterator<Item = Leg>) {
        let at = self.now;
        let ledger_len = &mut self.written_order().ledger_len;
        let transfers = numbered(ledger_len, &reference.to_string(), legs, at);
        self.changes.transfers.extend(transfers);
    }

    /// Sends a message when the transaction commits.
    pub fn send(&mut self, order_id: OrderId, body: Body) {
        let id: MessageId = self.next_id();
        self.changes.messages.push(Message { id, order_id, at: self.now, body });
    }

    /// Records what a policy decided.
    pub fn judge(
        &mut self,
        policy: PolicyKind,
        verdict: OutcomeCode,
        book: &PolicyBook,
        inputs: Vec<(&'static str, String)>,
    ) {
        let (version, at) = (book.version().clone(), self.now);
        self.changes.judgements.push(Judgement { policy, verdict, version, inputs, at });
    }

    /// Records that a customer took consent back.
    pub fn withdraw(&mut self, withdrawal: Withdrawal) {
        self.changes.withdrawals.push(withdrawal);
    }

    /// Raises a flag on the order's customer (policy 6).
    pub fn raise_flag(&mut self, flag: RiskFlag) {
        self.changes.flags.push(flag.clone());
        self.state.customer.flags.push(flag);
        self.touch();
    }

    /// Changes the mark of the order's customer (policy 7).
    pub fn mark(&mut self, customer_ref: Token<64>, step: MarkStep) {
        let change = MarkChange { customer_ref, step };
        self.state.customer.hear_mark(&change);
        self.changes.marks.push(change);
    }

    /// Keeps money that fits no order (cases 25, 29 and 51); it is booked with its row.
    pub fn keep_unapplied(&mut self, money: UnappliedMoney) {
        self.changes.unapplied.push(money.clone());
        put(&mut self.state.unapplied, money, |a, b| a.id == b.id);
    }

    /// Changes the row of money that fits no order, and moves the money.
    pub fn move_unapplied(
        &mut self,
        mut money: UnappliedMoney,
        reference: impl std::fmt::Display,
        legs: impl IntoIterator<Item = Leg>,
    ) {
        let id = money.id;
        let transfers = numbered(&mut money.ledger_len, &reference.to_string(), legs, self.now);
        let transfers = transfers.into_iter();
        let transfers = transfers.map(|transfer| UnappliedTransfer { money: id, transfer });
        self.changes.unapplied_transfers.extend(transfers);
        put(&mut self.changes.unapplied_moved, money.clone(), |a, b| a.id == b.id);
        put(&mut self.state.unapplied, money, |a, b| a.id == b.id);
    }

    /// Writes the order's row at least for its version.
    pub fn touch(&mut self) {
        self.written_order();
    }

    /// The order's row in its place, to be changed there: copies of it would be most of a rule's
    /// work. Its version counts one up for the whole draft.
    fn written_order(&mut self) -> &mut Order {
        let first = !std::mem::replace(&mut self.order_written, true);
        let order = self.state.order.as_mut();
        let order = order.expect("a draft changes an order only after it was opened");
        order.version += i64::from(first);
        order
    }

    fn record(&mut self, change: Change, reason: Option<OutcomeCode>) {
        debug_assert!(change.is_legal(), "illegal change {change:?}");
        let order = self.written_order();
        order.history_len += 1;
        let seq = order.history_len;
        self.changes.history.push(HistoryLine { seq, change, reason, at: self.now });
    }
}

/// Legs of one cause with their places in a ledger that has so many transfers already.
fn numbered(
    ledger_len: &mut i32,
    reference: &str,
    legs: impl IntoIterator<Item = Leg>,
    at: Timestamp,
) -> Vec<Transfer> {
    let journal = *ledger_len + 1;
    let mut transfers = Vec::new();
    for leg in legs.into_iter().filter(|leg| !leg.amount.is_zero()) {
        *ledger_len += 1;
        let Leg { code, debit, credit, amount } = leg;
        let (seq, reference) = (*ledger_len, reference.to_owned());
        transfers.push(Transfer { seq, journal, code, reference, debit, credit, amount, at });
    }
    transfers
}
