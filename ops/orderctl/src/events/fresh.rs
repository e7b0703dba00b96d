//! New ids, references and times for an example, so that it can be sent again and again.

use std::collections::BTreeMap;

use contracts::{IdSource, OrderId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

/// Fields whose values name one thing at a provider or shop; two orders must not share them.
const REFERENCES: [&str; 5] =
    ["provider_ref", "payment_ref", "capture_ref", "request_key", "reservation_id"];

/// A message about the same as happening at `now`, with new ids and references.
///
/// What was the same before is the same after. The text keeps its layout.
pub(crate) fn freshened(
    body: &str,
    occurred_at: Timestamp,
    now: Timestamp,
    ids: &mut IdSource,
) -> String {
    let mut fresh = Fresh { later: now.micros() - occurred_at.micros(), ids, new: BTreeMap::new() };
    let message: Value = serde_json::from_str(body).expect("examples are JSON, as tests prove");
    fresh.visit("", &message);
    fresh.new.iter().fold(body.to_owned(), |text, (old, new)| replaced(&text, old, new))
}

/// The same text with one string value, wherever it stands, replaced by another.
pub(crate) fn replaced(text: &str, old: &str, new: &str) -> String {
    text.replace(&format!("\"{old}\""), &format!("\"{new}\""))
}

struct Fresh<'a> {
    /// Microseconds between then and now.
    later: i64,
    ids: &'a mut IdSource,
    new: BTreeMap<String, String>,
}

impl Fresh<'_> {
    fn visit(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, field)| self.visit(name, field));
            }
            Value::Array(items) => items.iter().for_each(|item| self.visit(name, item)),
            Value::String(text) => {
                if !self.new.contains_key(text)
                    && let Some(new) = self.renewed(name, text)
                {
                    self.new.insert(text.clone(), new);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn renewed(&mut self, name: &str, text: &str) -> Option<String> {
        if text.parse::<OrderId>().is_ok() {
            return Some(self.ids.next_id::<Uuid>().to_string());
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(Timestamp::from_micros(at.micros() + self.later).to_string());
        }
        REFERENCES.contains(&name).then(|| {
            let stem = text.rsplit_once(['_', '-']).map_or(text, |(stem, _)| stem);
            let id = self.ids.next_id::<Uuid>().simple().to_string();
            // The end of an id is its random part.
            format!("{stem}-{}", &id[20..])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Validator;
    use crate::events::examples::EXAMPLES;
    use contracts::Limits;
    use std::time::Duration;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_fresh_example_is_valid_and_happens_now() {
        let now = at("2030-05-06T07:08:09Z");
        for example in EXAMPLES {
            let validator = Validator::structured(Limits::default());
            let old = validator.validate(example.body.as_bytes()).accepted.unwrap();
            let mut ids = IdSource::new("/test", "fresh", now);
            let body = freshened(example.body, old.occurred_at, now, &mut ids);
            let verdict = validator.validate(body.as_bytes());
            let new = verdict.accepted.unwrap_or_else(|| panic!("{:?}", verdict.problems));
            assert_eq!(new.occurred_at, now, "{}", example.name);
            assert_ne!(new.id, old.id, "{}", example.name);
            assert_ne!(new.order, old.order, "{}", example.name);
        }
    }

    #[test]
    fn what_was_the_same_stays_the_same_and_distances_stay() {
        let id = "0198c0de-0001-7000-8000-000000000001";
        let body = format!(
            "{{\"a\": \"{id}\", \"b\": [\"{id}\"], \"placed_at\": \"2026-03-01T12:00:00Z\",\n  \
             \"expires_at\": \"2026-03-01T12:30:00Z\", \"provider_ref\": \"ch_000001\"}}"
        );
        let then = at("2026-03-01T12:00:00Z");
        let now = then.plus(Duration::from_hours(24));
        let fresh = freshened(&body, then, now, &mut IdSource::new("/test", "m", now));
        let value: Value = serde_json::from_str(&fresh).unwrap();
        assert_ne!(value["a"], id);
        assert_eq!(value["a"], value["b"][0]);
        assert_eq!(value["expires_at"], "2026-03-02T12:30:00Z");
        assert!(value["provider_ref"].as_str().unwrap().starts_with("ch-"), "{fresh}");
        assert!(fresh.contains("\n  "), "{fresh}");
    }
}
