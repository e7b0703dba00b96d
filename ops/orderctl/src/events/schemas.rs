//! The JSON Schemas of the contract: validation, and what they say about a field.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use contracts::EventKind;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Registry, RegistryBuilder, ValidationError};
use serde_json::Value;

use crate::events::Problem;

macro_rules! schema {
    ($name:literal) => {
        include_str!(concat!("../../../../schemas/events/", $name, ".schema.json"))
    };
}

const DEFINITIONS: &str = schema!("definitions");

fn text_of(kind: EventKind) -> &'static str {
    match kind {
        EventKind::OrderCreated => schema!("order.created"),
        EventKind::OrderCancelRequested => schema!("order.cancel_requested"),
        EventKind::ConsentWithdrawn => schema!("customer.consent_withdrawn"),
        EventKind::PaymentAttempted => schema!("payment.attempted"),
        EventKind::UnappliedDue => schema!("payment.unapplied_due"),
        EventKind::ReserveReplied => schema!("inventory.reserve_replied"),
        EventKind::ReserveAnswerDue => schema!("inventory.reserve_due"),
        EventKind::PaymentTimeout => schema!("payment.timeout"),
        EventKind::PaymentReminder => schema!("payment.reminder"),
        EventKind::RefundRequested => schema!("refund.requested"),
        EventKind::RefundUpdated => schema!("refund.updated"),
        EventKind::RefundReviewed => schema!("refund.reviewed"),
        EventKind::RefundReviewDue => schema!("refund.review_due"),
        EventKind::DisputeOpened => schema!("dispute.opened"),
        EventKind::DisputeUpdated => schema!("dispute.updated"),
        EventKind::EvidenceSubmitted => schema!("dispute.evidence_submitted"),
        EventKind::DisputeMediated => schema!("dispute.mediated"),
        EventKind::DisputeDeadline => schema!("dispute.deadline"),
    }
}

/// The text of every schema with the name of its event, and of what they share.
pub(crate) fn schema_texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let events = EventKind::ALL.into_iter().map(|kind| (kind.name(), text_of(kind)));
    events.chain([("definitions", DEFINITIONS)])
}

struct Schemas {
    definitions: Value,
    by_kind: BTreeMap<EventKind, (Value, jsonschema::Validator)>,
}

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let read = |text| serde_json::from_str::<Value>(text).expect("schemas are JSON");
    let definitions = read(DEFINITIONS);
    let id = definitions["$id"].as_str().expect("the definitions have an id");
    let registry = Registry::new()
        .add(id, definitions.clone())
        .and_then(RegistryBuilder::prepare)
        .expect("the definitions are a schema");
    let build = |kind| {
        let document = read(text_of(kind));
        let validator = jsonschema::draft202012::options()
            .with_registry(&registry)
            .should_validate_formats(true)
            .build(&document)
            .expect("schemas are of 2020-12 and refer to the definitions only");
        (kind, (document, validator))
    };
    let by_kind = EventKind::ALL.into_iter().map(build).collect();
    Schemas { definitions, by_kind }
});

/// Whether the schema of an event takes a message.
#[cfg(test)]
pub(crate) fn schema_accepts(kind: EventKind, message: &Value) -> bool {
    SCHEMAS.by_kind[&kind].1.is_valid(message)
}

/// Every rule of an event's schema that a message breaks.
pub(super) fn problems(kind: EventKind, message: &Value) -> Vec<Problem> {
    let (_, validator) = &SCHEMAS.by_kind[&kind];
    let mut found = Vec::new();
    validator.iter_errors(message).for_each(|error| collect(kind, &error, &mut found));
    found
}

fn collect(kind: EventKind, error: &ValidationError<'_>, found: &mut Vec<Problem>) {
    // Of an optional field the first form is the field itself, the second is null.
    if let ValidationErrorKind::AnyOf { context } = error.kind()
        && let Some(first) = context.first().filter(|first| !first.is_empty())
    {
        for error in first {
            collect(kind, error, found);
        }
        return;
    }
    let mut pointer = error.instance_path().to_string();
    if let ValidationErrorKind::Required { property } = error.kind() {
        pointer.push('/');
        pointer.push_str(property.as_str().unwrap_or_default());
    }
    found.push(Problem {
        code: code(error.kind().keyword()),
        // The value itself may be personal.
        rule: error.masked_with("the value").to_string(),
        documentation: documentation(kind, &pointer),
        pointer,
    });
}

/// The code of a broken keyword, such as `schema-max-length`.
fn code(keyword: &str) -> String {
    let mut code = "schema-".to_owned();
    for letter in keyword.chars() {
        if letter.is_ascii_uppercase() {
            code.push('-');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

/// What the schema of an event says about the field at a JSON pointer.
pub(super) fn documentation(kind: EventKind, pointer: &str) -> Option<String> {
    let path: Vec<_> = pointer.split('/').skip(1).collect();
    let (document, _) = &SCHEMAS.by_kind[&kind];
    describe(document, &path).map(str::to_owned)
}

/// Whether the schema of an event knows the field at a JSON pointer as not personal.
pub(crate) fn field_is_public(kind: EventKind, pointer: &str) -> bool {
    let path: Vec<_> = pointer.split('/').skip(1).collect();
    let (document, _) = &SCHEMAS.by_kind[&kind];
    is_marked(document, &path)
}

fn is_marked(schema: &'static Value, path: &[&str]) -> bool {
    let Some((field, rest)) = path.split_first() else {
        return parts(schema)
            .into_iter()
            .any(|part| part.get("x-pii") == Some(&Value::Bool(false)));
    };
    parts(schema).into_iter().any(|part| {
        let named = part.get("properties").and_then(|fields| fields.get(field));
        named.or_else(|| part.get("items")).is_some_and(|part| is_marked(part, rest))
    })
}

fn describe(schema: &'static Value, path: &[&str]) -> Option<&'static str> {
    let Some((field, rest)) = path.split_first() else {
        return parts(schema).into_iter().find_map(|part| part.get("description")?.as_str());
    };
    parts(schema).into_iter().find_map(|part| {
        let named = part.get("properties").and_then(|fields| fields.get(field));
        describe(named.or_else(|| part.get("items"))?, rest)
    })
}

/// A schema, what it refers to, and the first of its alternatives.
fn parts(schema: &'static Value) -> Vec<&'static Value> {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let target = reference
        .and_then(|reference| reference.split_once('#'))
        .and_then(|(_, pointer)| SCHEMAS.definitions.pointer(pointer));
    let first = schema.get("anyOf").and_then(|forms| forms.get(0));
    let others = target.into_iter().chain(first).flat_map(parts);
    std::iter::once(schema).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_described_where_it_stands_and_through_what_it_refers_to() {
        let says = |pointer| documentation(EventKind::OrderCreated, pointer).unwrap_or_default();
        assert_eq!(says("/data/merchant_id"), "Who sells.");
        assert!(says("/data/total/amount_minor").starts_with("The amount as a JSON integer"));
        assert_eq!(says("/data/lines/7/sku"), "The article.");
        assert!(says("/id").starts_with("Names the message."));
        assert_eq!(says("/data/no_such_field"), "");
    }

    #[test]
    fn a_narrowed_definition_is_described_by_the_one_it_narrows() {
        let says = documentation(EventKind::PaymentAttempted, "/data/amount/amount_minor");
        assert!(says.is_some_and(|text| text.starts_with("The amount as a JSON integer")));
    }

    #[test]
    fn every_broken_rule_is_found_and_no_value_is_repeated() {
        let message = serde_json::json!({
            "specversion": "1.0", "id": "m-1", "source": "/shop", "type": "shop.order.created.v1",
            "data": {
                "order_id": "secret", "customer_ref": "hidden from view", "total": {},
                "placed_at": "2026-03-01T12:00:00Z", "revision": 0, "livemode": true,
                "expires_at": "tomorrow"
            }
        });
        let problems = problems(EventKind::OrderCreated, &message);
        let pointers: Vec<_> = problems.iter().map(|problem| &*problem.pointer).collect();
        for expected in [
            "/data/merchant_id",
            "/data/order_id",
            "/data/customer_ref",
            "/data/total/amount_minor",
            "/data/total/currency",
            "/data/revision",
            "/data/expires_at",
        ] {
            assert!(pointers.contains(&expected), "{expected} in {pointers:?}");
        }
        for problem in &problems {
            let text = format!("{problem:?}");
            assert!(!["secret", "hidden", "tomorrow"].iter().any(|it| text.contains(it)), "{text}");
        }
    }
}
