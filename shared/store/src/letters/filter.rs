//! Which dead letters are meant: the one language of every command, as a value.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::grammar;

/// Which dead letters are meant: all of its terms hold for each of them.
///
/// ```
/// use store::letters::Filter;
///
/// let filter: Filter = "code=invalid-amount and age>2h attempts>3".parse().unwrap();
/// assert_eq!(filter.to_string(), "code=invalid-amount age>2h attempts>3");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub(super) terms: Vec<Term>,
}

/// One condition of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// A column is, or is not, one of some values.
    Word { key: WordKey, not: bool, values: Vec<String> },
    /// Its number, or that of a replay it was part of, is one of these.
    Id { key: IdKey, ids: Vec<i64> },
    /// A number compares so with a bound.
    Number { key: NumberKey, comparison: Comparison, bound: i32 },
    /// So much time has passed, at least or at most.
    Age { key: AgeKey, longer: bool, bound: Duration },
    /// A text occurs, or does not occur, in what is said of the letter.
    Text { not: bool, part: String },
}

/// A column with words in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordKey {
    /// The work queue that failed.
    Queue,
    /// The type of the event.
    Type,
    /// The order that it names.
    Order,
    /// Whose fault it was.
    Class,
    /// What went wrong.
    Code,
    /// The beginning of the fingerprint of like failures.
    Group,
    /// Where it stands.
    Status,
    /// What the message is known by.
    Key,
    /// Which build gave up on it.
    Build,
}

/// What has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdKey {
    /// The letter.
    Letter,
    /// A replay.
    Batch,
}

/// A column with a number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKey {
    /// How often it was tried.
    Attempts,
    /// How often it was replayed.
    Replays,
}

/// A time that grows old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgeKey {
    /// Since the last failure.
    Last,
    /// Since the first failure.
    First,
}

/// How a number compares with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// It is the bound.
    Equal,
    /// It is less.
    Less,
    /// It is less, or the bound.
    AtMost,
    /// It is more.
    More,
    /// It is more, or the bound.
    AtLeast,
}

impl WordKey {
    pub(super) const ALL: [Self; 9] = [
        Self::Queue,
        Self::Type,
        Self::Order,
        Self::Class,
        Self::Code,
        Self::Group,
        Self::Status,
        Self::Key,
        Self::Build,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Type => "type",
            Self::Order => "order",
            Self::Class => "class",
            Self::Code => "code",
            Self::Group => "group",
            Self::Status => "status",
            Self::Key => "key",
            Self::Build => "build",
        }
    }
}

impl IdKey {
    pub(super) const ALL: [Self; 2] = [Self::Letter, Self::Batch];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Letter => "id",
            Self::Batch => "batch",
        }
    }
}

impl NumberKey {
    pub(super) const ALL: [Self; 2] = [Self::Attempts, Self::Replays];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Attempts => "attempts",
            Self::Replays => "replays",
        }
    }
}

impl AgeKey {
    pub(super) const ALL: [Self; 2] = [Self::Last, Self::First];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Last => "age",
            Self::First => "first-age",
        }
    }
}

impl Comparison {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

impl Filter {
    /// Whether it leaves nothing out.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it says where the letters stand.
    pub fn names_a_status(&self) -> bool {
        let of_status = |term: &Term| matches!(term, Term::Word { key: WordKey::Status, .. });
        self.terms.iter().any(of_status)
    }

    /// This filter, but only for letters of these statuses unless it says something of that.
    #[must_use]
    pub fn or_status(mut self, statuses: &[&str]) -> Self {
        if !self.names_a_status() {
            let values = statuses.iter().map(|status| (*status).to_owned()).collect();
            self.terms.push(Term::Word { key: WordKey::Status, not: false, values });
        }
        self
    }

    /// Both this filter and another one hold.
    ///
    /// # Errors
    /// When both name values of one key.
    pub fn and(self, other: Self) -> Result<Self, FilterError> {
        grammar::join(self, other)
    }

    /// The letters in which all of these words occur.
    pub fn of_words(words: &[String]) -> Self {
        let term = |word: &String| Term::Text { not: false, part: word.clone() };
        Self { terms: words.iter().map(term).collect() }
    }

    /// The letters of these numbers.
    pub fn of_ids(ids: Vec<i64>) -> Self {
        Self { terms: vec![Term::Id { key: IdKey::Letter, ids }] }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        grammar::parse(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word { key, not, values } => {
                let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
                let sign = if *not { "!=" } else { "=" };
                write!(f, "{}{sign}{}", key.name(), values.join(","))
            }
            Self::Id { key, ids } => {
                let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
                write!(f, "{}={}", key.name(), ids.join(","))
            }
            Self::Number { key, comparison, bound } => {
                write!(f, "{}{}{bound}", key.name(), comparison.sign())
            }
            Self::Age { key, longer, bound } => {
                let time = humantime::format_duration(*bound).to_string().replace(' ', "");
                write!(f, "{}{}{time}", key.name(), if *longer { ">" } else { "<" })
            }
            Self::Text { not, part } => {
                write!(f, "text{}{}", if *not { "!~" } else { "~" }, quoted(part))
            }
        }
    }
}

/// A value as it is read back: in quotes where it has to be.
fn quoted(value: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\\' | ',');
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// There is no such key.
    #[error("a filter knows no key `{key}`; did you mean `{nearest}`?")]
    UnknownKey {
        /// What was written.
        key: String,
        /// The key most like it.
        nearest: &'static str,
    },
    /// A word is not a key, an operator and a value.
    #[error("`{word}` is no term of a filter: a term is a key, an operator and a value")]
    NoTerm {
        /// What was written.
        word: String,
    },
    /// The key does not go with the operator.
    #[error("`{key}` does not take `{operator}`, but {allowed}")]
    Operator {
        /// The key.
        key: &'static str,
        /// What was written behind it.
        operator: &'static str,
        /// What may stand there.
        allowed: &'static str,
    },
    /// The key does not go with the value.
    #[error("`{key}` {rule}")]
    Value {
        /// The key.
        key: &'static str,
        /// What its value has to be.
        rule: &'static str,
    },
    /// Two terms say what one could say, and together hold for nothing.
    #[error("`{key}` is given twice: write `{key}=one,other` for either of them")]
    Twice {
        /// The key.
        key: &'static str,
    },
    /// A quote has no end.
    #[error("a quote is opened and not closed")]
    OpenQuote,
    /// Terms cannot be alternatives.
    #[error("terms are joined by `and` only: write `code=one,other` for values of one key")]
    Or,
}
