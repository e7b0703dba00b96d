//! The span of each replay: it begins the trace that the message carries from now on.

use broker::{Outcome, Publication};
use runtime::headers;
use telemetry::spans::{self, OpenSpan, SpanSubject};

/// The spans of these messages, one place for each; no place where nothing is exported.
pub(crate) fn begin(publications: &[Publication]) -> Vec<Option<OpenSpan>> {
    if !spans::is_on() {
        return Vec::new();
    }
    publications.iter().map(of_replay).collect()
}

/// Ends them by what the broker said to each.
pub(crate) fn end(open: Vec<Option<OpenSpan>>, outcomes: &[Outcome]) {
    for (span, outcome) in open.into_iter().zip(outcomes) {
        let Some(span) = span else { continue };
        match outcome {
            Outcome::Confirmed => span.done("sent"),
            Outcome::Returned { .. } => span.failed("returned", "returned"),
            // Its lease runs out, and it is sent again.
            Outcome::Nacked | Outcome::TimedOut => span.failed("unknown", "unconfirmed"),
            Outcome::Invalid(_) => span.failed("skipped", "unsendable"),
        }
    }
}

fn of_replay(publication: &Publication) -> Option<OpenSpan> {
    let properties = &publication.properties;
    let subject = SpanSubject {
        trace: properties.headers.str(headers::TRACEPARENT)?,
        exchange: &publication.exchange,
        routing_key: &publication.routing_key,
        message_id: properties.message_id.as_deref().unwrap_or_default(),
        event_type: properties.type_name.as_deref(),
        order_id: None,
        body_bytes: publication.body.len(),
    };
    spans::replay(&subject, properties.headers.str(headers::REPLAYED_TRACE))
}
