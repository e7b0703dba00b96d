//! Every field of every event: missing, unknown, null, or of another type.

use contracts::{EventKind, RuleCode};
use serde_json::{Value, json};

use crate::corpus::{
    SCHEMAS, VALID, assert_refused, decode_body, example, pointers, with, with_field, without,
};
use crate::schemas::properties;

#[test]
fn a_missing_required_field_is_named_and_the_schema_refuses_it() {
    for kind in EventKind::ALL {
        let full = example(kind, "full");
        for property in properties(kind).iter().filter(|property| property.required) {
            let message = without(full, &property.pointer);
            let result = decode_body(kind, message.to_string());
            assert_refused(result, RuleCode::MissingField, &property.pointer);
            assert!(!SCHEMAS.accepts(kind, &message), "{kind} {}", property.pointer);
        }
    }
}

#[test]
fn an_optional_field_may_be_missing_or_null() {
    for kind in EventKind::ALL {
        let full = example(kind, "full");
        for property in properties(kind).iter().filter(|property| !property.required) {
            let pointer = &property.pointer;
            for message in [without(full, pointer), with(full, pointer, Value::Null)] {
                // The amount of a refund may be missing, but not without `full`.
                let expected = (kind, &**pointer) != (EventKind::RefundRequested, "/data/amount");
                let result = decode_body(kind, message.to_string());
                assert_eq!(result.is_ok(), expected, "{kind} {pointer}: {result:?}");
                assert_eq!(SCHEMAS.accepts(kind, &message), expected, "{kind} {pointer}");
            }
        }
    }
}

#[test]
fn a_required_field_must_not_be_null() {
    for kind in EventKind::ALL {
        for property in properties(kind).iter().filter(|property| property.required) {
            let message = with(example(kind, "full"), &property.pointer, Value::Null);
            let result = decode_body(kind, message.to_string());
            assert_refused(result, RuleCode::InvalidType, &property.pointer);
            assert!(!SCHEMAS.accepts(kind, &message), "{kind} {}", property.pointer);
        }
    }
}

#[test]
fn an_array_of_the_fields_is_no_object() {
    for kind in EventKind::ALL {
        let full = example(kind, "full");
        for pointer in pointers(full) {
            if let Some(fields) = full.pointer(&pointer).and_then(Value::as_object) {
                let array = fields.values().cloned().collect();
                let result = decode_body(kind, with(full, &pointer, array).to_string());
                assert_refused(result, RuleCode::InvalidType, &pointer);
            }
        }
    }
}

#[test]
fn unknown_fields_are_accepted_everywhere_and_change_nothing() {
    let unknown = json!({ "x_note": ["of", { "no": null }], "amount": 1.5 });
    for valid in &*VALID {
        let expected = decode_body(valid.kind, &valid.text).unwrap();
        for object in pointers(&valid.message) {
            if !valid.message.pointer(&object).unwrap().is_object() {
                continue;
            }
            let message = with_field(&valid.message, &object, "x_unknown", unknown.clone());
            assert!(SCHEMAS.accepts(valid.kind, &message), "{} {object}", valid.name);
            let decoded = decode_body(valid.kind, message.to_string())
                .unwrap_or_else(|error| panic!("{} {object}: {error}", valid.name));
            assert_eq!(decoded.event, expected.event, "{} {object}", valid.name);
        }
    }
}

/// Rules about two places, about the system, or about any text; a schema sees none of these.
const BEYOND_SCHEMAS: [RuleCode; 4] = [
    RuleCode::SubjectMismatch,
    RuleCode::ModeMismatch,
    RuleCode::Inconsistent,
    RuleCode::CardNumber,
];

#[test]
fn decoder_and_schema_agree_on_whatever_stands_in_a_field() {
    for kind in EventKind::ALL {
        let full = example(kind, "full");
        for pointer in pointers(full) {
            for value in replacements(full.pointer(&pointer).unwrap()) {
                let message = with(full, &pointer, value.clone());
                let schema = SCHEMAS.accepts(kind, &message);
                match decode_body(kind, message.to_string()) {
                    Ok(_) => assert!(schema, "{kind} {pointer} {value}: only the schema refuses"),
                    Err(error) => {
                        let beyond = BEYOND_SCHEMAS.contains(&error.code);
                        assert!(beyond || !schema, "{kind} {pointer} {value}: {error}");
                        let place = &error.pointer;
                        let near = place.starts_with(&pointer) || pointer.starts_with(place);
                        assert!(beyond || near, "{kind} {pointer} {value}: {error}");
                    }
                }
            }
        }
    }
}

/// Values of every type and around every bound, and the same value in other clothes.
fn replacements(original: &Value) -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(false),
        json!([]),
        json!([1]),
        json!({}),
        json!({ "amount_minor": 0, "currency": "EUR" }),
        json!({ "amount_minor": 1, "currency": "KWD" }),
        json!([original]),
        json!(original.to_string()),
    ];
    values.extend([-1, 0, 1, 200, 1_000_001, 31_536_001].map(Value::from));
    values.extend(
        [2_147_483_647_i64, 2_147_483_648, 999_999_999_999, 1_000_000_000_000].map(Value::from),
    );
    values.extend([i64::MIN, i64::MAX].map(Value::from));
    values.extend([json!(u64::MAX), json!(1.5), json!(-0.5), json!(1e300)]);
    values.extend(TEXTS.map(Value::from));
    values.extend(TIMES.map(Value::from));
    for length in [2, 3, 4, 5, 16, 17, 32, 33, 35, 36, 64, 65, 128, 129, 255, 256, 500, 501] {
        values.extend(["x", "é"].map(|letter| Value::from(letter.repeat(length))));
    }
    match original {
        Value::String(text) => values.push(json!({ text: null })),
        Value::Object(fields) => values.push(fields.values().cloned().collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
    }
    values
}

const TEXTS: [&str; 17] = [
    "",
    " ",
    "x",
    "~!",
    "a b",
    "a\u{7f}",
    "a\u{85}",
    "\0",
    "line\nbreak",
    "x\n",
    "ü",
    "🦀",
    "EUR",
    "eur",
    "captured",
    "0198C0DE-0001-7000-8000-00000000000F",
    "0198c0de00017000800000000000000f",
];

const TIMES: [&str; 20] = [
    "2026-03-01T12:00:00Z",
    "2026-03-01T12:00:00.1234567890123Z",
    "2026-03-01T23:59:59.999999999-23:59",
    "2024-02-29T00:00:00+00:00",
    "2026-02-29T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "2026-03-01T12:00:00-00:00",
    "2026-03-01T24:00:00Z",
    "2026-03-01T12:60:00Z",
    "2026-03-01T12:00:61Z",
    "2026-03-01T12:00:00.Z",
    "2026-03-01T12:00:00,5Z",
    "2026-03-01T12:00:00",
    "2026-03-01T12:00Z",
    "2026-03-01t12:00:00Z",
    "2026-03-01T12:00:00z",
    "2026-03-01 12:00:00Z",
    "2026-03-01T12:00:00+0100",
    "2026-03-01T12:00:00+24:00",
    "+2026-03-01T12:00:00Z",
];
