//! Ids of traces and spans: random, or those that a message has already.

use std::cell::Cell;

use opentelemetry::trace::{SpanContext, SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    /// What the next span of this thread is called, if it was named before it began.
    static NAMED: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };
}

/// Gives random ids, but for a span that begins the trace which a message carries.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

/// Begins a span by the ids of this context; `begin` begins one and no more.
pub(super) fn named<T>(context: &SpanContext, begin: impl FnOnce() -> T) -> T {
    NAMED.set(Some((context.trace_id(), context.span_id())));
    let span = begin();
    NAMED.set(None);
    span
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NAMED.get().map_or_else(|| self.0.new_trace_id(), |(trace, _)| trace)
    }

    fn new_span_id(&self) -> SpanId {
        NAMED.get().map_or_else(|| self.0.new_span_id(), |(_, span)| span)
    }
}
