//! Decoded messages of any worker's queue, and the worker that each belongs to.

use contracts::events::{
    DisputeDeadline, DisputeEvent, OrderEvent, PaymentEvent, PaymentTimer, RefundEvent,
    RefundResult, RefundReviewDue, RefundUpdated, TimerEvent, UnappliedDue,
};
use contracts::{Envelope, Event as _, EventKind, OrderId, OrderRef, RefundId, Timestamp};
use dispute_opened::DisputeRules;
use domain::timer::{Timer, TimerKind, TimerOwner};
use domain::{Decision, Moment, OrderState, Policies, Rules as _};
use order_created::OrderRules;
use payment_attempted::PaymentRules;
use payment_timeout::TimeoutRules;
use refund_requested::RefundRules;
use testkit::shop::ShopEvent;

/// A message as one of the five workers sees it.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Order(Envelope<OrderEvent>),
    Payment(Envelope<PaymentEvent>),
    Timer(Envelope<TimerEvent>),
    Refund(Envelope<RefundEvent>),
    Dispute(Envelope<DisputeEvent>),
}

/// Does the same with the envelope of whichever event it is.
macro_rules! envelope {
    ($event:expr, $envelope:ident => $result:expr) => {
        match $event {
            Event::Order($envelope) => $result,
            Event::Payment($envelope) => $result,
            Event::Timer($envelope) => $result,
            Event::Refund($envelope) => $result,
            Event::Dispute($envelope) => $result,
        }
    };
}

impl Event {
    pub(crate) fn new(event: &ShopEvent) -> Self {
        match event.kind() {
            EventKind::OrderCreated
            | EventKind::OrderCancelRequested
            | EventKind::ConsentWithdrawn => Self::Order(event.decoded()),
            EventKind::PaymentAttempted
            | EventKind::UnappliedDue
            | EventKind::ReserveReplied
            | EventKind::ReserveAnswerDue => Self::Payment(event.decoded()),
            EventKind::PaymentTimeout | EventKind::PaymentReminder => Self::Timer(event.decoded()),
            EventKind::RefundRequested
            | EventKind::RefundUpdated
            | EventKind::RefundReviewed
            | EventKind::RefundReviewDue => Self::Refund(event.decoded()),
            EventKind::DisputeOpened
            | EventKind::DisputeUpdated
            | EventKind::EvidenceSubmitted
            | EventKind::DisputeMediated
            | EventKind::DisputeDeadline => Self::Dispute(event.decoded()),
        }
    }

    /// What a due timer becomes; another generation than its own makes it a stale one.
    pub(crate) fn of_timer(order_id: OrderId, timer: &Timer, generation: i32) -> Self {
        let (kind, due_at) = (timer.kind.event(), timer.due_at);
        match timer.owner {
            TimerOwner::Dispute(dispute_id) => {
                let deadline = DisputeDeadline { order_id, dispute_id, generation, due_at };
                Self::Dispute(plain(kind, DisputeEvent::Deadline(deadline)))
            }
            TimerOwner::Refund(refund_id) => {
                let due = RefundReviewDue { order_id, refund_id, generation, due_at };
                Self::Refund(plain(kind, RefundEvent::ReviewDue(due)))
            }
            TimerOwner::Money(money_id) => {
                let due = UnappliedDue { order_id, money_id, generation, due_at };
                Self::Payment(plain(kind, PaymentEvent::UnappliedDue(due)))
            }
            TimerOwner::Order(_) => {
                let payment = PaymentTimer { order_id, generation, due_at };
                match timer.kind {
                    TimerKind::PaymentReminder => {
                        Self::Timer(plain(kind, TimerEvent::Reminder(payment)))
                    }
                    TimerKind::ReserveAnswerDue => {
                        Self::Payment(plain(kind, PaymentEvent::ReserveAnswerDue(payment)))
                    }
                    TimerKind::PaymentTimeout
                    | TimerKind::CustomerRestrictionEnds
                    | TimerKind::DisputeEvidenceDue
                    | TimerKind::RefundReviewDue
                    | TimerKind::RefundAnswerDue
                    | TimerKind::UnappliedMoneyDue => {
                        Self::Timer(plain(kind, TimerEvent::Timeout(payment)))
                    }
                }
            }
        }
    }

    /// What a provider says of one refund.
    pub(crate) fn of_refund(
        order_id: OrderId,
        refund: RefundId,
        status: RefundResult,
        occurred_at: Timestamp,
    ) -> Self {
        let update = RefundUpdated {
            order_id,
            refund_id: Some(refund),
            provider_ref: format!("re-{refund}").parse().ok(),
            status,
            occurred_at,
            amount: None,
            attempt_id: None,
            failure_reason: None,
            arn: None,
        };
        let kind = EventKind::RefundUpdated;
        Self::Refund(plain(kind, RefundEvent::Updated(Box::new(update))))
    }

    /// The same under another message id.
    #[must_use]
    pub(crate) fn named(mut self, id: &str) -> Self {
        envelope!(&mut self, envelope => envelope.id = id.parse().unwrap());
        self
    }

    pub(crate) fn id(&self) -> &str {
        envelope!(self, envelope => envelope.id.as_str())
    }

    pub(crate) fn kind(&self) -> EventKind {
        envelope!(self, envelope => envelope.kind)
    }

    pub(crate) fn order_ref(&self) -> OrderRef {
        envelope!(self, envelope => envelope.event.order_ref())
    }
}

/// An event in an envelope that says nothing beyond it.
fn plain<E>(kind: EventKind, event: E) -> Envelope<E> {
    Envelope {
        id: "unnamed".parse().unwrap(),
        source: "/test/ours".parse().unwrap(),
        kind,
        time: None,
        recorded_time: None,
        trace: None,
        digest: [0; 32],
        event,
    }
}

/// The rule books of the five workers.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) orders: OrderRules,
    pub(crate) payments: PaymentRules,
    pub(crate) timeouts: TimeoutRules,
    pub(crate) refunds: RefundRules,
    pub(crate) disputes: DisputeRules,
}

impl Books {
    pub(crate) fn new(policies: &Policies) -> Self {
        Self {
            orders: OrderRules::new(policies.clone()),
            payments: PaymentRules::new(policies.clone()),
            timeouts: TimeoutRules::new(policies.clone()),
            refunds: RefundRules::new(policies.clone()),
            disputes: DisputeRules::new(policies.clone()),
        }
    }

    pub(crate) fn decide(&self, state: &OrderState, event: &Event, moment: Moment) -> Decision {
        match event {
            Event::Order(envelope) => self.orders.decide(state, envelope, moment),
            Event::Payment(envelope) => self.payments.decide(state, envelope, moment),
            Event::Timer(envelope) => self.timeouts.decide(state, envelope, moment),
            Event::Refund(envelope) => self.refunds.decide(state, envelope, moment),
            Event::Dispute(envelope) => self.disputes.decide(state, envelope, moment),
        }
    }
}
