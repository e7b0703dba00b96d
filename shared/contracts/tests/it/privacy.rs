//! An error never quotes the message: its values, and the names of its own fields, may be personal.

use contracts::{DecodeError, EventKind, Limits, RuleCode, WireMessage};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::corpus::{VALID, decode_as, decode_body, example, pointers, with, with_field};

/// Stands for something personal.
const MARKER: &str = "mArKeR";

/// Texts that try to look like the words of serde, so that they are taken for the decoder's own.
const DISGUISES: [&str; 12] = [
    "mArKeR",
    "mArKeR with spaces",
    "expected mArKeR",
    "`, expected one of `mArKeR`",
    "missing field `mArKeR`",
    "duplicate field `mArKeR`",
    "unknown variant `mArKeR`, expected `mArKeR`",
    "invalid-id: mArKeR",
    "x at line mArKeR",
    "number out of range mArKeR",
    "mArKeR\0",
    "mArKeR\u{85}\"\\ at line 1 column 1, expected mArKeR",
];

fn assert_silent(error: &DecodeError) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(MARKER), "{text}");
    }
}

/// Ways to break a message, whatever stands in it.
#[derive(Clone, Debug)]
enum Breakage {
    /// Nothing more than the texts already broke.
    None,
    /// The body ends here.
    CutAt(prop::sample::Index),
    /// This byte is another one.
    Damage(prop::sample::Index, u8),
    /// One value stands in the place of another.
    Swap(prop::sample::Index, prop::sample::Index),
    /// A field with a name of the sender's holds broken JSON.
    BrokenField(prop::sample::Index),
}

fn breakage() -> impl Strategy<Value = Breakage> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        Just(Breakage::None),
        place().prop_map(Breakage::CutAt),
        (place(), any::<u8>()).prop_map(|(at, byte)| Breakage::Damage(at, byte)),
        (place(), place()).prop_map(|(from, to)| Breakage::Swap(from, to)),
        place().prop_map(Breakage::BrokenField),
    ]
}

impl Breakage {
    fn body(&self, message: &Value) -> Vec<u8> {
        let body = message.to_string();
        match self {
            Self::None => body.into_bytes(),
            Self::CutAt(end) => body.as_bytes()[..end.index(body.len())].to_vec(),
            Self::Damage(place, byte) => {
                let mut body = body.into_bytes();
                let place = place.index(body.len());
                body[place] = *byte;
                body
            }
            Self::Swap(from, to) => {
                let places = pointers(message);
                let value = message.pointer(pick(*from, &places)).cloned().unwrap_or_default();
                with(message, pick(*to, &places), value).to_string().into_bytes()
            }
            Self::BrokenField(object) => {
                let is_object =
                    |pointer: &String| message.pointer(pointer).is_some_and(Value::is_object);
                let objects: Vec<_> = pointers(message).into_iter().filter(is_object).collect();
                let broken = with_field(message, pick(*object, &objects), MARKER, json!(MARKER));
                let broken = broken.to_string();
                let text = format!("\"{MARKER}\":\"{MARKER}\"");
                broken.replace(&text, &format!("\"{MARKER}\":tru{MARKER}")).into_bytes()
            }
        }
    }
}

fn pick(index: prop::sample::Index, places: &[String]) -> &str {
    &places[index.index(places.len())]
}

/// The texts of a message, attributes of the envelope included.
fn texts(message: &Value) -> Vec<String> {
    let is_text = |pointer: &String| message.pointer(pointer).is_some_and(Value::is_string);
    pointers(message).into_iter().filter(is_text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_text_of_a_message_is_quoted_however_it_breaks(
        which in any::<prop::sample::Index>(),
        replaced in proptest::collection::vec(
            (any::<prop::sample::Index>(), proptest::sample::select(&DISGUISES[..])), 0..12
        ),
        breakage in breakage(),
    ) {
        let valid = which.get(&VALID);
        let places = texts(&valid.message);
        let message = replaced.into_iter().fold(valid.message.clone(), |message, (place, text)| {
            with(&message, pick(place, &places), Value::from(text))
        });
        if let Err(error) = decode_body(valid.kind, breakage.body(&message)) {
            assert_silent(&error);
        }
    }
}

#[test]
fn no_text_is_quoted_by_the_rule_that_refuses_it() {
    for valid in &*VALID {
        for pointer in pointers(&valid.message) {
            for text in DISGUISES {
                for value in [json!(text), json!({ text: text }), json!([text])] {
                    let message = with(&valid.message, &pointer, value);
                    if let Err(error) = decode_body(valid.kind, message.to_string()) {
                        assert_silent(&error);
                    }
                }
            }
        }
    }
}

#[test]
fn no_header_is_quoted() {
    let body = example(EventKind::OrderCreated, "minimal")["data"].to_string();
    for text in DISGUISES {
        for attribute in ["specversion", "id", "source", "type", "subject", "time"] {
            let mut headers = vec![
                ("ce-specversion", "1.0"),
                ("ce-id", "1"),
                ("ce-source", "/shops/example"),
                ("ce-type", "shop.order.created.v1"),
            ];
            let name = format!("ce-{attribute}");
            headers.retain(|(header, _)| *header != name);
            headers.push((&name, text));
            headers.push(("ce-mArKeR", text));
            for content_type in [None, Some(text)] {
                let message =
                    WireMessage { content_type, headers: &headers, body: body.as_bytes() };
                let result = decode_as(EventKind::OrderCreated, message, &Limits::default());
                if let Err(error) = result {
                    assert_silent(&error);
                }
            }
        }
    }
}

#[test]
fn the_listed_words_are_named_and_the_one_sent_is_not() {
    let message = example(EventKind::OrderCancelRequested, "minimal");
    let sent = "`, expected one of `mArKeR`";
    let message = with(message, "/data/actor", Value::from(sent));
    let error = decode_body(EventKind::OrderCancelRequested, message.to_string()).unwrap_err();
    assert_eq!(error.code, RuleCode::UnknownValue);
    assert_eq!(error.rule, "must be one of `buyer`, `merchant`, `fraud`, `operator`");
}
