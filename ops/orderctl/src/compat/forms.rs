//! The forms that a value may have: alternatives, each a list of plain schemas that all hold.

use serde_json::Value;

use super::sources::SchemaSet;

/// Deeper than this, a schema refers to itself.
const MAX_DEPTH: usize = 32;

/// A schema and the document it stands in, which local references mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    document: &'a Value,
    pub(super) value: &'a Value,
}

/// Schemas that all hold at once; only their own keywords count, not what they refer to.
pub(super) type Conjunction<'a> = Vec<Node<'a>>;

impl<'a> Node<'a> {
    /// A whole document.
    pub(super) fn root(document: &'a Value) -> Self {
        Self { document, value: document }
    }

    /// A schema within this one.
    pub(super) fn within(self, value: &'a Value) -> Self {
        Self { document: self.document, value }
    }

    fn list(self, keyword: &str) -> impl Iterator<Item = Node<'a>> {
        let members = self.value.get(keyword).and_then(Value::as_array);
        members.into_iter().flatten().map(move |value| self.within(value))
    }
}

/// The alternatives of schemas that all hold.
pub(super) fn alternatives<'a>(set: &'a SchemaSet, nodes: &[Node<'a>]) -> Vec<Conjunction<'a>> {
    all_of(set, nodes.iter().copied(), 0)
}

fn all_of<'a>(
    set: &'a SchemaSet,
    nodes: impl Iterator<Item = Node<'a>>,
    depth: usize,
) -> Vec<Conjunction<'a>> {
    nodes.fold(vec![Vec::new()], |forms, node| cross(&forms, &of_one(set, node, depth)))
}

fn of_one<'a>(set: &'a SchemaSet, node: Node<'a>, depth: usize) -> Vec<Conjunction<'a>> {
    let mut forms = vec![vec![node]];
    if depth >= MAX_DEPTH {
        return forms;
    }
    let reference = node.value.get("$ref").and_then(Value::as_str);
    if let Some((document, value)) = reference.and_then(|it| set.resolve(node.document, it)) {
        forms = cross(&forms, &of_one(set, Node { document, value }, depth + 1));
    }
    forms = cross(&forms, &all_of(set, node.list("allOf"), depth + 1));
    for keyword in ["anyOf", "oneOf"] {
        let choices = node.list(keyword).flat_map(|choice| of_one(set, choice, depth + 1));
        let choices: Vec<_> = choices.collect();
        if !choices.is_empty() {
            forms = cross(&forms, &choices);
        }
    }
    forms
}

fn cross<'a>(left: &[Conjunction<'a>], right: &[Conjunction<'a>]) -> Vec<Conjunction<'a>> {
    let pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
    pairs.map(|(left, right)| left.iter().chain(right).copied().collect()).collect()
}
