//! Structured and binary mode, and what stands for neither.

use contracts::{DecodeError, EventKind, Limits, RuleCode, STRUCTURED_CONTENT_TYPE, WireMessage};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::corpus::{Decoded, VALID, Valid, assert_refused, decode_as, decode_body, example, with};

const PREFIXES: [&str; 3] = ["ce-", "cloudEvents_", "cloudEvents:"];

/// The attributes of a message as headers.
fn headers(message: &Value, prefix: &str) -> Vec<(String, String)> {
    let attributes = message.as_object().expect("a message is an object").iter();
    attributes
        .filter_map(|(name, value)| Some((format!("{prefix}{name}"), value.as_str()?.to_owned())))
        .collect()
}

fn decode_with(
    kind: EventKind,
    content_type: Option<&str>,
    headers: &[(String, String)],
    body: &str,
) -> Result<Decoded, DecodeError> {
    let headers: Vec<_> = headers.iter().map(|(name, text)| (&**name, &**text)).collect();
    let message = WireMessage { content_type, headers: &headers, body: body.as_bytes() };
    decode_as(kind, message, &Limits::default())
}

/// The data as it stands in the example's text.
fn data(valid: &Valid) -> &str {
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let envelope: Envelope<'_> = serde_json::from_str(&valid.text).expect("the example is valid");
    envelope.data.get()
}

#[test]
fn binary_mode_gives_the_same_event_and_digest_with_each_prefix() {
    for valid in &*VALID {
        let structured = decode_body(valid.kind, &valid.text).unwrap();
        for prefix in PREFIXES {
            let headers = headers(&valid.message, prefix);
            for content_type in [None, Some("application/json"), Some("Application/JSON; a=b")] {
                let binary = decode_with(valid.kind, content_type, &headers, data(valid));
                assert_eq!(binary.as_ref(), Ok(&structured), "{} {prefix}", valid.name);
            }
        }
    }
}

#[test]
fn a_content_type_may_have_parameters_and_capitals() {
    let message = example(EventKind::OrderCreated, "minimal").to_string();
    for content_type in
        ["application/cloudevents+json; charset=utf-8", "Application/CloudEvents+JSON"]
    {
        let result = decode_with(EventKind::OrderCreated, Some(content_type), &[], &message);
        assert!(result.is_ok(), "{content_type}: {result:?}");
    }
}

#[test]
fn every_other_content_type_is_refused_for_every_event() {
    for valid in &*VALID {
        let others = ["text/plain", "application/xml", "application/cloudevents-batch+json", ""];
        for content_type in others.map(Some).into_iter().chain([Some("application/json"), None]) {
            let result = decode_with(valid.kind, content_type, &[], &valid.text);
            assert_refused(result, RuleCode::UnknownContentType, "");
        }
    }
}

#[test]
fn two_prefixes_in_one_message_are_refused() {
    for first in PREFIXES {
        for second in PREFIXES.into_iter().filter(|second| *second != first) {
            for valid in &*VALID {
                let mut mixed = headers(&valid.message, first);
                mixed.push((format!("{second}sequence"), "1".to_owned()));
                let result = decode_with(valid.kind, None, &mixed, data(valid));
                assert_refused(result, RuleCode::MixedMode, "");
            }
        }
    }
}

#[test]
fn attributes_in_body_and_headers_are_refused() {
    for prefix in PREFIXES {
        for valid in &*VALID {
            let headers = headers(&valid.message, prefix);
            let content_type = Some(STRUCTURED_CONTENT_TYPE);
            let result = decode_with(valid.kind, content_type, &headers, &valid.text);
            assert_refused(result, RuleCode::MixedMode, "");
        }
    }
}

#[test]
fn headers_of_others_do_not_make_a_message_binary() {
    let headers = [("x-retry-count", "1"), ("traceparent", "00-1-1-01"), ("cloudevents", "1")]
        .map(|(name, text)| (name.to_owned(), text.to_owned()));
    let message = example(EventKind::OrderCreated, "minimal").to_string();
    let content_type = Some(STRUCTURED_CONTENT_TYPE);
    assert!(decode_with(EventKind::OrderCreated, content_type, &headers, &message).is_ok());
}

#[test]
fn a_header_breaks_the_same_rule_as_the_attribute_it_stands_for() {
    for kind in EventKind::ALL {
        let full = example(kind, "full");
        let long = "x".repeat(200);
        for attribute in ["specversion", "id", "source", "type", "subject", "time", "recordedtime"]
        {
            for text in ["", "a b", "é", "\u{0}", "0.3", &long] {
                let broken = with_attribute(full, attribute, text);
                let structured = decode_body(kind, broken.to_string());
                for prefix in PREFIXES {
                    let headers = headers(&broken, prefix);
                    let binary = decode_with(kind, None, &headers, &full["data"].to_string());
                    assert_eq!(binary, structured, "{attribute} {text:?}");
                }
            }
        }
    }
}

fn with_attribute(message: &Value, attribute: &str, text: &str) -> Value {
    crate::corpus::with_field(message, "", attribute, Value::from(text))
}

#[test]
fn a_missing_header_is_named() {
    for kind in EventKind::ALL {
        let full = example(kind, "full");
        for attribute in ["specversion", "id", "source", "type"] {
            let mut headers = headers(full, "ce-");
            headers.retain(|(name, _)| *name != format!("ce-{attribute}"));
            let result = decode_with(kind, None, &headers, &full["data"].to_string());
            assert_refused(result, RuleCode::MissingField, &format!("/{attribute}"));
        }
    }
}

#[test]
fn a_body_in_binary_mode_must_be_one_json_object() {
    let kind = EventKind::OrderCreated;
    let headers = headers(example(kind, "full"), "ce-");
    for (body, code) in [
        ("", RuleCode::MalformedJson),
        ("{", RuleCode::MalformedJson),
        ("{} {}", RuleCode::MalformedJson),
        ("null", RuleCode::InvalidType),
        ("[]", RuleCode::InvalidType),
        ("\"{}\"", RuleCode::InvalidType),
    ] {
        assert_refused(decode_with(kind, None, &headers, body), code, "/data");
    }
}

#[test]
fn only_data_and_kind_make_the_digest() {
    let digest = |kind, message: &Value| decode_body(kind, message.to_string()).unwrap().digest;
    for kind in EventKind::ALL {
        let full = example(kind, "full");
        let same = [
            "id",
            "source",
            "subject",
            "time",
            "recordedtime",
            "traceparent",
            "tracestate",
            "dataschema",
        ];
        for attribute in same {
            let value = match attribute {
                "subject" => full.pointer("/data/order_id").cloned().unwrap_or_default(),
                "time" | "recordedtime" => Value::from("2030-01-01T00:00:00Z"),
                _ => Value::from("another"),
            };
            let resent = crate::corpus::with_field(full, "", attribute, value);
            assert_eq!(digest(kind, &resent), digest(kind, full), "{kind} {attribute}");
        }
        let other = crate::corpus::with_field(full, "/data", "x_note", Value::from(1));
        assert_ne!(digest(kind, &other), digest(kind, full), "{kind}");
    }
    let timeout = example(EventKind::PaymentTimeout, "minimal");
    let reminder = with(timeout, "/type", Value::from(EventKind::PaymentReminder.type_name()));
    assert_ne!(
        digest(EventKind::PaymentTimeout, timeout),
        digest(EventKind::PaymentReminder, &reminder)
    );
}
