//! The span of each message that is sent in the trace of the event that caused it.

use std::borrow::Cow;

use broker::Publication;
use contracts::TraceContext;
use serde::Deserialize;
use store::outbox::PendingMessage;
use telemetry::spans::{self, OpenSpan, SpanSubject};

use crate::publication::Fate;

/// The spans of these messages, one place for each; no place where nothing is exported.
pub(crate) fn begin(
    rows: &[PendingMessage],
    publications: &[Publication],
) -> Vec<Option<OpenSpan>> {
    if !spans::is_on() {
        return Vec::new();
    }
    rows.iter().zip(publications).map(|(row, publication)| of_message(row, publication)).collect()
}

/// Ends a message's span by what the broker said to it.
pub(crate) fn end(span: OpenSpan, fate: Fate) {
    match fate {
        Fate::Sent | Fate::Unheard => span.done(fate.name()),
        Fate::Postponed(_) | Fate::Unconfirmed => span.failed(fate.name(), fate.name()),
    }
}

fn of_message(row: &PendingMessage, publication: &Publication) -> Option<OpenSpan> {
    let trace = trace(row, publication).filter(TraceContext::is_sampled)?;
    let order_id = row.order().map(|order| order.to_string());
    spans::publication(&SpanSubject {
        trace: trace.as_str(),
        exchange: &publication.exchange,
        routing_key: &row.routing_key,
        message_id: &row.message_id,
        event_type: Some(&row.type_name),
        order_id: order_id.as_deref(),
        body_bytes: row.body.len(),
    })
}

/// The context that a message carries: in its body, or in its headers where it returns.
fn trace(row: &PendingMessage, publication: &Publication) -> Option<TraceContext> {
    let headers = &publication.properties.headers;
    let in_headers = headers.str("traceparent");
    if let Some(parent) = in_headers {
        return TraceContext::new(parent, headers.str("tracestate"));
    }
    let carried: Carried<'_> = serde_json::from_slice(&row.body).ok()?;
    TraceContext::new(&carried.traceparent?, carried.tracestate.as_deref())
}

/// What a body says of its trace.
#[derive(Deserialize)]
struct Carried<'a> {
    #[serde(borrow)]
    traceparent: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tracestate: Option<Cow<'a, str>>,
}
