//! Compares two schemas of the same event, place by place.

use serde_json::Value;

use super::change::{Change, Rule};
use super::forms::Node;
use super::shape::{Bound, Shape, is_of, shapes};
use super::sources::SchemaSet;

/// Deeper than this, no message goes: the decoder refuses it.
const MAX_DEPTH: usize = 16;

/// How personal a field may be, least first.
const PRIVACY: [&str; 3] = ["false", "\"pseudonym\"", "\"free-text\""];

/// The comparison of one event.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    event: &'a str,
    old: &'a SchemaSet,
    new: &'a SchemaSet,
    changes: Vec<Change>,
}

impl<'a> Comparison<'a> {
    /// Nothing found yet.
    pub(super) fn new(event: &'a str, old: &'a SchemaSet, new: &'a SchemaSet) -> Self {
        Self { event, old, new, changes: Vec::new() }
    }

    /// Everything that breaks.
    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Compares what holds of a value in both.
    pub(super) fn nodes(&mut self, old: &[Node<'a>], new: &[Node<'a>], pointer: &str) {
        if pointer.matches('/').count() > MAX_DEPTH {
            return;
        }
        let (before, after) = (shapes(self.old, old), shapes(self.new, new));
        for shape in &before {
            let best = after
                .iter()
                .filter(|it| {
                    it.kind == shape.kind || (shape.kind, it.kind) == ("integer", "number")
                })
                .map(|candidate| self.of_shapes(shape, candidate, pointer))
                .min_by_key(Vec::len);
            match best {
                Some(changes) => self.changes.extend(changes),
                None => self.add(pointer, Rule::TypeNarrowed, lost(shape.kind, &after)),
            }
        }
    }

    fn add(&mut self, pointer: &str, rule: Rule, what: impl Into<String>) {
        self.changes.push(Change::new(self.event, pointer, rule, what));
    }

    /// What breaks when values of one shape have to be of the other.
    fn of_shapes(&self, old: &Shape<'a>, new: &Shape<'a>, pointer: &str) -> Vec<Change> {
        let mut found = Self::new(self.event, self.old, self.new);
        found.values(old, new, pointer);
        found.ranges(old, new, pointer);
        found.assertions(old, new, pointer);
        found.fields(old, new, pointer);
        found.items(old, new, pointer);
        found.notes(old, new, pointer);
        found.changes
    }

    fn values(&mut self, old: &Shape<'_>, new: &Shape<'_>, pointer: &str) {
        let Some(after) = &new.values else { return };
        match &old.values {
            Some(before) => {
                let gone: Vec<String> = before
                    .iter()
                    .filter(|value| !after.contains(value))
                    .map(ToString::to_string)
                    .collect();
                if !gone.is_empty() {
                    self.add(pointer, Rule::ValueRemoved, format!("without {}", gone.join(", ")));
                }
            }
            None if covers(new.kind, after) => {}
            None => self.add(pointer, Rule::ValuesListed, "only values of a list are taken"),
        }
    }

    fn ranges(&mut self, old: &Shape<'_>, new: &Shape<'_>, pointer: &str) {
        // Lengths and counts begin at 0 by themselves.
        let counted = !["integer", "number"].contains(&old.kind);
        let before = old.least.or(counted.then_some(Bound { value: 0.0, open: false }));
        let least = new.least.filter(|bound| before.is_none_or(|before| bound.is_above(before)));
        if let Some(bound) = least {
            self.add(pointer, Rule::RangeNarrowed, format!("at least {}", said(bound)));
        }
        let most = new.most.filter(|bound| old.most.is_none_or(|before| bound.is_below(before)));
        if let Some(bound) = most {
            self.add(pointer, Rule::RangeNarrowed, format!("at most {}", said(bound)));
        }
    }

    fn assertions(&mut self, old: &Shape<'_>, new: &Shape<'_>, pointer: &str) {
        for (name, value) in new.assertions.difference(&old.assertions) {
            if *name == "multipleOf" && is_multiple(old, value) {
                continue;
            }
            let rule = match *name {
                "pattern" => Rule::PatternChanged,
                "format" => Rule::FormatChanged,
                _ => Rule::AssertionChanged,
            };
            self.add(pointer, rule, format!("{name} {value}"));
        }
    }

    fn fields(&mut self, old: &Shape<'a>, new: &Shape<'a>, pointer: &str) {
        for name in new.required.difference(&old.required) {
            self.add(&format!("{pointer}/{name}"), Rule::FieldRequired, "it could be left out");
        }
        if new.closed && !old.closed {
            self.add(pointer, Rule::FieldsClosed, "unknown fields are refused");
        }
        for (name, before) in &old.properties {
            let place = format!("{pointer}/{name}");
            if let Some(after) = new.properties.get(name) {
                self.nodes(before, after, &place);
                continue;
            }
            match self.successor(old, new, before) {
                Some(successor) => {
                    let what = format!("it is read as {successor:?} now");
                    self.add(&place, Rule::FieldRenamed, what);
                }
                None => self.add(&place, Rule::FieldRemoved, "it is no longer read"),
            }
        }
    }

    /// A field that was not there before and takes all that the lost one took.
    fn successor(&self, old: &Shape<'a>, new: &Shape<'a>, lost: &[Node<'a>]) -> Option<&'a str> {
        let added = new.properties.iter().filter(|(name, _)| !old.properties.contains_key(*name));
        let mut alike = added.filter(|(_, nodes)| {
            let mut trial = Self::new(self.event, self.old, self.new);
            trial.nodes(lost, nodes, "");
            let mut back = Self::new(self.event, self.new, self.old);
            back.nodes(nodes, lost, "");
            trial.changes.is_empty() && back.changes.is_empty()
        });
        alike.next().map(|(name, _)| *name)
    }

    fn items(&mut self, old: &Shape<'a>, new: &Shape<'a>, pointer: &str) {
        if !new.items.is_empty() {
            self.nodes(&old.items, &new.items, &format!("{pointer}/*"));
        }
    }

    fn notes(&mut self, old: &Shape<'_>, new: &Shape<'_>, pointer: &str) {
        let word = |shape: &Shape<'_>, name| shape.notes.get(name).map(ToString::to_string);
        for (name, rule) in [("x-unit", Rule::UnitChanged), ("default", Rule::DefaultChanged)] {
            let (before, after) = (word(old, name), word(new, name));
            // A unit that was never said may be said; a default that was not there changes what
            // leaving out means.
            if before != after && (name == "default" || before.is_some()) {
                let [before, after] = [before, after].map(|it| it.unwrap_or("none".to_owned()));
                self.add(pointer, rule, format!("from {before} to {after}"));
            }
        }
        let rank =
            |word: Option<String>| PRIVACY.iter().position(|it| word.as_deref() == Some(*it));
        let (before, after) = (rank(word(old, "x-pii")), rank(word(new, "x-pii")));
        if before.unwrap_or(0) > after.unwrap_or(0) {
            self.add(pointer, Rule::PrivacyWeakened, "it counts as less personal than before");
        }
    }
}

fn lost(kind: &str, after: &[Shape<'_>]) -> String {
    let kinds: Vec<&str> = after.iter().map(|shape| shape.kind).collect();
    match kinds.as_slice() {
        [] => format!("{kind} is no longer taken"),
        kinds => format!("{kind} is no longer taken, only {}", kinds.join(" or ")),
    }
}

/// Whether a list holds every value of a type.
fn covers(kind: &str, values: &[&Value]) -> bool {
    let all: &[Value] = match kind {
        "null" => &[Value::Null],
        "boolean" => &[Value::Bool(false), Value::Bool(true)],
        _ => return false,
    };
    all.iter().all(|value| is_of(kind, value) && values.contains(&value))
}

/// Whether numbers that were multiples of something are multiples of this as well.
fn is_multiple(old: &Shape<'_>, step: &str) -> bool {
    let Ok(step) = step.parse::<f64>() else { return false };
    if old.kind == "integer" && step.total_cmp(&1.0).is_eq() {
        return true;
    }
    let mut before = old.assertions.iter().filter(|(name, _)| *name == "multipleOf");
    before.any(|(_, value)| value.parse::<f64>().is_ok_and(|value| value % step == 0.0))
}

fn said(bound: Bound) -> String {
    let open = if bound.open { " (excluded)" } else { "" };
    format!("{}{open}", bound.value)
}
