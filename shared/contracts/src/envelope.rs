//! The CloudEvents envelope, read and written.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{EventKind, OrderId, Timestamp, Token, TraceContext};

/// Content type of structured CloudEvents JSON, the canonical form.
pub const STRUCTURED_CONTENT_TYPE: &str = "application/cloudevents+json";

/// A decoded message: who sent what, and the event itself.
#[derive(Clone, Debug)]
pub struct Envelope<E> {
    /// The sender's id of the message; with `source` the key against duplicates (case 26).
    pub id: Token<64>,
    /// Who sent it.
    pub source: Token<128>,
    /// Which kind of event it is.
    pub kind: EventKind,
    /// When it happened, if the envelope says so; the data always does.
    pub time: Option<Timestamp>,
    /// When it was published.
    pub recorded_time: Option<Timestamp>,
    /// The W3C trace it belongs to.
    pub trace: Option<TraceContext>,
    /// SHA-256 of the kind and the data: the same id with another digest is another fact (case 27).
    pub digest: [u8; 32],
    /// The event.
    pub event: E,
}

/// The attributes of a message before its data is read.
#[derive(Deserialize)]
pub(crate) struct Attributes<'a> {
    #[serde(borrow)]
    pub(crate) specversion: Cow<'a, str>,
    pub(crate) id: Token<64>,
    pub(crate) source: Token<128>,
    #[serde(borrow, rename = "type")]
    pub(crate) type_name: Cow<'a, str>,
    pub(crate) subject: Option<OrderId>,
    pub(crate) time: Option<Timestamp>,
    #[serde(rename = "recordedtime")]
    pub(crate) recorded_time: Option<Timestamp>,
    pub(crate) traceparent: Option<Token<64>>,
    #[serde(default, deserialize_with = "text_if_any")]
    pub(crate) tracestate: Option<String>,
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
}

/// The text, or nothing: what else a sender may have put there is no reason to refuse a message.
fn text_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let raw = Option::<&'de RawValue>::deserialize(from)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

/// A message of ours, written as structured CloudEvents.
#[derive(Debug, Serialize)]
pub struct Outgoing<'a, D: Serialize> {
    /// Always 1.0.
    specversion: &'static str,
    /// Stable over re-sends.
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    type_name: &'a str,
    subject: OrderId,
    time: Timestamp,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracestate: Option<&'a str>,
    data: D,
}

impl<'a, D: Serialize> Outgoing<'a, D> {
    /// A message about an order.
    pub fn new(
        id: &'a str,
        source: &'a str,
        type_name: &'a str,
        subject: OrderId,
        time: Timestamp,
        data: D,
    ) -> Self {
        Self {
            specversion: "1.0",
            id,
            source,
            type_name,
            subject,
            time,
            datacontenttype: "application/json",
            causationid: None,
            traceparent: None,
            tracestate: None,
            data,
        }
    }

    /// Names the message that caused this one.
    #[must_use]
    pub fn caused_by(mut self, id: &'a str) -> Self {
        self.causationid = Some(id);
        self
    }

    /// Continues a W3C trace.
    #[must_use]
    pub fn traced(mut self, trace: Option<&'a TraceContext>) -> Self {
        self.traceparent = trace.map(TraceContext::parent);
        self.tracestate = trace.and_then(TraceContext::state);
        self
    }

    /// The message's body.
    pub fn to_body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("our own messages have string keys and finite numbers only")
    }
}
