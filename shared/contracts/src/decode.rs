//! From the bytes of a message to an event, or to one precise error.

use serde::Deserialize;
use serde::de::value::BorrowedStrDeserializer;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::card_data::card_data;
use crate::envelope::Attributes;
use crate::error::{DecodeError, RuleCode};
use crate::event::DataError;
use crate::{Envelope, Event, EventKind, OrderRef, STRUCTURED_CONTENT_TYPE, TraceContext};

/// A message as the broker hands it over.
#[derive(Clone, Copy, Debug)]
pub struct WireMessage<'a> {
    /// The AMQP content type.
    pub content_type: Option<&'a str>,
    /// The AMQP headers that are text.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// What a message may cost, and which world it may belong to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest body in bytes.
    pub body_bytes: usize,
    /// Deepest nesting of objects and arrays, the envelope included.
    pub depth: u32,
    /// Whether live (`true`) or test events are expected.
    pub livemode: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 64 * 1024, depth: 8, livemode: true }
    }
}

/// Prefixes by which senders mark CloudEvents attributes in headers (binary mode).
pub(crate) const HEADER_PREFIXES: [&str; 3] = ["ce-", "cloudEvents_", "cloudEvents:"];

/// Decodes and validates a message.
///
/// A message with card data is refused, whatever else may be wrong with it.
///
/// # Errors
/// The first rule that the message breaks; never retried, because no retry can mend it.
pub fn decode<E: Event>(
    message: WireMessage<'_>,
    limits: &Limits,
) -> Result<Envelope<E>, DecodeError> {
    // Before all else: what is wrong for another reason is kept, and this may not be.
    if let Some(finding) = card_data(message) {
        return Err(DecodeError::from(&finding));
    }
    if message.body.len() > limits.body_bytes {
        let rule = format!("must be at most {} bytes", limits.body_bytes);
        return Err(DecodeError::new(RuleCode::BodyTooLarge, "", rule));
    }
    let body = std::str::from_utf8(message.body).map_err(|_not_utf8| {
        DecodeError::new(RuleCode::MalformedJson, "", "must be JSON in UTF-8")
    })?;
    let attributes = match mode(message)? {
        Mode::Structured => {
            check_depth(body, 0, limits.depth)?;
            structured(body)?
        }
        Mode::Binary { prefix } => {
            // The envelope that structured mode wraps around the data counts here, too.
            check_depth(body, 1, limits.depth)?;
            binary(message.headers, prefix, body)?
        }
    };
    envelope(attributes, message.headers, limits)
}

enum Mode {
    Structured,
    Binary { prefix: &'static str },
}

fn mode(message: WireMessage<'_>) -> Result<Mode, DecodeError> {
    let mut prefixes = HEADER_PREFIXES
        .into_iter()
        .filter(|prefix| message.headers.iter().any(|(name, _)| name.starts_with(prefix)));
    let (prefix, second_prefix) = (prefixes.next(), prefixes.next());
    let content_type =
        message.content_type.map(|text| text.split(';').next().unwrap_or(text).trim());
    let structured =
        content_type.is_some_and(|text| text.eq_ignore_ascii_case(STRUCTURED_CONTENT_TYPE));
    let json = content_type.is_none_or(|text| text.eq_ignore_ascii_case("application/json"));
    match (prefix, second_prefix) {
        (None, _) if structured => Ok(Mode::Structured),
        (Some(prefix), None) if json => Ok(Mode::Binary { prefix }),
        (Some(_), second) if structured || second.is_some() => Err(DecodeError::new(
            RuleCode::MixedMode,
            "",
            "must have the attributes in the body, or in headers with one prefix, not both",
        )),
        (None | Some(_), _) => Err(DecodeError::new(
            RuleCode::UnknownContentType,
            "",
            "must have content type application/cloudevents+json, or application/json and \
             headers such as ce-id",
        )),
    }
}

fn structured(body: &str) -> Result<Attributes<'_>, DecodeError> {
    crate::strict::parse(body).map_err(|error| {
        // A key on the path to broken JSON is the sender's, not the contract's.
        if error.inner().is_data() {
            located(&error, "")
        } else {
            DecodeError::not_json(error.inner(), "")
        }
    })
}

fn binary<'a>(
    headers: &[(&str, &'a str)],
    prefix: &str,
    body: &'a str,
) -> Result<Attributes<'a>, DecodeError> {
    let header = |name: &str| {
        let wanted = |header: &str| header.strip_prefix(prefix) == Some(name);
        headers.iter().find(|(header, _)| wanted(header)).map(|(_, value)| *value)
    };
    Ok(Attributes {
        specversion: required(header, "specversion")?,
        id: required(header, "id")?,
        source: required(header, "source")?,
        type_name: required(header, "type")?,
        subject: optional(header, "subject")?,
        time: optional(header, "time")?,
        recorded_time: optional(header, "recordedtime")?,
        traceparent: optional(header, "traceparent")?,
        tracestate: header("tracestate").map(str::to_owned),
        data: serde_json::from_str(body).map_err(|error| DecodeError::not_json(&error, "/data"))?,
    })
}

fn required<'h, T: Deserialize<'h>>(
    header: impl Fn(&str) -> Option<&'h str>,
    name: &str,
) -> Result<T, DecodeError> {
    let missing = || DecodeError::new(RuleCode::MissingField, format!("/{name}"), "is required");
    optional(header, name)?.ok_or_else(missing)
}

/// Reads a header as serde reads a string, so that the rules of structured mode apply.
fn optional<'h, T: Deserialize<'h>>(
    header: impl Fn(&str) -> Option<&'h str>,
    name: &str,
) -> Result<Option<T>, DecodeError> {
    header(name)
        .map(|text| T::deserialize(BorrowedStrDeserializer::new(text)))
        .transpose()
        .map_err(|error| DecodeError::from_json(&error, format!("/{name}")))
}

fn envelope<E: Event>(
    attributes: Attributes<'_>,
    headers: &[(&str, &str)],
    limits: &Limits,
) -> Result<Envelope<E>, DecodeError> {
    if &*attributes.specversion != "1.0" {
        let code = RuleCode::UnsupportedSpecversion;
        return Err(DecodeError::new(code, "/specversion", "must be 1.0"));
    }
    let kind = kind::<E>(&attributes.type_name)?;
    let event = E::from_data(kind, attributes.data)
        .map_err(|error| located(&error, "/data"))?
        .ok_or_else(|| unknown_type::<E>())?;
    event.check().map_err(|broken| DecodeError::new(broken.code, "/data", broken.rule))?;
    if let (Some(subject), OrderRef::Order(order)) = (attributes.subject, event.order_ref())
        && subject != order
    {
        let rule = "must be the order id of the data, or left out";
        return Err(DecodeError::new(RuleCode::SubjectMismatch, "/subject", rule));
    }
    if event.livemode().is_some_and(|livemode| livemode != limits.livemode) {
        let rule = if limits.livemode {
            "must be true on the live system"
        } else {
            "must be false on a test system"
        };
        return Err(DecodeError::new(RuleCode::ModeMismatch, "/data/livemode", rule));
    }
    let trace = trace(&attributes, headers);
    Ok(Envelope {
        id: attributes.id,
        source: attributes.source,
        kind,
        time: attributes.time,
        recorded_time: attributes.recorded_time,
        trace,
        digest: digest(kind, attributes.data),
        event,
    })
}

/// By the attributes of the event, else by the headers that tracing libraries add to a message.
fn trace(attributes: &Attributes<'_>, headers: &[(&str, &str)]) -> Option<TraceContext> {
    match &attributes.traceparent {
        Some(parent) => TraceContext::new(parent.as_str(), attributes.tracestate.as_deref()),
        None => TraceContext::of_headers(headers),
    }
}

fn kind<E: Event>(type_name: &str) -> Result<EventKind, DecodeError> {
    let unversioned = |name: &str| name.rsplit_once(".v").map(|(name, _)| name.to_owned());
    let known = |kind: &&EventKind| kind.type_name() == type_name;
    if let Some(kind) = E::KINDS.iter().find(known) {
        return Ok(*kind);
    }
    let same_name = |kind: &EventKind| unversioned(kind.type_name()) == unversioned(type_name);
    if E::KINDS.iter().any(same_name) {
        let rule = "must have a major version that is supported: v1";
        return Err(DecodeError::new(RuleCode::UnsupportedMajor, "/type", rule));
    }
    Err(unknown_type::<E>())
}

fn unknown_type<E: Event>() -> DecodeError {
    let known: Vec<_> = E::KINDS.iter().map(|kind| kind.type_name()).collect();
    let rule = format!("must be one of this queue's: {}", known.join(", "));
    DecodeError::new(RuleCode::UnknownType, "/type", rule)
}

fn digest(kind: EventKind, data: &RawValue) -> [u8; 32] {
    Sha256::new()
        .chain_update(kind.type_name())
        .chain_update(data.get().as_bytes())
        .finalize()
        .into()
}

/// Names the place by the contract's own field names; unknown fields are skipped, never read.
fn located(error: &DataError, base: &str) -> DecodeError {
    use serde_path_to_error::Segment;

    let pointer = error.path().iter().fold(base.to_owned(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{key}"),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    });
    DecodeError::from_json(error.inner(), pointer)
}

/// Refuses deep nesting before any parser recurses into it.
fn check_depth(body: &str, around: u32, limit: u32) -> Result<(), DecodeError> {
    let (mut depth, mut in_string, mut escaped) = (around, false, false);
    for byte in body.bytes() {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (true | false, _) => {}
        }
        if depth > limit {
            let rule = format!("must nest at most {limit} levels deep, the envelope included");
            return Err(DecodeError::new(RuleCode::TooDeep, "", rule));
        }
    }
    Ok(())
}
