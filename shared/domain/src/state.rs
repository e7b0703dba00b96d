//! The aggregate as loaded: one order with all that belongs to it.

use contracts::{
    AttemptId, DisputeId, Money, MoneyError, MoneyId, ProviderRef, RefundId, Timestamp, Token,
};

use crate::changes::Changes;
use crate::customer::CustomerRecord;
use crate::decision::OutcomeCode;
use crate::dispute::Dispute;
use crate::order::{Order, OrderStatus};
use crate::payment::{Attempt, Capture};
use crate::refund::Refund;
use crate::timer::{Timer, TimerKind, TimerOwner};
use crate::unapplied::UnappliedMoney;

/// One order with its payments, refunds, disputes and timers; everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderState {
    /// The order, once it is known.
    pub order: Option<Order>,
    /// Its payment attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Their captures, in the order they were recorded.
    pub captures: Vec<Capture>,
    /// Its refunds, in the order they were recorded.
    pub refunds: Vec<Refund>,
    /// Its disputes.
    pub disputes: Vec<Dispute>,
    /// The latest arming of each of its timers.
    pub timers: Vec<Timer>,
    /// Money whose report names the order and that it does not have.
    pub unapplied: Vec<UnappliedMoney>,
    /// What is known of the customer.
    pub customer: CustomerRecord,
}

impl OrderState {
    /// The attempt with this id.
    pub fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.id == id)
    }

    /// The attempt that the provider calls so.
    pub fn attempt_by_ref(
        &self,
        provider: &Token<32>,
        payment_ref: &ProviderRef,
    ) -> Option<&Attempt> {
        self.attempts
            .iter()
            .find(|attempt| attempt.provider == *provider && attempt.provider_ref == *payment_ref)
    }

    /// The capture that the provider calls so, within its attempt.
    pub fn capture(&self, attempt: AttemptId, capture_ref: &ProviderRef) -> Option<&Capture> {
        self.captures
            .iter()
            .find(|capture| capture.attempt_id == attempt && capture.capture_ref == *capture_ref)
    }

    /// The refund with this id.
    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    /// The dispute with this id.
    pub fn dispute(&self, id: DisputeId) -> Option<&Dispute> {
        self.disputes.iter().find(|dispute| dispute.id == id)
    }

    /// The money that fits no order, by its id.
    pub fn unapplied(&self, id: MoneyId) -> Option<&UnappliedMoney> {
        self.unapplied.iter().find(|money| money.id == id)
    }

    /// The latest arming of a timer.
    pub fn timer(&self, kind: TimerKind, owner: TimerOwner) -> Option<&Timer> {
        self.timers.iter().find(|timer| timer.kind == kind && timer.owner == owner)
    }

    /// Whether an event of a timer finds its time come (cases 8, 9, 11 and 12).
    ///
    /// # Errors
    /// Why the event counts for nothing.
    pub fn check_due(
        &self,
        kind: TimerKind,
        owner: TimerOwner,
        generation: i32,
        now: Timestamp,
    ) -> Result<(), OutcomeCode> {
        let timer = self.timer(kind, owner).ok_or(OutcomeCode::StaleGeneration)?;
        timer.check_due(generation, now)
    }

    /// Whether the order has money, or an attempt that may become money by itself (case 39).
    pub fn has_live_attempt(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.status.is_live())
            || self.live_captures().next().is_some()
    }

    /// Whether the provider may still turn an attempt into money (case 6).
    pub fn payment_in_flight(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.status.in_flight())
    }

    /// What pays the order: live captures, as far as they were applied to it.
    ///
    /// # Errors
    /// When the sum is larger than any amount accepted.
    pub fn paid(&self, order: &Order) -> Result<Money, MoneyError> {
        sum(order, self.live_captures().map(|capture| capture.applied))
    }

    /// What is still to be paid.
    ///
    /// # Errors
    /// When the sum is larger than any amount accepted.
    pub fn left_to_pay(&self, order: &Order) -> Result<Money, MoneyError> {
        order.total.saturating_sub(self.paid(order)?)
    }

    /// What was captured and is still ours, of all attempts.
    ///
    /// # Errors
    /// When the sum is larger than any amount accepted.
    pub fn captured_in_total(&self, order: &Order) -> Result<Money, MoneyError> {
        sum(order, self.live_captures().map(|capture| capture.amount))
    }

    /// What was captured and is still ours, of one attempt.
    ///
    /// # Errors
    /// When the sum is larger than any amount accepted.
    pub fn captured(&self, order: &Order, attempt: AttemptId) -> Result<Money, MoneyError> {
        sum(order, self.live_captures().filter(|c| c.attempt_id == attempt).map(|c| c.amount))
    }

    /// What is refunded or reserved for refunds, of one attempt (case 61).
    ///
    /// # Errors
    /// When the sum is larger than any amount accepted.
    pub fn refunded(&self, order: &Order, attempt: AttemptId) -> Result<Money, MoneyError> {
        let holding = self.refunds.iter().filter(|refund| refund.status.holds_money());
        sum(order, holding.filter(|r| r.attempt_id == Some(attempt)).map(|r| r.amount))
    }

    /// What disputes hold, of one attempt.
    ///
    /// # Errors
    /// When the sum is larger than any amount accepted.
    pub fn disputed(&self, order: &Order, attempt: AttemptId) -> Result<Money, MoneyError> {
        let holding = self.disputes.iter().filter(|dispute| dispute.position.holds_money());
        sum(order, holding.filter(|d| d.attempt_id == attempt).map(|d| d.amount))
    }

    /// What can still be given back of one attempt: the reserve rule (cases 57, 58, 61).
    ///
    /// # Errors
    /// When a sum is larger than any amount accepted.
    pub fn refundable(&self, order: &Order, attempt: AttemptId) -> Result<Money, MoneyError> {
        self.captured(order, attempt)?
            .saturating_sub(self.refunded(order, attempt)?)?
            .saturating_sub(self.disputed(order, attempt)?)
    }

    pub(crate) fn live_captures(&self) -> impl Iterator<Item = &Capture> {
        self.captures.iter().filter(|capture| capture.is_live())
    }

    /// What of the order itself counts towards its customer's record.
    fn counted(&self) -> (i64, i64) {
        let refunds = self.refunds.iter().filter(|refund| refund.counts_for_customer()).count();
        let count = |rows: usize| i64::try_from(rows).expect("an order's rows fit in memory");
        (count(refunds), count(self.disputes.len()))
    }

    /// The state that the next event of the same batch sees.
    pub fn apply(&mut self, changes: &Changes) {
        if let Some(order) = &changes.order {
            let opened = self.order.is_none() && order.status == OrderStatus::PendingPayment;
            if let Some(mark) = self.customer.mark.as_mut().filter(|_| opened) {
                mark.open += 1;
            }
            self.order = Some(order.clone());
        }
        put_all(&mut self.attempts, &changes.attempts, |a, b| a.id == b.id);
        put_all(&mut self.captures, &changes.captures, |a, b| {
            a.attempt_id == b.attempt_id && a.capture_ref == b.capture_ref
        });
        let counted = self.counted();
        put_all(&mut self.refunds, &changes.refunds, |a, b| a.id == b.id);
        put_all(&mut self.disputes, &changes.disputes, |a, b| a.id == b.id);
        self.customer.recount(counted, self.counted());
        if let Some(order) = self.order.as_ref().map(|order| order.id) {
            changes.refunds.iter().for_each(|refund| self.customer.hear_refund(order, refund));
        }
        changes.disputes.iter().for_each(|dispute| self.customer.hear_dispute(dispute));
        changes.marks.iter().for_each(|change| self.customer.hear_mark(change));
        put_all(&mut self.customer.flags, &changes.flags, |a, b| a.id == b.id);
        put_all(&mut self.timers, &changes.timers, |a, b| a.kind == b.kind && a.owner == b.owner);
        put_all(&mut self.unapplied, &changes.unapplied, |a, b| a.id == b.id);
        put_all(&mut self.unapplied, &changes.unapplied_moved, |a, b| a.id == b.id);
    }
}

/// Adds up amounts in the order's currency.
pub(crate) fn sum(
    order: &Order,
    amounts: impl Iterator<Item = Money>,
) -> Result<Money, MoneyError> {
    let nothing = Money::zero(order.total.currency());
    amounts.into_iter().try_fold(nothing, Money::checked_add)
}

fn put_all<T: Clone>(rows: &mut Vec<T>, images: &[T], same: impl Fn(&T, &T) -> bool) {
    for image in images {
        put(rows, image.clone(), &same);
    }
}

/// Replaces the row with the same key, or adds it.
pub(crate) fn put<T>(rows: &mut Vec<T>, image: T, same: impl Fn(&T, &T) -> bool) {
    match rows.iter_mut().find(|row| same(row, &image)) {
        Some(row) => *row = image,
        None => rows.push(image),
    }
}
