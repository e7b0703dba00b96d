//! One change that breaks something.

use serde::Serialize;

/// What a change breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Category {
    /// How a message finds its reader: events, their types and names, the envelope.
    Wire,
    /// What a message may look like.
    Schema,
    /// What a message means.
    Semantic,
}

/// Which rule a change breaks; the names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// An event is no longer taken.
    EventRemoved,
    /// A schema has another name.
    IdChanged,
    /// A field is no longer read.
    FieldRemoved,
    /// A field is read under another name.
    FieldRenamed,
    /// A field that could be left out may no longer be.
    FieldRequired,
    /// Unknown fields are refused.
    FieldsClosed,
    /// A value may no longer be of a type.
    TypeNarrowed,
    /// A value of a list is no longer taken.
    ValueRemoved,
    /// Only values of a list are taken.
    ValuesListed,
    /// A number or a length has narrower bounds.
    RangeNarrowed,
    /// Texts have to match another pattern.
    PatternChanged,
    /// Texts have to be of another format.
    FormatChanged,
    /// Another assertion was added or changed.
    AssertionChanged,
    /// A number counts something else.
    UnitChanged,
    /// Leaving a field out means something else.
    DefaultChanged,
    /// A field counts as less personal than it was.
    PrivacyWeakened,
}

impl Rule {
    fn category(self, pointer: &str) -> Category {
        match self {
            Self::EventRemoved | Self::IdChanged => Category::Wire,
            Self::UnitChanged | Self::DefaultChanged | Self::PrivacyWeakened => Category::Semantic,
            Self::FieldRemoved
            | Self::FieldRenamed
            | Self::FieldRequired
            | Self::FieldsClosed
            | Self::TypeNarrowed
            | Self::ValueRemoved
            | Self::ValuesListed
            | Self::RangeNarrowed
            | Self::PatternChanged
            | Self::FormatChanged
            | Self::AssertionChanged => {
                if pointer.starts_with("/data") {
                    Category::Schema
                } else {
                    Category::Wire
                }
            }
        }
    }
}

/// A change that breaks publishers, or messages that wait somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Change {
    /// The event.
    pub(crate) event: String,
    /// The field, as a JSON pointer; `*` stands for every element of an array.
    pub(crate) pointer: String,
    /// The rule.
    pub(crate) rule: Rule,
    /// What it breaks.
    pub(crate) category: Category,
    /// What changed.
    pub(crate) what: String,
}

impl Change {
    /// A change of a field.
    pub(super) fn new(event: &str, pointer: &str, rule: Rule, what: impl Into<String>) -> Self {
        Self {
            event: event.to_owned(),
            pointer: pointer.to_owned(),
            rule,
            category: rule.category(pointer),
            what: what.into(),
        }
    }

    /// A change of an event as a whole.
    pub(super) fn of_event(event: &str, rule: Rule, what: impl Into<String>) -> Self {
        Self::new(event, "", rule, what)
    }
}
