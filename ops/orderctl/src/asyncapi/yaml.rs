//! JSON values written as YAML.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use crate::render::{Style, View};

/// What stands above the document.
const HEAD: &str =
    "# Written by `orderctl schema asyncapi`; a test holds it to schemas and topology.";

/// Words that YAML takes for something else than text.
const RESERVED: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A document for people and for programs that read YAML.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Yaml(pub(crate) Value);

impl View for Yaml {
    fn text(&self, _: Style) -> String {
        let mut text = HEAD.to_owned();
        write_value(&mut text, &self.0, 0);
        text
    }
}

/// Writes a value in block style: after a key or a dash, or on the lines below.
fn write_value(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                begin_line(text, indent);
                text.push_str(&key(name));
                text.push(':');
                write_value(text, field, indent + 2);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                begin_line(text, indent);
                text.push('-');
                write_value(text, item, indent + 2);
            }
        }
        // Every JSON text of one line is YAML as well.
        scalar => {
            write!(text, " {scalar}").expect("writing to a String does not fail");
        }
    }
}

fn begin_line(text: &mut String, indent: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n(' ', indent));
}

fn key(name: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "$_.-".contains(letter);
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '$');
    if begins && name.chars().all(allowed) && !RESERVED.contains(&name) {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_written_in_blocks_and_texts_in_quotes() {
        let value = json!({
            "a": { "$ref": "#/b", "on": [] },
            "list": [1, { "x": "y: z", "w": null }],
            "/c": "two\nlines",
        });
        let text = Yaml(value).text(Style::plain(80));
        let (_, body) = text.split_once('\n').unwrap();
        assert_eq!(
            body,
            "\"/c\": \"two\\nlines\"\na:\n  $ref: \"#/b\"\n  \"on\": []\nlist:\n  - 1\n  -\n    \
             w: null\n    x: \"y: z\""
        );
    }
}
