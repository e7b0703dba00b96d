//! Spans of messages whose senders sample their trace, exported where the environment asks for it.

mod client;
mod export;
mod ids;
mod settings;

use std::str::FromStr as _;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::trace::{
    Link, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Span;

use crate::start::StartError;
use export::Export;
pub use settings::{Refused, SpanSettings};

/// Longest time for the last spans when a process ends: its restart must not wait for a collector.
const LAST_SPANS: Duration = Duration::from_secs(2);

static EXPORT: OnceLock<Export> = OnceLock::new();

/// Begins to export; once per process, and only where the settings say so.
///
/// # Errors
/// When the settings ask for what is not built in, such as compression.
pub fn start(worker: &'static str, settings: Option<&SpanSettings>) -> Result<(), StartError> {
    let Some(settings) = settings else { return Ok(()) };
    let export = Export::start(worker, settings).map_err(StartError::Spans)?;
    EXPORT.set(export).or(Err(StartError::SpansTwice))
}

/// Brings away the last spans, for two seconds at most; without spans at once.
pub fn stop() {
    if let Some(export) = EXPORT.get() {
        export.stop(LAST_SPANS);
    }
}

/// Whether spans are exported.
pub fn is_on() -> bool {
    EXPORT.get().is_some()
}

/// A message as its span names it: what logs say of messages, and no more.
#[derive(Clone, Copy, Debug)]
pub struct SpanSubject<'a> {
    /// Its `traceparent`, and behind a blank its `tracestate` if it has one.
    pub trace: &'a str,
    /// The exchange that it was published to.
    pub exchange: &'a str,
    /// The routing key that it was published with.
    pub routing_key: &'a str,
    /// Its sender's id of it.
    pub message_id: &'a str,
    /// Its kind, if it could be read.
    pub event_type: Option<&'a str>,
    /// The order that it belongs to, if that is known.
    pub order_id: Option<&'a str>,
    /// The length of its body.
    pub body_bytes: usize,
}

/// Begins the span of a delivery; `None` where nothing is exported or the trace is not sampled.
pub fn delivery(subject: &SpanSubject<'_>, queue: &str, attempt: u32) -> Option<OpenSpan> {
    let SpanSubject { exchange, routing_key, .. } = subject;
    let mut attributes = attributes(subject);
    attributes.extend([
        KeyValue::new("messaging.operation.name", "process"),
        KeyValue::new("messaging.operation.type", "process"),
        KeyValue::new("messaging.destination.name", format!("{exchange}:{routing_key}:{queue}")),
        KeyValue::new("attempt", i64::from(attempt)),
    ]);
    begin(subject.trace, format!("process {queue}"), SpanKind::Consumer, attributes)
}

/// Begins the span of a message that is sent; `None` as for deliveries.
pub fn publication(subject: &SpanSubject<'_>) -> Option<OpenSpan> {
    let name = format!("publish {}", subject.exchange);
    begin(subject.trace, name, SpanKind::Producer, attributes_sent(subject))
}

/// Begins the span of a message that is sent again and begins the trace that it carries.
///
/// It is the span that the message names, and has a link to the trace that the message had before.
pub fn replay(subject: &SpanSubject<'_>, earlier: Option<&str>) -> Option<OpenSpan> {
    let export = EXPORT.get()?;
    let own = parent(subject.trace).filter(SpanContext::is_sampled)?;
    let links = earlier.and_then(parent).map(|earlier| Link::new(earlier, Vec::new(), 0));
    let span = SpanBuilder::from_name(format!("publish {}", subject.exchange))
        .with_kind(SpanKind::Producer)
        .with_links(links.into_iter().collect())
        .with_attributes(attributes_sent(subject));
    let begin = || export.tracer.build_with_context(span, &Context::new());
    Some(OpenSpan { span: Box::new(ids::named(&own, begin)), is_ended: false })
}

fn attributes_sent(subject: &SpanSubject<'_>) -> Vec<KeyValue> {
    let SpanSubject { exchange, routing_key, .. } = subject;
    let mut attributes = attributes(subject);
    attributes.extend([
        KeyValue::new("messaging.operation.name", "publish"),
        KeyValue::new("messaging.operation.type", "send"),
        KeyValue::new("messaging.destination.name", format!("{exchange}:{routing_key}")),
    ]);
    attributes
}

/// The names are OpenTelemetry's for messaging; those without a dot are our logs'.
fn attributes(subject: &SpanSubject<'_>) -> Vec<KeyValue> {
    let text = |name: &'static str, value: &str| KeyValue::new(name, value.to_owned());
    let mut attributes = vec![
        text("messaging.system", "rabbitmq"),
        text("messaging.rabbitmq.destination.routing_key", subject.routing_key),
        text("messaging.message.id", subject.message_id),
        KeyValue::new(
            "messaging.message.body.size",
            i64::try_from(subject.body_bytes).unwrap_or(i64::MAX),
        ),
    ];
    attributes.extend(subject.event_type.map(|kind| text("event_type", kind)));
    if let Some(order) = subject.order_id {
        attributes.push(text("order_id", order));
        attributes.push(text("messaging.message.conversation_id", order));
    }
    attributes
}

fn begin(trace: &str, name: String, kind: SpanKind, attributes: Vec<KeyValue>) -> Option<OpenSpan> {
    let export = EXPORT.get()?;
    let parent = parent(trace).filter(SpanContext::is_sampled)?;
    let context = Context::new().with_remote_span_context(parent);
    let span = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes);
    let span = Box::new(export.tracer.build_with_context(span, &context));
    Some(OpenSpan { span, is_ended: false })
}

/// The context that a message carries.
fn parent(trace: &str) -> Option<SpanContext> {
    let (parent, state) = trace.split_once(' ').unwrap_or((trace, ""));
    let mut parts = parent.split('-').skip(1);
    let trace_id = TraceId::from_hex(parts.next()?).ok()?;
    let span_id = SpanId::from_hex(parts.next()?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
    let state = TraceState::from_str(state).unwrap_or_default();
    Some(SpanContext::new(trace_id, span_id, flags, true, state))
}

/// A span that goes on.
///
/// One that is let go of is ended as `unfinished`: its message comes again.
#[derive(Debug)]
pub struct OpenSpan {
    span: Box<Span>,
    is_ended: bool,
}

impl OpenSpan {
    /// Ends it: all went well, with this outcome.
    pub fn done(mut self, outcome: &'static str) {
        self.end(outcome, None);
    }

    /// Ends it: it failed with this code, and this became of it.
    pub fn failed(mut self, outcome: &'static str, code: &str) {
        self.end(outcome, Some(code));
    }

    fn end(&mut self, outcome: &'static str, code: Option<&str>) {
        use opentelemetry::trace::Span as _;
        self.is_ended = true;
        self.span.set_attribute(KeyValue::new("outcome", outcome));
        if let Some(code) = code {
            self.span.set_attribute(KeyValue::new("error.type", code.to_owned()));
            self.span.set_status(Status::error(code.to_owned()));
        }
        self.span.end();
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if !self.is_ended {
            self.end("unfinished", Some("unfinished"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_context_of_a_message_is_the_parent() {
        let context = parent(&format!("{PARENT} shop=a,other=b")).unwrap();
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span_id().to_string(), "00f067aa0ba902b7");
        assert_eq!(context.trace_state().header(), "shop=a,other=b");
        assert!(context.is_sampled() && context.is_remote());
        assert!(!parent(&PARENT.replace("-01", "-00")).unwrap().is_sampled());
        assert!(parent("no trace").is_none());
    }

    #[test]
    fn without_settings_there_are_no_spans() {
        start("test", None).unwrap();
        let subject = SpanSubject {
            trace: PARENT,
            exchange: "shop.events",
            routing_key: "order.created",
            message_id: "e-1",
            event_type: None,
            order_id: None,
            body_bytes: 2,
        };
        assert!(!is_on());
        assert!(delivery(&subject, "orderflow.order-created", 1).is_none());
        assert!(publication(&subject).is_none());
        assert!(replay(&subject, None).is_none());
        stop();
    }
}
