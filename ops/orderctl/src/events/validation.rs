//! What the contract says about a message: by the workers' decoder and by JSON Schema.

use contracts::events::{DisputeEvent, OrderEvent, PaymentEvent, RefundEvent, TimerEvent};
use contracts::{
    DecodeError, Envelope, Event, EventKind, Limits, OrderRef, STRUCTURED_CONTENT_TYPE, Timestamp,
    WireMessage, decode,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::events::{AnyEvent, schemas};

/// A rule that a message breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// The decoder's stable code, or `schema-` and a keyword of JSON Schema.
    pub(crate) code: String,
    /// JSON pointer to the offending place; empty for the message as a whole.
    pub(crate) pointer: String,
    /// The rule in words; never quotes the message's values.
    pub(crate) rule: String,
    /// What the schema says about the field.
    pub(crate) documentation: Option<String>,
}

/// What the decoder read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Which event it is.
    pub(crate) kind: EventKind,
    /// The sender's id of the message.
    pub(crate) id: String,
    /// Who sent it.
    pub(crate) source: String,
    /// When it happened.
    pub(crate) occurred_at: Timestamp,
    /// The order it belongs to.
    pub(crate) order: OrderRef,
}

/// What is to be said about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What the decoder read, if it accepts the message.
    pub(crate) accepted: Option<Accepted>,
    /// Which event it claims to be.
    pub(crate) claims: Option<EventKind>,
    /// Every rule it breaks; none when it is valid.
    pub(crate) problems: Vec<Problem>,
}

/// Validates messages that are all sent in one way.
#[derive(Clone, Debug)]
pub(crate) struct Validator {
    /// What a message may cost, and which world it may belong to.
    pub(crate) limits: Limits,
    /// Whose worker's rules count; any known event's when absent.
    pub(crate) event: Option<EventKind>,
    /// The AMQP content type.
    pub(crate) content_type: String,
    /// The AMQP headers.
    pub(crate) headers: Vec<(String, String)>,
}

impl Validator {
    /// For any event, sent as structured `CloudEvents`.
    pub(crate) fn structured(limits: Limits) -> Self {
        let content_type = STRUCTURED_CONTENT_TYPE.to_owned();
        Self { limits, event: None, content_type, headers: Vec::new() }
    }

    /// What the contract says about a message.
    pub(crate) fn validate(&self, body: &[u8]) -> Verdict {
        let message = self.message(body);
        let claims = message.as_ref().and_then(claimed_kind).or(self.event);
        let (accepted, broken) = match self.decode(body) {
            Ok(accepted) => (Some(accepted), None),
            Err(error) => (None, Some(error)),
        };
        let mut problems = Vec::new();
        if let (Some(kind), Some(message)) = (claims, &message) {
            problems = schemas::problems(kind, message);
        }
        if let Some(error) = broken {
            // The decoder knows better than the schema what is wrong at its place.
            problems.retain(|problem| !lies_within(&problem.pointer, &error.pointer));
            problems.insert(0, from_decoder(error, claims));
        }
        Verdict { accepted, claims, problems }
    }

    fn decode(&self, body: &[u8]) -> Result<Accepted, DecodeError> {
        let headers: Vec<_> = self.headers.iter().map(|(name, text)| (&**name, &**text)).collect();
        let content_type = Some(&*self.content_type);
        let message = WireMessage { content_type, headers: &headers, body };
        let limits = &self.limits;
        match self.event {
            None => accepted::<AnyEvent>(message, limits),
            Some(
                EventKind::OrderCreated
                | EventKind::OrderCancelRequested
                | EventKind::ConsentWithdrawn,
            ) => accepted::<OrderEvent>(message, limits),
            Some(
                EventKind::PaymentAttempted
                | EventKind::UnappliedDue
                | EventKind::ReserveReplied
                | EventKind::ReserveAnswerDue,
            ) => accepted::<PaymentEvent>(message, limits),
            Some(EventKind::PaymentTimeout | EventKind::PaymentReminder) => {
                accepted::<TimerEvent>(message, limits)
            }
            Some(
                EventKind::RefundRequested
                | EventKind::RefundUpdated
                | EventKind::RefundReviewed
                | EventKind::RefundReviewDue,
            ) => accepted::<RefundEvent>(message, limits),
            Some(
                EventKind::DisputeOpened
                | EventKind::DisputeUpdated
                | EventKind::EvidenceSubmitted
                | EventKind::DisputeMediated
                | EventKind::DisputeDeadline,
            ) => accepted::<DisputeEvent>(message, limits),
        }
    }

    /// The message as the schema sees it: with the attributes that binary mode has in headers.
    fn message(&self, body: &[u8]) -> Option<Value> {
        let body = serde_json::from_slice(body).ok()?;
        if self.headers.is_empty() {
            return Some(body);
        }
        let attribute = |(name, value): &(String, String)| {
            let name = name.trim_start_matches("cloudEvents").trim_start_matches("ce");
            let name = name.strip_prefix(['-', '_', ':'])?;
            Some((name.to_owned(), Value::from(value.as_str())))
        };
        let mut message: Map<_, _> = self.headers.iter().filter_map(attribute).collect();
        message.insert("data".to_owned(), body);
        Some(Value::Object(message))
    }
}

fn accepted<E: Event>(message: WireMessage<'_>, limits: &Limits) -> Result<Accepted, DecodeError> {
    let Envelope { id, source, kind, event, .. } = decode::<E>(message, limits)?;
    Ok(Accepted {
        kind,
        id: id.to_string(),
        source: source.to_string(),
        occurred_at: event.occurred_at(),
        order: event.order_ref(),
    })
}

fn claimed_kind(message: &Value) -> Option<EventKind> {
    let name = message.get("type")?.as_str()?;
    EventKind::ALL.into_iter().find(|kind| kind.type_name() == name)
}

fn lies_within(pointer: &str, outer: &str) -> bool {
    pointer.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn from_decoder(error: DecodeError, kind: Option<EventKind>) -> Problem {
    let documentation = kind
        .filter(|_| !error.pointer.is_empty())
        .and_then(|kind| schemas::documentation(kind, &error.pointer));
    let DecodeError { code, pointer, rule } = error;
    Problem { code: code.as_str().to_owned(), pointer, rule, documentation }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::example;
    use crate::events::examples::EXAMPLES;

    fn minimal() -> Value {
        let example = example(EventKind::OrderCreated, "minimal").unwrap();
        serde_json::from_str(example.body).unwrap()
    }

    #[test]
    fn every_example_is_valid() {
        for example in EXAMPLES {
            let validator = Validator::structured(Limits::default());
            let verdict = validator.validate(example.body.as_bytes());
            assert_eq!(verdict.problems, [], "{} {}", example.kind, example.name);
            assert_eq!(verdict.accepted.map(|it| it.kind), Some(example.kind));
        }
    }

    #[test]
    fn the_decoders_word_comes_first_and_the_schema_adds_other_places() {
        let body = example(EventKind::OrderCreated, "minimal").unwrap().body;
        let body = body.replace("5800", "58.5").replace("\"revision\": 1", "\"revision\": 0");
        let problems = Validator::structured(Limits::default()).validate(body.as_bytes()).problems;
        let found: Vec<_> = problems.iter().map(|it| (&*it.code, &*it.pointer)).collect();
        assert_eq!(
            found,
            [("invalid-amount", "/data/total/amount_minor"), ("schema-minimum", "/data/revision")]
        );
        let documented = problems[0].documentation.as_deref().unwrap_or_default();
        assert!(documented.starts_with("The amount as a JSON integer"), "{documented}");
    }

    #[test]
    fn a_message_is_judged_by_the_worker_that_would_get_it() {
        let mut validator = Validator::structured(Limits::default());
        validator.event = Some(EventKind::PaymentAttempted);
        let verdict = validator.validate(minimal().to_string().as_bytes());
        assert_eq!(verdict.problems[0].code, "unknown-type");
    }

    #[test]
    fn binary_mode_is_judged_with_its_headers() {
        let mut message = minimal();
        let body = message["data"].take().to_string();
        let header = |name: &str| {
            let value = message[name].as_str().unwrap().to_owned();
            (format!("cloudEvents_{name}"), value)
        };
        let validator = Validator {
            content_type: "application/json".to_owned(),
            headers: ["specversion", "id", "source", "type"].map(header).to_vec(),
            ..Validator::structured(Limits::default())
        };
        assert_eq!(validator.validate(body.as_bytes()).problems, []);
        let broken = validator.validate(b"{}");
        assert_eq!(broken.problems[0].code, "missing-field");
        assert!(broken.problems.len() > 5, "{:?}", broken.problems);
    }
}
