//! The door: card data goes no further than here.

use broker::{Delivery, HeaderValue, Headers, Properties};
use cardscan::Finding;
use contracts::{DecodeError, WireMessage, card_data};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::failures::headers;

/// Content type of what stands in for a body that may not be kept.
pub const WITHHELD_CONTENT_TYPE: &str = "application/vnd.orderflow.withheld+json";
/// Stands in for a routing key that may not be kept.
const WITHHELD: &str = "withheld";

/// Refuses card data in what a message carries beside its body.
///
/// # Errors
/// The first card data, as a broken rule.
pub(crate) fn check_beside_body(delivery: &Delivery) -> Result<(), DecodeError> {
    beside_body(delivery).map_or(Ok(()), |finding| Err(DecodeError::from(&finding)))
}

/// The delivery without any card data.
///
/// One that has none comes back as it is. Of one that has, the body is replaced by a document
/// that says what was found where; properties and headers are left out where they hold card data
/// themselves; headers say class, code and place as those of any failure do.
#[must_use]
pub fn without_card_data(delivery: Delivery) -> Delivery {
    match beside_body(&delivery).or_else(|| card_data(wire(&delivery, &texts(&delivery)))) {
        Some(finding) => withheld(delivery, &finding),
        None => delivery,
    }
}

/// What stands in for a body.
#[derive(Serialize)]
struct StandIn<'a> {
    /// What was found.
    withheld: &'static str,
    /// Where the message held it.
    pointer: &'a str,
    first_six: Option<&'a str>,
    last_four: Option<&'a str>,
    /// How many digits the card number has.
    digits: Option<usize>,
    /// SHA-256 of the body.
    sha256: String,
    /// How large the body was.
    bytes: usize,
}

fn withheld(delivery: Delivery, finding: &Finding) -> Delivery {
    let card = finding.card.as_ref();
    let digest = Sha256::digest(&delivery.body);
    let stand_in = StandIn {
        withheld: finding.kind.name(),
        pointer: &finding.pointer,
        first_six: card.map(|card| card.first_six.as_str()),
        last_four: card.map(|card| card.last_four.as_str()),
        digits: card.map(|card| card.digits),
        sha256: hex(&digest),
        bytes: delivery.body.len(),
    };
    let key_is_clean = cardscan::in_field("routing_key", delivery.routing_key.as_bytes()).is_none();
    let failure = Failure::from(DecodeError::from(finding));
    Delivery {
        body: serde_json::to_vec(&stand_in).expect("the document has text keys and plain values"),
        properties: clean(delivery.properties, failure),
        routing_key: if key_is_clean { delivery.routing_key } else { WITHHELD.to_owned() },
        ..delivery
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("half a byte");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The properties that hold no card data, and why the body is gone.
fn clean(properties: Properties, failure: Failure) -> Properties {
    let keep = |name: &str, value: Option<String>| {
        value.filter(|value| cardscan::in_field(name, value.as_bytes()).is_none())
    };
    let in_headers = properties.headers.iter();
    let mut head: Headers = in_headers
        .filter(|(name, value)| in_header(name, value).is_none())
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    head.insert(headers::ERROR_CLASS, failure.class.name());
    head.insert(headers::ERROR_CODE, failure.code);
    head.insert(headers::ERROR_MESSAGE, failure.detail);
    head.insert(headers::ERROR_POINTER, failure.pointer);
    Properties {
        message_id: keep("message_id", properties.message_id),
        content_type: Some(WITHHELD_CONTENT_TYPE.to_owned()),
        content_encoding: None,
        type_name: keep("type", properties.type_name),
        app_id: keep("app_id", properties.app_id),
        correlation_id: keep("correlation_id", properties.correlation_id),
        timestamp: properties.timestamp,
        headers: head,
    }
}

fn wire<'a>(delivery: &'a Delivery, headers: &'a [(&'a str, &'a str)]) -> WireMessage<'a> {
    let content_type = delivery.properties.content_type.as_deref();
    WireMessage { content_type, headers, body: &delivery.body }
}

/// The headers that are text.
pub(crate) fn texts(delivery: &Delivery) -> Vec<(&str, &str)> {
    let headers = delivery.properties.headers.iter();
    headers.filter_map(|(name, value)| Some((name, value.as_str()?))).collect()
}

/// The first card data in properties, routing key and headers.
fn beside_body(delivery: &Delivery) -> Option<Finding> {
    let Properties {
        message_id,
        content_type,
        content_encoding,
        type_name,
        app_id,
        correlation_id,
        timestamp,
        headers,
    } = &delivery.properties;
    let texts = [
        ("message_id", message_id.as_deref()),
        ("content_type", content_type.as_deref()),
        ("content_encoding", content_encoding.as_deref()),
        ("type", type_name.as_deref()),
        ("app_id", app_id.as_deref()),
        ("correlation_id", correlation_id.as_deref()),
        ("routing_key", Some(delivery.routing_key.as_str())),
    ];
    let in_text = |(name, text): (&str, Option<&str>)| cardscan::in_field(name, text?.as_bytes());
    let in_property = texts
        .into_iter()
        .find_map(in_text)
        .or_else(|| cardscan::in_integer("timestamp", (*timestamp)?))
        .map(|finding| within("/properties", finding));
    in_property.or_else(|| {
        let mut headers = headers.iter();
        headers.find_map(|(name, value)| Some(within("/headers", in_header(name, value)?)))
    })
}

fn within(parent: &str, mut finding: Finding) -> Finding {
    finding.pointer.insert_str(0, parent);
    finding
}

/// The first card data in a header, whatever its type, and in its name.
fn in_header(name: &str, value: &HeaderValue) -> Option<Finding> {
    let integer = |value: Option<u64>| cardscan::in_integer(name, value?);
    match value {
        HeaderValue::Text(text) => cardscan::in_field(name, text.as_bytes()),
        HeaderValue::RawText(bytes) | HeaderValue::Bytes(bytes) => cardscan::in_field(name, bytes),
        HeaderValue::U8(_)
        | HeaderValue::U16(_)
        | HeaderValue::U32(_)
        | HeaderValue::I8(_)
        | HeaderValue::I16(_)
        | HeaderValue::I32(_)
        | HeaderValue::I64(_) => integer(value.as_integer().map(i64::unsigned_abs)),
        HeaderValue::Timestamp(seconds) => integer(Some(*seconds)),
        HeaderValue::Decimal { value, .. } => integer(Some(u64::from(*value))),
        HeaderValue::F32(number) => cardscan::in_field(name, number.to_string().as_bytes()),
        HeaderValue::F64(number) => cardscan::in_field(name, number.to_string().as_bytes()),
        HeaderValue::List(items) => items.iter().find_map(|item| in_header(name, item)),
        HeaderValue::Table(table) => table.iter().find_map(|(inner, value)| {
            let finding = in_header(inner, value)?;
            Some(within(&format!("/{}", cardscan::masked(name.as_bytes())), finding))
        }),
        HeaderValue::Bool(_) | HeaderValue::Void => cardscan::in_field(name, b""),
    }
}

#[cfg(test)]
mod tests;
