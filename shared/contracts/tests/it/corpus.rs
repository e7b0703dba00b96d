//! The schemas and examples as they lie in the repository, and one decoder for every kind.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use contracts::events::{DisputeEvent, OrderEvent, PaymentEvent, RefundEvent, TimerEvent};
use contracts::{
    DecodeError, Event, EventKind, Limits, RuleCode, STRUCTURED_CONTENT_TYPE, WireMessage, decode,
};
use jsonschema::{Registry, Validator};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/events"))
}

/// What a decoded message says, whichever kind it is of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) kind: EventKind,
    pub(crate) message: (String, String),
    pub(crate) digest: [u8; 32],
    pub(crate) event: String,
}

/// Decodes a message as the worker that consumes this kind does.
pub(crate) fn decode_as(
    kind: EventKind,
    message: WireMessage<'_>,
    limits: &Limits,
) -> Result<Decoded, DecodeError> {
    match kind {
        EventKind::OrderCreated | EventKind::OrderCancelRequested | EventKind::ConsentWithdrawn => {
            decoded::<OrderEvent>(message, limits)
        }
        EventKind::PaymentAttempted
        | EventKind::UnappliedDue
        | EventKind::ReserveReplied
        | EventKind::ReserveAnswerDue => decoded::<PaymentEvent>(message, limits),
        EventKind::PaymentTimeout | EventKind::PaymentReminder => {
            decoded::<TimerEvent>(message, limits)
        }
        EventKind::RefundRequested
        | EventKind::RefundUpdated
        | EventKind::RefundReviewed
        | EventKind::RefundReviewDue => decoded::<RefundEvent>(message, limits),
        EventKind::DisputeOpened
        | EventKind::DisputeUpdated
        | EventKind::EvidenceSubmitted
        | EventKind::DisputeMediated
        | EventKind::DisputeDeadline => decoded::<DisputeEvent>(message, limits),
    }
}

fn decoded<E: Event + std::fmt::Debug>(
    message: WireMessage<'_>,
    limits: &Limits,
) -> Result<Decoded, DecodeError> {
    let envelope = decode::<E>(message, limits)?;
    assert_eq!(envelope.kind, envelope.event.kind());
    Ok(Decoded {
        kind: envelope.kind,
        message: (envelope.source.to_string(), envelope.id.to_string()),
        digest: envelope.digest,
        event: format!("{:?}", envelope.event),
    })
}

/// A message in structured mode.
pub(crate) fn structured(body: &[u8]) -> WireMessage<'_> {
    WireMessage { content_type: Some(STRUCTURED_CONTENT_TYPE), headers: &[], body }
}

/// Decodes a body in structured mode on the live system.
pub(crate) fn decode_body(kind: EventKind, body: impl AsRef<[u8]>) -> Result<Decoded, DecodeError> {
    decode_as(kind, structured(body.as_ref()), &Limits::default())
}

/// The schema of each kind, and the definitions that they share.
pub(crate) struct Schemas {
    pub(crate) definitions: Value,
    by_kind: BTreeMap<EventKind, (Value, Validator)>,
}

impl Schemas {
    pub(crate) fn document(&self, kind: EventKind) -> &Value {
        &self.by_kind[&kind].0
    }

    pub(crate) fn accepts(&self, kind: EventKind, message: &Value) -> bool {
        self.by_kind[&kind].1.is_valid(message)
    }
}

pub(crate) static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let definitions = schema("definitions");
    let id = definitions["$id"].as_str().expect("the definitions have an $id");
    let registry = Registry::new()
        .add(id, definitions.clone())
        .and_then(jsonschema::RegistryBuilder::prepare)
        .expect("the definitions are a schema");
    let build = |kind: EventKind| {
        let document = schema(kind.name());
        let validator = jsonschema::draft202012::options()
            .with_registry(&registry)
            .should_validate_formats(true)
            .build(&document)
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        (kind, (document, validator))
    };
    let by_kind = EventKind::ALL.into_iter().map(build).collect();
    Schemas { definitions, by_kind }
});

fn schema(name: &str) -> Value {
    let path = folder().join(format!("{name}.schema.json"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A message that every shop may send.
pub(crate) struct Valid {
    pub(crate) kind: EventKind,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) message: Value,
}

pub(crate) static VALID: LazyLock<Vec<Valid>> = LazyLock::new(|| {
    let read = |(kind, name, text): (EventKind, String, String)| {
        let message = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Valid { kind, name, text, message }
    };
    files("valid").into_iter().map(read).collect()
});

/// The example of this name, such as `full`.
pub(crate) fn example(kind: EventKind, name: &str) -> &'static Value {
    let wanted =
        |valid: &&Valid| valid.kind == kind && valid.name.ends_with(&format!("/{name}.json"));
    &VALID.iter().find(wanted).unwrap_or_else(|| panic!("{kind} has no example `{name}`")).message
}

/// A message that breaks one rule, and which one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broken {
    pub(crate) description: String,
    pub(crate) expect: Expect,
    /// Whether JSON Schema cannot express the rule; the description says why.
    pub(crate) schema_accepts: bool,
    #[serde(default)]
    content_type: ContentType,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body as it stands in the file: `1e3` and `1.0` are not rewritten.
    message: Option<Box<RawValue>>,
    raw: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) code: String,
    pub(crate) pointer: String,
}

/// Structured when the example does not say; none when it says null.
#[derive(Deserialize)]
struct ContentType(Option<String>);

impl Default for ContentType {
    fn default() -> Self {
        Self(Some(STRUCTURED_CONTENT_TYPE.to_owned()))
    }
}

impl Broken {
    pub(crate) fn body(&self) -> &str {
        match (&self.message, &self.raw) {
            (Some(message), None) => message.get(),
            (None, Some(raw)) => raw,
            (Some(_), Some(_)) | (None, None) => panic!("needs either `message` or `raw`"),
        }
    }

    /// The body as JSON, unless it is none.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(self.body()).ok()
    }

    pub(crate) fn decode_as(&self, kind: EventKind) -> Result<Decoded, DecodeError> {
        let headers: Vec<_> = self.headers.iter().map(|(name, text)| (&**name, &**text)).collect();
        let message = WireMessage {
            content_type: self.content_type.0.as_deref(),
            headers: &headers,
            body: self.body().as_bytes(),
        };
        decode_as(kind, message, &Limits::default())
    }
}

pub(crate) fn invalid() -> Vec<(EventKind, String, Broken)> {
    let read = |(kind, name, text): (EventKind, String, String)| {
        let broken = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (kind, name, broken)
    };
    files("invalid").into_iter().map(read).collect()
}

/// Every example of one sort: its kind, its path and its text.
fn files(sort: &str) -> Vec<(EventKind, String, String)> {
    let mut found = Vec::new();
    for kind in EventKind::ALL {
        let folder = folder().join("examples").join(sort).join(kind.name());
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("the folder can be read").path();
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push((kind, path.display().to_string(), text));
        }
    }
    found
}

/// A message with one value replaced.
pub(crate) fn with(message: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = message.clone();
    *changed.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is missing")) = value;
    changed
}

/// The text of a message with one value replaced by a literal, such as `1e3`.
pub(crate) fn with_literal(message: &Value, pointer: &str, literal: &str) -> String {
    const MARK: &str = "the literal";
    let text = with(message, pointer, Value::from(MARK)).to_string();
    text.replace(&format!("\"{MARK}\""), literal)
}

/// A message with one field added or replaced.
pub(crate) fn with_field(message: &Value, object: &str, field: &str, value: Value) -> Value {
    let mut changed = message.clone();
    let fields = changed.pointer_mut(object).and_then(Value::as_object_mut);
    let fields = fields.unwrap_or_else(|| panic!("{object} is no object"));
    fields.insert(field.to_owned(), value);
    changed
}

/// A message with one field or item taken out.
pub(crate) fn without(message: &Value, pointer: &str) -> Value {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer starts with a slash");
    let mut changed = message.clone();
    let fields = changed.pointer_mut(parent).and_then(Value::as_object_mut);
    let removed = fields.and_then(|fields| fields.remove(field));
    assert!(removed.is_some(), "{pointer} is missing");
    changed
}

/// Pointers to every value of a message, the message itself first.
pub(crate) fn pointers(message: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(pointer) = found.get(next).cloned() {
        match message.pointer(&pointer).expect("the pointer was found in the message") {
            Value::Object(fields) => {
                found.extend(fields.keys().map(|field| format!("{pointer}/{field}")));
            }
            Value::Array(items) => {
                found.extend((0..items.len()).map(|index| format!("{pointer}/{index}")));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        next += 1;
    }
    found
}

/// Asserts code and pointer of a refusal.
#[track_caller]
pub(crate) fn assert_refused(result: Result<Decoded, DecodeError>, code: RuleCode, pointer: &str) {
    let error = result.expect_err("the message breaks a rule");
    assert_eq!((error.code, &*error.pointer), (code, pointer), "{error}");
}
