//! A JSON Patch over the body of a message, exact or refused.

use json_patch::Patch;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Difference, Edited};
use crate::vault::Content;

/// Prefixes of the headers that carry an event's attributes beside its body.
const PREFIXES: [&str; 3] = ["ce-", "cloudEvents_", "cloudEvents:"];

/// Why a patch cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// It is no JSON Patch (RFC 6902).
    #[error("failed to edit: the patch is no JSON Patch")]
    NotAPatch,
    /// The body is no JSON document.
    #[error("failed to edit: the body is no JSON")]
    NotJson,
    /// The body has numbers that would not come out as they went in.
    #[error("failed to edit: the body has numbers that are not whole")]
    Inexact,
    /// A place of the patch is not in the body, or a test of it fails.
    #[error("failed to edit: the patch does not fit the body")]
    DoesNotFit,
    /// Nothing would change.
    #[error("failed to edit: the patch changes nothing")]
    NoChange,
    /// The event has no id and source that could be replaced.
    #[error("failed to edit: the event has no id or no source")]
    NoIdentity,
}

/// A patched message.
pub(super) struct Patched {
    /// The message; its queue is the caller's to fill in.
    pub(super) edited: Edited,
    /// Who sent the event.
    pub(super) source: String,
}

/// Reads a patch.
pub(super) fn parse_patch(text: &str) -> Result<Value, PatchError> {
    let patch: Value = serde_json::from_str(text).or(Err(PatchError::NotAPatch))?;
    as_patch(&patch).map(|_| patch)
}

fn as_patch(patch: &Value) -> Result<Patch, PatchError> {
    serde_json::from_value(patch.clone()).or(Err(PatchError::NotAPatch))
}

/// The message after the patch, under a new id.
pub(super) fn patched(
    content: &Content,
    properties_json: &str,
    patch: &Value,
    new_id: Uuid,
) -> Result<Patched, PatchError> {
    let before: Value = serde_json::from_slice(&content.body).or(Err(PatchError::NotJson))?;
    if !is_exact(&before) {
        return Err(PatchError::Inexact);
    }
    let patch = as_patch(patch)?;
    let mut after = before.clone();
    json_patch::patch(&mut after, &patch).or(Err(PatchError::DoesNotFit))?;
    if after == before {
        return Err(PatchError::NoChange);
    }
    let differences = differences(&before, &after, &patch);
    let mut headers = parse_object(content.headers_json.as_deref().unwrap_or("{}"));
    let mut properties = parse_object(properties_json);
    let source = rename(&mut after, &mut headers, new_id).ok_or(PatchError::NoIdentity)?;
    properties.insert("message_id".to_owned(), Value::String(new_id.to_string()));
    let edited = Edited {
        queue: String::new(),
        properties_json: Value::Object(properties).to_string(),
        headers_json: Some(Value::Object(headers).to_string()),
        body: after.to_string().into_bytes(),
        differences,
    };
    Ok(Patched { edited, source })
}

fn parse_object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Whether every number comes out as it went in.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => !number.is_f64(),
        Value::Array(values) => values.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
    }
}

fn differences(before: &Value, after: &Value, patch: &Patch) -> Vec<Difference> {
    let mut pointers: Vec<String> =
        patch.0.iter().map(|operation| operation.path().to_string()).collect();
    pointers.sort();
    pointers.dedup();
    let difference = |pointer: String| {
        let (before, after) = (before.pointer(&pointer), after.pointer(&pointer));
        (before != after).then(|| Difference {
            before: before.cloned(),
            after: after.cloned(),
            pointer,
        })
    };
    pointers.into_iter().filter_map(difference).collect()
}

/// Gives the event its new id, wherever it has its old one; returns its source.
fn rename(body: &mut Value, headers: &mut Map<String, Value>, new_id: Uuid) -> Option<String> {
    for prefix in PREFIXES {
        let source = headers.get(&format!("{prefix}source")).and_then(text).map(str::to_owned);
        if let (Some(source), Some(id)) = (source, headers.get_mut(&format!("{prefix}id"))) {
            *id = serde_json::json!({ "type": "text", "value": new_id.to_string() });
            return Some(source);
        }
    }
    let source = body.get("source")?.as_str()?.to_owned();
    *body.get_mut("id")? = Value::String(new_id.to_string());
    Some(source)
}

/// The text of a header as typed JSON.
fn text(header: &Value) -> Option<&str> {
    header.get("value")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched_body(body: &str, patch: &str) -> Result<(String, Vec<Difference>), PatchError> {
        let content = Content { headers_json: None, body: body.as_bytes().to_vec() };
        let patch = parse_patch(patch)?;
        let patched = patched(&content, "{}", &patch, Uuid::nil())?;
        let body = String::from_utf8(patched.edited.body).unwrap();
        Ok((body, patched.edited.differences))
    }

    #[test]
    fn a_patch_changes_its_places_and_the_id() {
        let body = r#"{"id":"e-1","source":"/shop","data":{"amount":9007199254740993}}"#;
        let patch = r#"[{"op":"add","path":"/data/currency","value":"EUR"}]"#;
        let (after, differences) = patched_body(body, patch).unwrap();
        let expected = r#"{"data":{"amount":9007199254740993,"currency":"EUR"},"#.to_owned()
            + r#""id":"00000000-0000-0000-0000-000000000000","source":"/shop"}"#;
        assert_eq!(after, expected);
        let pointer = "/data/currency".to_owned();
        let expected = Difference { pointer, before: None, after: Some("EUR".into()) };
        assert_eq!(differences, [expected]);
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        let event = |data: &str| format!(r#"{{"id":"e","source":"/s","data":{data}}}"#);
        let remove = r#"[{"op":"remove","path":"/data/x"}]"#;
        let cases = [
            ("not json".to_owned(), remove, PatchError::NotJson),
            (event(r#"{"x":1.5}"#), remove, PatchError::Inexact),
            (event("{}"), remove, PatchError::DoesNotFit),
            (event(r#"{"x":1}"#), r#"[{"op":"jump"}]"#, PatchError::NotAPatch),
            (event("{}"), "[]", PatchError::NoChange),
            (r#"{"data":{"x":1}}"#.to_owned(), remove, PatchError::NoIdentity),
        ];
        for (body, patch, expected) in cases {
            assert_eq!(patched_body(&body, patch).unwrap_err(), expected, "{body} {patch}");
        }
    }
}
