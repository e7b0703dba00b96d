//! One form of a value, of a single type, with all that is asserted of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::forms::{Conjunction, Node, alternatives};
use super::sources::SchemaSet;

/// Types of JSON; every integer is a number as well.
const TYPES: [&str; 6] = ["null", "boolean", "number", "string", "array", "object"];

/// Keywords that are read one by one below, or that assert nothing.
const READ: [&str; 31] = [
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "$comment",
    "allOf",
    "anyOf",
    "type",
    "const",
    "enum",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
    "properties",
    "items",
    "title",
    "description",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "additionalProperties",
];

/// Pairs of keywords: the least, the most, and the type they speak of.
const RANGES: [(&str, &str, &str); 4] = [
    ("minimum", "maximum", "number"),
    ("minLength", "maxLength", "string"),
    ("minItems", "maxItems", "array"),
    ("minProperties", "maxProperties", "object"),
];

/// A bound of a range; an open one excludes its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bound {
    pub(super) value: f64,
    pub(super) open: bool,
}

/// What is asserted of values of one type.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape<'a> {
    /// The type; `integer` where a number has to be one.
    pub(super) kind: &'static str,
    /// The only values taken, where they are listed.
    pub(super) values: Option<Vec<&'a Value>>,
    /// The least of number, length or count.
    pub(super) least: Option<Bound>,
    /// The most of it.
    pub(super) most: Option<Bound>,
    /// Fields that have to be there.
    pub(super) required: BTreeSet<&'a str>,
    /// Fields that are read, each with all that is asserted of it.
    pub(super) properties: BTreeMap<&'a str, Vec<Node<'a>>>,
    /// Whether unknown fields are refused.
    pub(super) closed: bool,
    /// What is asserted of each element.
    pub(super) items: Vec<Node<'a>>,
    /// Everything else that is asserted.
    pub(super) assertions: BTreeSet<(&'a str, String)>,
    /// What the value means: unit, default, how personal it is; the nearest word counts.
    pub(super) notes: BTreeMap<&'static str, &'a Value>,
}

/// The shapes of schemas that all hold: one for each type of each alternative.
pub(super) fn shapes<'a>(set: &'a SchemaSet, nodes: &[Node<'a>]) -> Vec<Shape<'a>> {
    alternatives(set, nodes).iter().flat_map(of_conjunction).collect()
}

fn of_conjunction<'a>(nodes: &Conjunction<'a>) -> Vec<Shape<'a>> {
    let mut kinds: Vec<&'static str> = TYPES.to_vec();
    for node in nodes {
        let named: Vec<&str> = match node.value.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ if node.value == &Value::Bool(false) => Vec::new(),
            _ => continue,
        };
        kinds = kinds.into_iter().filter_map(|kind| narrowed(kind, &named)).collect();
    }
    kinds.into_iter().filter_map(|kind| Shape::of(kind, nodes)).collect()
}

/// What is left of a type where only `named` ones are taken.
fn narrowed(kind: &'static str, named: &[&str]) -> Option<&'static str> {
    match kind {
        "number" if named.contains(&"number") => Some("number"),
        "number" | "integer" if named.iter().any(|name| ["number", "integer"].contains(name)) => {
            Some("integer")
        }
        other => named.contains(&other).then_some(other),
    }
}

impl<'a> Shape<'a> {
    fn of(kind: &'static str, nodes: &Conjunction<'a>) -> Option<Self> {
        let mut shape = Self { kind, ..Self::default() };
        for node in nodes {
            shape.add(*node);
        }
        // A list without a value of this type leaves nothing of it.
        (!shape.values.as_ref().is_some_and(Vec::is_empty)).then_some(shape)
    }

    fn add(&mut self, node: Node<'a>) {
        let Some(keywords) = node.value.as_object() else { return };
        for (name, value) in keywords {
            match (name.as_str(), value) {
                ("const", value) => self.list(std::iter::once(value)),
                ("enum", Value::Array(values)) => self.list(values.iter()),
                ("required", Value::Array(names)) if self.kind == "object" => {
                    self.required.extend(names.iter().filter_map(Value::as_str));
                }
                ("properties", Value::Object(fields)) if self.kind == "object" => {
                    for (name, field) in fields {
                        self.properties.entry(name).or_default().push(node.within(field));
                    }
                }
                ("items", items) if self.kind == "array" => self.items.push(node.within(items)),
                ("additionalProperties", Value::Bool(open)) => self.closed |= !open,
                ("additionalProperties", _) => self.assert(name, value),
                ("x-unit", value) => self.note("x-unit", value),
                ("x-pii", value) => self.note("x-pii", value),
                ("default", value) => self.note("default", value),
                (name, _) if READ.contains(&name) || name.starts_with("x-") => {}
                (name, value) => self.assert(name, value),
            }
        }
        self.bound(node.value);
    }

    /// Only these values, of those that were taken so far.
    fn list(&mut self, values: impl Iterator<Item = &'a Value>) {
        let taken = |value: &&Value| match &self.values {
            Some(before) => before.contains(value),
            None => is_of(self.kind, value),
        };
        self.values = Some(values.filter(taken).collect());
    }

    fn assert(&mut self, name: &'a str, value: &Value) {
        let speaks_of = match name {
            "pattern" | "format" | "contentEncoding" | "contentMediaType" => "string",
            "multipleOf" => "number",
            "uniqueItems" | "contains" | "prefixItems" | "unevaluatedItems" => "array",
            "patternProperties" | "propertyNames" | "dependentRequired" => "object",
            _ => self.kind,
        };
        if speaks_of == self.kind || (speaks_of, self.kind) == ("number", "integer") {
            self.assertions.insert((name, value.to_string()));
        }
    }

    fn note(&mut self, name: &'static str, value: &'a Value) {
        self.notes.entry(name).or_insert(value);
    }

    fn bound(&mut self, schema: &Value) {
        let kind = if self.kind == "integer" { "number" } else { self.kind };
        let Some((least, most, _)) = RANGES.iter().find(|(_, _, it)| *it == kind) else { return };
        let read = |name: &str, open| {
            let value = schema.get(name).and_then(Value::as_f64)?;
            Some(Bound { value, open })
        };
        let mut lower = vec![read(least, false)];
        let mut upper = vec![read(most, false)];
        if kind == "number" {
            lower.push(read("exclusiveMinimum", true));
            upper.push(read("exclusiveMaximum", true));
        }
        for bound in lower.into_iter().flatten() {
            let bound = self.whole(bound, 1.0);
            if self.least.is_none_or(|known| bound.is_above(known)) {
                self.least = Some(bound);
            }
        }
        for bound in upper.into_iter().flatten() {
            let bound = self.whole(bound, -1.0);
            if self.most.is_none_or(|known| bound.is_below(known)) {
                self.most = Some(bound);
            }
        }
    }

    /// Of integers an open bound is the next closed one.
    fn whole(&self, bound: Bound, step: f64) -> Bound {
        match (self.kind, bound.open) {
            ("integer", true) if bound.value.fract() == 0.0 => {
                Bound { value: bound.value + step, open: false }
            }
            _ => bound,
        }
    }
}

impl Bound {
    /// Whether as a least bound it takes less than the other.
    pub(super) fn is_above(self, other: Self) -> bool {
        self.value > other.value || (self.same(other) && self.open && !other.open)
    }

    /// Whether as a most bound it takes less than the other.
    pub(super) fn is_below(self, other: Self) -> bool {
        self.value < other.value || (self.same(other) && self.open && !other.open)
    }

    fn same(self, other: Self) -> bool {
        self.value.total_cmp(&other.value).is_eq()
    }
}

/// Whether a value is of a type.
pub(super) fn is_of(kind: &str, value: &Value) -> bool {
    match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(number) => kind == "number" || (kind == "integer" && !number.is_f64()),
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    }
}
