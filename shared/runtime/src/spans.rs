//! The span of a delivery, from here to what becomes of it.

use broker::Delivery;
use contracts::{Envelope, Event, TraceContext};
use telemetry::spans::{self, OpenSpan, SpanSubject};

/// The span of a delivery that was decoded; mostly there is none.
pub(crate) fn of_event<E: Event>(
    delivery: &Delivery,
    envelope: &Envelope<E>,
    queue: &str,
    attempt: u32,
) -> Option<OpenSpan> {
    let trace = wanted(envelope.trace.as_ref())?;
    let order_id = envelope.event.order_ref().order().map(|order| order.to_string());
    let subject = SpanSubject {
        event_type: Some(envelope.kind.name()),
        order_id: order_id.as_deref(),
        ..subject(delivery, trace, envelope.id.as_str())
    };
    spans::delivery(&subject, queue, attempt)
}

/// The span of a delivery that was not, with card data out of it already.
pub(crate) fn of_failed(
    delivery: &Delivery,
    trace: Option<&TraceContext>,
    message_id: &str,
    queue: &str,
    attempt: u32,
) -> Option<OpenSpan> {
    spans::delivery(&subject(delivery, wanted(trace)?, message_id), queue, attempt)
}

/// A trace that its sender records, where spans are exported.
fn wanted(trace: Option<&TraceContext>) -> Option<&TraceContext> {
    if spans::is_on() { trace.filter(|trace| trace.is_sampled()) } else { None }
}

fn subject<'a>(
    delivery: &'a Delivery,
    trace: &'a TraceContext,
    message_id: &'a str,
) -> SpanSubject<'a> {
    SpanSubject {
        trace: trace.as_str(),
        exchange: &delivery.exchange,
        routing_key: &delivery.routing_key,
        message_id,
        event_type: None,
        order_id: None,
        body_bytes: delivery.body.len(),
    }
}
