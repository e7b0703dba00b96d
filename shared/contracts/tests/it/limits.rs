//! What no message may cost, however it is made.

use std::thread;

use contracts::{EventKind, Limits, RuleCode, STRUCTURED_CONTENT_TYPE, WireMessage};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::corpus::{VALID, assert_refused, decode_as, decode_body, example, with_field};

const LARGEST: usize = 64 * 1024;

/// A valid message of exactly this many bytes.
fn message_of(kind: EventKind, bytes: usize) -> String {
    let padded = |padding: usize| {
        let padding = Value::from("x".repeat(padding));
        with_field(example(kind, "full"), "/data", "x_padding", padding).to_string()
    };
    padded(bytes - padded(0).len())
}

#[test]
fn a_message_of_64_kib_decodes_and_one_byte_more_does_not() {
    for kind in EventKind::ALL {
        let largest = message_of(kind, LARGEST);
        assert_eq!(largest.len(), LARGEST);
        decode_body(kind, largest).unwrap();
        let result = decode_body(kind, message_of(kind, LARGEST + 1));
        assert_refused(result, RuleCode::BodyTooLarge, "");
    }
}

/// Nested arrays, this many levels.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!([]), |inner, _| json!([inner]))
}

#[test]
fn eight_levels_are_enough_and_nine_are_too_deep_in_either_mode() {
    for kind in EventKind::ALL {
        let decode = |levels: usize| {
            // The envelope and the data are the first two levels.
            let message =
                with_field(example(kind, "minimal"), "/data", "x_deep", nested(levels - 2));
            let structured = decode_body(kind, message.to_string());
            let text = |name: &str| message[name].as_str().unwrap().to_owned();
            let [version, id, source, name] = ["specversion", "id", "source", "type"].map(text);
            let data = message["data"].to_string();
            let binary = WireMessage {
                content_type: None,
                headers: &[
                    ("ce-specversion", &version),
                    ("ce-id", &id),
                    ("ce-source", &source),
                    ("ce-type", &name),
                ],
                body: data.as_bytes(),
            };
            assert_eq!(decode_as(kind, binary, &Limits::default()), structured);
            structured
        };
        decode(8).unwrap();
        assert_refused(decode(9), RuleCode::TooDeep, "");
    }
}

#[test]
fn brackets_within_texts_are_not_depth() {
    let kind = EventKind::OrderCancelRequested;
    let texts = ["[[[[[[[[[[{{{{{{{{{{", r#"\"[[[[[[[[[["#, r"\\", r#"\\\"[[[[[[[[[[[["#];
    for text in texts {
        let message = with_field(example(kind, "full"), "/data", "reason", Value::from(text));
        decode_body(kind, message.to_string()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn depth_bombs_are_refused_on_a_stack_too_small_for_recursion() {
    let check = || {
        for level in ["[", "{\"a\":", "[{\"data\":", "{\"data\":["] {
            let bomb = level.repeat(LARGEST / level.len());
            for kind in EventKind::ALL {
                assert_refused(decode_body(kind, &bomb), RuleCode::TooDeep, "");
            }
        }
    };
    let small = thread::Builder::new().stack_size(256 * 1024);
    small.spawn(check).unwrap().join().unwrap();
}

#[test]
fn long_lists_are_refused() {
    let kind = EventKind::OrderCreated;
    let line = &example(kind, "full")["data"]["lines"][0];
    let lines = |count| {
        let lines = Value::from(vec![line.clone(); count]);
        decode_body(kind, with_field(example(kind, "full"), "/data", "lines", lines).to_string())
    };
    lines(200).unwrap();
    assert_refused(lines(201), RuleCode::TooLong, "/data/lines");
}

#[test]
fn a_body_must_be_utf_8_even_in_fields_that_are_ignored() {
    let kind = EventKind::OrderCreated;
    for object in ["", "/data"] {
        let message = with_field(example(kind, "minimal"), object, "x_name", Value::from("?"));
        let mut body = message.to_string().into_bytes();
        let place = body.iter().position(|byte| *byte == b'?').unwrap();
        body[place] = 0xff;
        assert_refused(decode_body(kind, body), RuleCode::MalformedJson, "");
    }
}

#[test]
fn broken_json_is_located_by_line_and_column() {
    let error = decode_body(EventKind::OrderCreated, "{\n  \"id\": oops }").unwrap_err();
    assert_eq!((error.code, &*error.pointer), (RuleCode::MalformedJson, ""));
    assert_eq!(error.rule, "must be JSON; it goes wrong at line 2 column 9");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_the_decoder(
        body in proptest::collection::vec(any::<u8>(), 0..512),
        content_type in proptest::option::of(".{0,40}"),
        headers in proptest::collection::vec(
            ("(ce-|cloudEvents[_:])?[a-z]{0,12}", ".{0,40}"), 0..8
        ),
    ) {
        let headers: Vec<_> = headers.iter().map(|(name, text)| (&**name, &**text)).collect();
        for content_type in [content_type.as_deref(), Some(STRUCTURED_CONTENT_TYPE), None] {
            for kind in EventKind::ALL {
                let message = WireMessage { content_type, headers: &headers, body: &body };
                prop_assert!(decode_as(kind, message, &Limits::default()).is_err());
            }
        }
    }

    #[test]
    fn damaged_messages_never_panic_the_decoder(
        example in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let valid = example.get(&VALID);
        let mut body = valid.text.clone().into_bytes();
        for (place, byte) in damage {
            let place = place.index(body.len());
            body[place] = byte;
        }
        // Damage within a text may leave a valid message; damage elsewhere must name a rule.
        if let Err(error) = decode_body(valid.kind, &body) {
            prop_assert!(!error.rule.is_empty());
        }
    }

    #[test]
    fn messages_that_break_off_are_not_json(
        example in any::<prop::sample::Index>(),
        end in any::<prop::sample::Index>(),
    ) {
        let valid = example.get(&VALID);
        let body = valid.text.trim_end().as_bytes();
        let error = decode_body(valid.kind, &body[..end.index(body.len())]).unwrap_err();
        prop_assert_eq!(error.code, RuleCode::MalformedJson);
    }
}
