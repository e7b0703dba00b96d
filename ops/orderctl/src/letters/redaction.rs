//! Bodies without what might be personal: only what the schema knows as harmless is shown.

use broker::{HeaderValue, Headers};
use contracts::EventKind;
use serde_json::{Map, Value};

use crate::events::{Problem, field_is_public};

/// Headers whose values are ours or the envelope's.
const PLAIN_HEADERS: [&str; 7] =
    ["ce-", "ce_", "cloudEvents_", "cloudEvents:", "orderflow-", "x-death", "x-delivery-count"];

/// A body as it may be shown: as JSON, or as a sentence when it is none.
///
/// A text that its schema does not know, or that breaks it, is masked, as are all values below an
/// unknown field; numbers that break their rule are shown, because they are what is looked for.
pub(crate) fn body(kind: Option<EventKind>, body: &[u8], at: &str, problems: &[Problem]) -> Value {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Value::from(format!("[{} bytes that are no JSON]", body.len()));
    };
    Redactor { kind, problems }.value(value, at)
}

struct Redactor<'a> {
    kind: Option<EventKind>,
    problems: &'a [Problem],
}

impl Redactor<'_> {
    fn value(&self, value: Value, pointer: &str) -> Value {
        match value {
            Value::Object(fields) => {
                let redacted = fields.into_iter().map(|(name, value)| {
                    let part = name.replace('~', "~0").replace('/', "~1");
                    let value = self.value(value, &format!("{pointer}/{part}"));
                    (name, value)
                });
                Value::Object(redacted.collect::<Map<_, _>>())
            }
            Value::Array(values) => {
                let redacted = values.into_iter().enumerate();
                let redacted =
                    redacted.map(|(index, value)| self.value(value, &format!("{pointer}/{index}")));
                Value::Array(redacted.collect())
            }
            leaf if self.may_be_shown(&leaf, pointer) => leaf,
            leaf => mask(&leaf),
        }
    }

    fn may_be_shown(&self, leaf: &Value, pointer: &str) -> bool {
        let public = self.kind.is_some_and(|kind| field_is_public(kind, pointer));
        let broken = self.problems.iter().any(|problem| problem.pointer == pointer);
        public && !(leaf.is_string() && broken)
    }
}

fn mask(leaf: &Value) -> Value {
    match leaf {
        Value::Null => Value::Null,
        Value::String(text) => {
            Value::from(format!("[redacted: {} characters]", text.chars().count()))
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Value::from("[redacted]")
        }
    }
}

/// Headers as they may be shown: ours and the envelope's; of others only the type.
pub(crate) fn headers(headers: &Headers) -> Vec<(String, String)> {
    let shown = headers.iter().map(|(name, value)| {
        let plain = name == "traceparent" || PLAIN_HEADERS.iter().any(|it| name.starts_with(it));
        let text = if plain { plain_text(value) } else { "[redacted]".to_owned() };
        (name.to_owned(), text)
    });
    shown.collect()
}

/// Headers as they are.
pub(crate) fn plain_headers(headers: &Headers) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_owned(), plain_text(value))).collect()
}

fn plain_text(value: &HeaderValue) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => serde_json::to_string(value).expect("header values have text keys"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(value: &Value, problems: &[Problem]) -> Value {
        let body = value.to_string();
        super::body(Some(EventKind::RefundRequested), body.as_bytes(), "", problems)
    }

    #[test]
    fn only_what_the_schema_knows_is_shown() {
        let body = json!({
            "type": "shop.refund.requested.v1",
            "iban": "DE02 1203 0000 0000 2020 51",
            "data": {
                "order_id": "00000007-0001-7000-8000-000000000000",
                "reason_code": "defective",
                "amount": {"amount_minor": -5, "currency": "EUR", "note": "for Ann"},
                "email": "ann@example.com",
                "extra": {"phone": 123_456, "list": ["Ann"]}
            }
        });
        let shown = shown(&body, &[]);
        assert_eq!(shown["type"], "shop.refund.requested.v1");
        assert_eq!(shown["data"]["reason_code"], "defective");
        assert_eq!(shown["data"]["amount"]["amount_minor"], -5);
        assert_eq!(shown["data"]["email"], "[redacted: 15 characters]");
        assert_eq!(shown["data"]["amount"]["note"], "[redacted: 7 characters]");
        let text = shown.to_string();
        for secret in ["Ann", "ann@", "123456", "DE02"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }

    #[test]
    fn a_text_that_breaks_its_schema_may_be_anything() {
        let problem = Problem {
            code: "schema-enum".to_owned(),
            pointer: "/data/reason_code".to_owned(),
            rule: String::new(),
            documentation: None,
        };
        let body = json!({"data": {"reason_code": "call Ann on 030 123"}});
        assert_eq!(shown(&body, &[problem])["data"]["reason_code"], "[redacted: 19 characters]");
    }

    #[test]
    fn what_is_no_json_or_no_event_of_ours_is_not_shown() {
        let none = super::body(None, b"\xff\0secret", "", &[]);
        assert_eq!(none, "[8 bytes that are no JSON]");
        let unknown = super::body(None, br#"{"type":"ann.was.here"}"#, "", &[]);
        assert_eq!(unknown, json!({"type": "[redacted: 12 characters]"}));
    }

    #[test]
    fn headers_of_others_are_told_by_name_only() {
        let mut all = Headers::default();
        all.insert("orderflow-attempt", 3_i64);
        all.insert("x-customer", "ann");
        all.insert("customer", "ann");
        let shown = headers(&all);
        let told = |name: &str| shown.iter().find(|it| it.0 == name).map(|it| it.1.clone());
        assert_eq!(told("customer").as_deref(), Some("[redacted]"));
        assert_eq!(told("x-customer").as_deref(), Some("[redacted]"));
        assert_eq!(told("orderflow-attempt").as_deref(), Some(r#"{"type":"i64","value":3}"#));
    }
}
