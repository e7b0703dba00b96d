//! Why the database did not do what a person asked for.

use crate::error::Error;

/// Why a person's request was refused; nothing was changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No filter was given, and not said that everything is meant.
    NoFilter,
    /// Nothing matches.
    NothingMatches,
    /// The selection is not the one that was planned.
    OtherSelection,
    /// Somebody else has it in hand.
    Held,
    /// It is in a state in which this is not done.
    WrongState,
    /// A guard forbids it.
    Guarded,
    /// A value is not understood.
    NotUnderstood,
    /// There is no such thing.
    NotFound,
    /// The login lacks the role.
    NotPermitted,
}

impl Refusal {
    /// The refusal that an error is, with the database's words for it.
    pub fn of(error: &Error) -> Option<(Self, String)> {
        let Error::Statement { source: sqlx::Error::Database(error), .. } = error else {
            return None;
        };
        let refusal = match error.code()?.as_ref() {
            "OF001" => Self::NoFilter,
            "OF002" => Self::NothingMatches,
            "OF003" => Self::OtherSelection,
            "OF004" => Self::Held,
            "OF005" => Self::WrongState,
            "OF006" => Self::Guarded,
            "OF007" => Self::NotUnderstood,
            "OF008" => Self::NotFound,
            "42501" => Self::NotPermitted,
            _ => return None,
        };
        Some((refusal, error.message().to_owned()))
    }
}
