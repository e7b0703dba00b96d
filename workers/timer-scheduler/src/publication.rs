//! A due timer as the message that comes back to its worker.

use broker::delay::{DelayProvider, delayed};
use broker::{Names, Properties, Publication};
use contracts::events::{DisputeDeadline, PaymentTimer, RefundReviewDue, UnappliedDue};
use contracts::{DisputeId, MoneyId, OrderId, Outgoing, RefundId, STRUCTURED_CONTENT_TYPE};
use domain::timer::{TimerKind, TimerOwner};
use serde::Serialize;
use store::timers::DueTimer;

/// The source of every timer message.
const SOURCE: &str = "/orderflow/timers";

/// The message for one hand-over of a timer; delayed until it is due.
pub(crate) fn publication(names: &Names, provider: DelayProvider, timer: &DueTimer) -> Publication {
    let id = message_id(timer);
    let kind = timer.kind.event();
    let body = match timer.owner {
        TimerOwner::Order(order_id) => {
            let data =
                PaymentTimer { order_id, generation: timer.generation, due_at: timer.due_at };
            body(timer, order_id, &id, data)
        }
        TimerOwner::Dispute(dispute_id) => deadline(timer, dispute_id, &id),
        TimerOwner::Refund(refund_id) => review_due(timer, refund_id, &id),
        TimerOwner::Money(money_id) => unapplied(timer, money_id, &id),
    };
    let properties = Properties {
        message_id: Some(id),
        content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
        type_name: Some(kind.type_name().to_owned()),
        app_id: Some("orderflow".to_owned()),
        correlation_id: Some(timer.order.to_string()),
        ..Properties::default()
    };
    let queue = names.work_queue(worker(timer.kind));
    delayed(names, provider, &queue, timer.delay(), properties, body)
}

fn deadline(timer: &DueTimer, dispute_id: DisputeId, id: &str) -> Vec<u8> {
    let (order_id, generation, due_at) = (timer.order, timer.generation, timer.due_at);
    let data = DisputeDeadline { order_id, dispute_id, generation, due_at };
    body(timer, order_id, id, data)
}

fn review_due(timer: &DueTimer, refund_id: RefundId, id: &str) -> Vec<u8> {
    let (order_id, generation, due_at) = (timer.order, timer.generation, timer.due_at);
    let data = RefundReviewDue { order_id, refund_id, generation, due_at };
    body(timer, order_id, id, data)
}

fn unapplied(timer: &DueTimer, money_id: MoneyId, id: &str) -> Vec<u8> {
    let (order_id, generation, due_at) = (timer.order, timer.generation, timer.due_at);
    let data = UnappliedDue { order_id, money_id, generation, due_at };
    body(timer, order_id, id, data)
}

/// The event of a timer; it continues the trace of the one that armed it.
fn body(timer: &DueTimer, order_id: OrderId, id: &str, data: impl Serialize) -> Vec<u8> {
    let type_name = timer.kind.event().type_name();
    Outgoing::new(id, SOURCE, type_name, order_id, timer.due_at, data)
        .traced(timer.trace.as_ref())
        .to_body()
}

/// Names this hand-over: an early one, recorded as a no-op, must not shadow the right one.
fn message_id(timer: &DueTimer) -> String {
    let kind = match timer.kind {
        TimerKind::PaymentTimeout => "pt",
        TimerKind::PaymentReminder => "pr",
        TimerKind::CustomerRestrictionEnds => "cr",
        TimerKind::DisputeEvidenceDue => "de",
        TimerKind::RefundReviewDue => "rr",
        TimerKind::RefundAnswerDue => "rp",
        TimerKind::UnappliedMoneyDue => "um",
        TimerKind::ReserveAnswerDue => "ra",
    };
    let owner = uuid::Uuid::from(timer.owner);
    format!("{kind}-{owner}-{}-{}", timer.generation, timer.handover)
}

fn worker(kind: TimerKind) -> &'static str {
    match kind {
        TimerKind::PaymentTimeout
        | TimerKind::PaymentReminder
        | TimerKind::CustomerRestrictionEnds => "payment-timeout",
        TimerKind::DisputeEvidenceDue => "dispute-opened",
        TimerKind::RefundReviewDue | TimerKind::RefundAnswerDue => "refund-requested",
        // The one that knows how to judge a capture, should its order be there by now.
        TimerKind::UnappliedMoneyDue | TimerKind::ReserveAnswerDue => "payment-attempted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::events::{PaymentEvent, TimerEvent};
    use contracts::{Envelope, Limits, Timestamp, TraceContext, WireMessage, decode};

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 shop=a";

    fn due(handover: i32) -> DueTimer {
        let order_id = testkit::shop::order_id(1);
        DueTimer {
            order: order_id,
            kind: TimerKind::PaymentTimeout,
            owner: TimerOwner::Order(order_id),
            generation: 3,
            due_at: Timestamp::from_micros(1_700_000_005_000_000),
            handover,
            now: Timestamp::from_micros(1_700_000_000_000_000),
            trace: TraceContext::parse(TRACE),
        }
    }

    #[test]
    fn a_hand_over_decodes_into_the_event_of_its_timer() {
        let publication = publication(&Names::default(), DelayProvider::Ladder, &due(2));
        let content_type = publication.properties.content_type.as_deref();
        let message = WireMessage { content_type, headers: &[], body: &publication.body };
        let envelope: Envelope<TimerEvent> = decode(message, &Limits::default()).unwrap();
        let TimerEvent::Timeout(timer) = envelope.event else { panic!("wrong kind") };
        assert_eq!((timer.generation, timer.due_at), (3, due(2).due_at));
        assert_eq!(envelope.trace, TraceContext::parse(TRACE));
        assert_eq!(publication.properties.message_id.as_deref(), Some(envelope.id.as_str()));
    }

    #[test]
    fn money_without_an_order_falls_due_at_the_worker_that_judges_captures() {
        let money_id = MoneyId::from(uuid::Uuid::from(testkit::shop::attempt_id(1)));
        let (kind, owner) = (TimerKind::UnappliedMoneyDue, TimerOwner::Money(money_id));
        let timer = DueTimer { kind, owner, ..due(1) };
        let publication = publication(&Names::default(), DelayProvider::Ladder, &timer);
        let content_type = publication.properties.content_type.as_deref();
        let message = WireMessage { content_type, headers: &[], body: &publication.body };
        let envelope: Envelope<PaymentEvent> = decode(message, &Limits::default()).unwrap();
        let PaymentEvent::UnappliedDue(event) = envelope.event else { panic!("wrong kind") };
        assert_eq!((event.money_id, event.generation), (money_id, 3));
    }

    #[test]
    fn each_hand_over_has_an_id_of_its_own_that_fits_the_contract() {
        let longest = DueTimer { generation: i32::MAX, handover: i32::MAX, ..due(1) };
        assert_ne!(message_id(&due(1)), message_id(&due(2)));
        assert!(message_id(&longest).len() <= 64);
    }
}
