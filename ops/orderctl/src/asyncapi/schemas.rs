//! The schemas as `AsyncAPI` reads them: in the words of JSON Schema draft 07.

use contracts::EventKind;
use serde_json::{Map, Value, json};

use crate::events::schema_texts;

/// Every schema by its name: of the events of shops, and of what they share.
pub(super) fn rendered() -> Map<String, Value> {
    let mut schemas = Map::new();
    for (name, text) in schema_texts() {
        let document: Value = serde_json::from_str(text).expect("schemas are JSON");
        match document.get("$defs") {
            Some(Value::Object(shared)) => {
                let shared = shared.iter().map(|(name, schema)| (name.clone(), draft_07(schema)));
                schemas.extend(shared);
            }
            _ if is_of_shop(name) => {
                schemas.insert(name.to_owned(), draft_07(&document));
            }
            _ => {}
        }
    }
    schemas
}

fn is_of_shop(name: &str) -> bool {
    EventKind::ALL.into_iter().any(|kind| kind.from_shop() && kind.name() == name)
}

/// The same schema in draft 07, where a reference stands for itself alone.
fn draft_07(schema: &Value) -> Value {
    match schema {
        Value::Array(members) => members.iter().map(draft_07).collect(),
        Value::Object(keywords) => {
            let mut rendered = Map::new();
            for (name, value) in keywords {
                match name.as_str() {
                    "$schema" | "$id" | "$ref" => {}
                    "examples" | "enum" | "const" | "default" | "required" => {
                        rendered.insert(name.clone(), value.clone());
                    }
                    _ => {
                        rendered.insert(name.clone(), draft_07(value));
                    }
                }
            }
            match keywords.get("$ref").and_then(Value::as_str) {
                None => Value::Object(rendered),
                Some(reference) if rendered.is_empty() => link(reference),
                Some(reference) => {
                    let all = rendered.entry("allOf").or_insert_with(|| json!([]));
                    if let Value::Array(all) = all {
                        all.push(link(reference));
                    }
                    Value::Object(rendered)
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

/// A reference to a schema that events share, which all references are.
fn link(reference: &str) -> Value {
    let name = reference.rsplit_once("#/$defs/").map(|(_, name)| name);
    let name = name.expect("schemas refer to what they share only");
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
