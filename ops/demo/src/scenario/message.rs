//! Messages before they have times, and how they look on the wire.

use std::time::Duration;

use contracts::{EventKind, OrderId, STRUCTURED_CONTENT_TYPE, Timestamp};
use serde_json::{Map, Value, json};

/// Prefixes by which senders mark event attributes in headers.
pub(super) const HEADER_PREFIXES: [&str; 3] = ["ce-", "cloudEvents_", "cloudEvents:"];

/// A message whose times follow from when its story begins.
#[derive(Clone, Debug)]
pub struct Message {
    /// The sender's id.
    pub id: String,
    /// What it says.
    pub content: Content,
}

/// What a message says.
#[derive(Clone, Debug)]
pub enum Content {
    /// An event as the contract wants it.
    Event(Event),
    /// Anything else.
    Raw(Raw),
}

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which kind.
    pub kind: EventKind,
    /// Who sends it.
    pub source: &'static str,
    /// Its order, if the sender knows it.
    pub subject: Option<OrderId>,
    /// Its fields but for the times.
    pub data: Map<String, Value>,
    /// Its fields that are times.
    pub times: Vec<(&'static str, Moment)>,
    /// How it is put into a message.
    pub form: Form,
}

/// A point in time of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This long after the story's beginning.
    At(Duration),
    /// When it is published for the first time.
    Now,
}

/// How an event is put into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Envelope and data in the body.
    Structured,
    /// The envelope in headers with this prefix.
    Binary(&'static str),
}

/// A message, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// What it is routed by.
    pub routing_key: &'static str,
    /// What it claims to be.
    pub content_type: Option<&'static str>,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// A message as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The sender's id.
    pub message_id: String,
    /// What it is routed by.
    pub routing_key: &'static str,
    /// What it claims to be.
    pub content_type: Option<&'static str>,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// The times that a message is filled in with.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// When its story began.
    pub begun: Timestamp,
    /// When it was published for the first time.
    pub first: Timestamp,
    /// When it is published now.
    pub now: Timestamp,
}

impl Message {
    /// The message with its times; a copy differs only in when it was published.
    pub fn render(&self, clock: Clock) -> Wire {
        match &self.content {
            Content::Event(event) => event.render(&self.id, clock),
            Content::Raw(raw) => Wire {
                message_id: self.id.clone(),
                routing_key: raw.routing_key,
                content_type: raw.content_type,
                headers: raw.headers.clone(),
                body: raw.body.clone(),
            },
        }
    }
}

impl Event {
    /// Sets a field.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> &mut Self {
        self.data.insert(field.to_owned(), value.into());
        self
    }

    /// Sets a field that is a time.
    pub fn set_time(&mut self, field: &'static str, moment: Moment) -> &mut Self {
        self.times.retain(|(known, _)| *known != field);
        self.times.push((field, moment));
        self
    }

    fn render(&self, id: &str, clock: Clock) -> Wire {
        let data = Value::Object(self.data_at(clock));
        let attributes = self.attributes(id, clock.now);
        let (content_type, headers, body) = match self.form {
            Form::Structured => {
                let mut envelope: Map<String, Value> =
                    attributes.into_iter().map(|(name, value)| (name, json!(value))).collect();
                envelope.insert("data".to_owned(), data);
                (STRUCTURED_CONTENT_TYPE, Vec::new(), Value::Object(envelope))
            }
            Form::Binary(prefix) => {
                let headers = attributes
                    .into_iter()
                    .map(|(name, value)| (format!("{prefix}{name}"), value))
                    .collect();
                ("application/json", headers, data)
            }
        };
        Wire {
            message_id: id.to_owned(),
            routing_key: self.kind.name(),
            content_type: Some(content_type),
            headers,
            body: body.to_string().into_bytes(),
        }
    }

    fn data_at(&self, clock: Clock) -> Map<String, Value> {
        let mut data = self.data.clone();
        for (field, moment) in &self.times {
            let time = match moment {
                Moment::At(offset) => clock.begun.plus(*offset),
                Moment::Now => clock.first,
            };
            data.insert((*field).to_owned(), json!(time));
        }
        data
    }

    fn attributes(&self, id: &str, now: Timestamp) -> Vec<(String, String)> {
        let required = [
            ("specversion", "1.0".to_owned()),
            ("id", id.to_owned()),
            ("source", self.source.to_owned()),
            ("type", self.kind.type_name().to_owned()),
            ("recordedtime", now.to_string()),
        ];
        let subject = self.subject.map(|order| ("subject", order.to_string()));
        let all = required.into_iter().chain(subject);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
