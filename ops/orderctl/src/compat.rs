//! Whether messages of an older contract are still taken, and still mean the same.
//!
//! Every message that is valid by the old schemas has to be valid by the new ones. What cannot be
//! shown to be safe counts as breaking.

mod change;
mod compare;
mod forms;
mod shape;
mod sources;

use std::collections::BTreeSet;

pub(crate) use change::{Category, Change, Rule};
pub(crate) use sources::SchemaSet;

use compare::Comparison;
use forms::Node;

/// Everything that breaks, from one set of schemas to another.
pub(crate) fn breaking_changes(old: &SchemaSet, new: &SchemaSet) -> Vec<Change> {
    let mut changes = BTreeSet::new();
    for (event, before) in old.events() {
        let Some(after) = new.event(event) else {
            changes.insert(Change::of_event(event, Rule::EventRemoved, "the event is gone"));
            continue;
        };
        if before["$id"] != after["$id"] {
            let what = format!("from {} to {}", before["$id"], after["$id"]);
            changes.insert(Change::of_event(event, Rule::IdChanged, what));
        }
        let mut comparison = Comparison::new(event, old, new);
        comparison.nodes(&[Node::root(before)], &[Node::root(after)], "");
        changes.extend(comparison.into_changes());
    }
    changes.into_iter().collect()
}
