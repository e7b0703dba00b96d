//! What every schema must offer to those who read it.

use std::collections::BTreeSet;
use std::fs;

use contracts::events::RefundCause;
use contracts::{Currency, EventKind};
use serde_json::Value;

use crate::corpus::{SCHEMAS, VALID, decode_body, example, folder, with};

/// A field that a schema describes.
pub(crate) struct Property {
    /// Where it stands; items of arrays are shown by the first one.
    pub(crate) pointer: String,
    pub(crate) required: bool,
    /// What is said of it: here, and in the definitions it refers to.
    parts: Vec<&'static Value>,
}

impl Property {
    fn says(&self, keyword: &str) -> Option<&'static Value> {
        self.parts.iter().find_map(|part| part.get(keyword))
    }

    fn is_leaf(&self) -> bool {
        self.says("properties").is_none() && self.says("items").is_none()
    }
}

/// Every field of an event, the attributes of the envelope included.
pub(crate) fn properties(kind: EventKind) -> Vec<Property> {
    let mut found = Vec::new();
    collect("", SCHEMAS.document(kind), &mut found);
    found
}

fn collect(pointer: &str, schema: &'static Value, found: &mut Vec<Property>) {
    let parts = parts(schema);
    for part in &parts {
        if let Some(items) = part.get("items") {
            collect(&format!("{pointer}/0"), items, found);
        }
        let fields = part.get("properties").and_then(Value::as_object);
        // A narrowed definition repeats the field only to narrow it.
        for (name, field) in fields.into_iter().flatten().filter(|_| part.get("type").is_some()) {
            let required = |part: &&Value| {
                let list = part.get("required").and_then(Value::as_array);
                list.is_some_and(|list| list.iter().any(|entry| entry == name))
            };
            found.push(Property {
                pointer: format!("{pointer}/{name}"),
                required: parts.iter().any(required),
                parts: self::parts(field),
            });
            collect(&format!("{pointer}/{name}"), field, found);
        }
    }
}

/// A schema and those it refers to; null beside a type is passed over.
fn parts(schema: &'static Value) -> Vec<&'static Value> {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|reference| reference.split_once('#')).map(|(_, pointer)| {
        let found = SCHEMAS.definitions.pointer(pointer);
        found.unwrap_or_else(|| panic!("{pointer} is not defined"))
    });
    let choice = schema.get("anyOf").and_then(|choices| choices.get(0));
    // `anyOf` of an event's data states a condition, not another form of it.
    let choice = choice.filter(|_| schema.get("properties").is_none());
    let others = target.into_iter().chain(choice).flat_map(parts);
    std::iter::once(schema).chain(others).collect()
}

#[test]
fn every_schema_is_one_of_2020_12_with_a_stable_id() {
    for kind in EventKind::ALL {
        let schema = SCHEMAS.document(kind);
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{kind}");
        let id = format!("https://orderflow.invalid/schemas/events/{kind}/v1.json");
        assert_eq!(schema["$id"], id);
        assert_eq!(schema["title"], kind.name());
        assert_eq!(schema["properties"]["type"]["const"], kind.type_name());
    }
    assert!(jsonschema::draft202012::meta::is_valid(&SCHEMAS.definitions));
}

#[test]
fn every_field_is_described_and_says_how_personal_it_is() {
    let known = [Value::from(false), Value::from("pseudonym"), Value::from("free-text")];
    for kind in EventKind::ALL {
        for property in properties(kind) {
            let pointer = &property.pointer;
            assert!(property.says("description").is_some(), "{kind} {pointer}");
            if property.is_leaf() {
                let personal = property.says("x-pii");
                assert!(personal.is_some_and(|level| known.contains(level)), "{kind} {pointer}");
            }
        }
    }
}

#[test]
fn free_text_is_marked_as_such_and_so_are_pseudonyms() {
    let marked = |level: &str| -> BTreeSet<String> {
        let of = |kind| properties(kind).into_iter().map(move |property| (kind, property));
        let all = EventKind::ALL.into_iter().flat_map(of);
        let marked =
            all.filter(|(_, property)| property.says("x-pii") == Some(&Value::from(level)));
        marked.map(|(kind, property)| format!("{kind}{}", property.pointer)).collect()
    };
    let pseudonyms = [
        "customer.consent_withdrawn/data/customer_ref",
        "dispute.mediated/data/decided_by/id",
        "order.created/data/customer_ref",
        "refund.requested/data/requested_by/id",
        "refund.reviewed/data/reviewed_by/id",
    ];
    assert_eq!(marked("pseudonym"), pseudonyms.map(str::to_owned).into());
    let texts = [
        "dispute.mediated/data/note",
        "order.cancel_requested/data/reason",
        "refund.reviewed/data/note",
        "refund.updated/data/failure_reason",
    ];
    // Whatever the systems along a trace put there.
    let states = EventKind::ALL.map(|kind| format!("{kind}/tracestate"));
    assert_eq!(marked("free-text"), texts.map(str::to_owned).into_iter().chain(states).collect());
}

#[test]
fn every_field_is_shown_by_a_valid_example() {
    for kind in EventKind::ALL {
        for property in properties(kind) {
            let pointer = &property.pointer;
            let shown = VALID.iter().any(|valid| {
                let value = valid.message.pointer(pointer);
                valid.kind == kind && value.is_some_and(|value| !value.is_null())
            });
            assert!(shown, "{kind} {pointer}");
        }
    }
}

#[test]
fn the_examples_within_the_schemas_are_valid() {
    for kind in EventKind::ALL {
        let examples = SCHEMAS.document(kind)["examples"].as_array();
        for message in examples.unwrap_or_else(|| panic!("{kind} shows no example")) {
            assert!(SCHEMAS.accepts(kind, message), "{kind}");
            decode_body(kind, message.to_string())
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
    }
}

#[test]
fn the_schemas_list_the_currencies_that_the_decoder_knows() {
    let known: Vec<_> = Currency::all().map(|currency| Value::from(currency.code())).collect();
    assert_eq!(SCHEMAS.definitions["$defs"]["currency"]["enum"], Value::from(known));
}

#[test]
fn every_word_that_a_schema_lists_is_understood() {
    for kind in EventKind::ALL {
        for property in properties(kind) {
            let pointer = &property.pointer;
            let words = property.says("enum").and_then(Value::as_array);
            for word in words.into_iter().flatten() {
                let message = with(example(kind, "full"), pointer, word.clone());
                decode_body(kind, message.to_string())
                    .unwrap_or_else(|error| panic!("{kind} {pointer} {word}: {error}"));
            }
        }
    }
}

#[test]
fn neither_schema_nor_decoder_takes_a_refund_key_that_begins_like_ours() {
    let kind = EventKind::RefundRequested;
    for cause in RefundCause::ALL {
        for (key, theirs) in [(cause.key_of("1"), false), (format!("-{}", cause.key_of("1")), true)]
        {
            let message = with(example(kind, "full"), "/data/request_key", Value::from(key));
            assert_eq!(SCHEMAS.accepts(kind, &message), theirs, "{cause:?}");
            assert_eq!(decode_body(kind, message.to_string()).is_ok(), theirs, "{cause:?}");
        }
    }
}

#[test]
fn there_is_a_schema_for_every_event_and_for_nothing_else() {
    let mut expected: BTreeSet<_> =
        EventKind::ALL.iter().map(|kind| format!("{kind}.schema.json")).collect();
    expected.insert("definitions.schema.json".to_owned());
    let entries = fs::read_dir(folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name != "examples").collect::<BTreeSet<_>>(), expected);
}
