//! The span of each hand-over, in the trace of the event that armed the timer.

use broker::{Outcome, Publication};
use contracts::TraceContext;
use store::timers::DueTimer;
use telemetry::spans::{self, OpenSpan, SpanSubject};

/// The spans of these hand-overs, one place for each; no place where nothing is exported.
pub(crate) fn begin(timers: &[DueTimer], publications: &[Publication]) -> Vec<Option<OpenSpan>> {
    if !spans::is_on() {
        return Vec::new();
    }
    timers.iter().zip(publications).map(|(timer, message)| of_timer(timer, message)).collect()
}

/// Ends them by what the broker said to each.
pub(crate) fn end(open: Vec<Option<OpenSpan>>, outcomes: &[Outcome]) {
    for (span, outcome) in open.into_iter().zip(outcomes) {
        let Some(span) = span else { continue };
        match outcome {
            Outcome::Confirmed => span.done("confirmed"),
            Outcome::Returned { .. } => span.failed("given-back", "returned"),
            Outcome::Nacked | Outcome::TimedOut => span.failed("given-back", "unconfirmed"),
            Outcome::Invalid(_) => span.failed("given-back", "unsendable"),
        }
    }
}

fn of_timer(timer: &DueTimer, publication: &Publication) -> Option<OpenSpan> {
    let trace = timer.trace.as_ref().filter(|trace| trace.is_sampled())?;
    let order_id = timer.order.to_string();
    spans::publication(&SpanSubject {
        trace: TraceContext::as_str(trace),
        exchange: &publication.exchange,
        routing_key: &publication.routing_key,
        message_id: publication.properties.message_id.as_deref().unwrap_or_default(),
        event_type: Some(timer.kind.event().name()),
        order_id: Some(&order_id),
        body_bytes: publication.body.len(),
    })
}
