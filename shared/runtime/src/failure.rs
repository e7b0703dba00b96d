//! Why one message failed, and whose fault it is.

use contracts::DecodeError;
use domain::{OutcomeCode, Status};

/// The kind of a failure; a closed set, because it labels metrics and dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The message breaks the contract.
    Contract,
    /// The message contradicts what is known.
    Conflict,
    /// The database refused for a reason that may pass.
    DatabaseTransient,
    /// Somebody else holds what this message needs, such as its order.
    DatabaseBusy,
    /// The database refuses this message.
    DatabasePermanent,
    /// A rule panicked.
    Panic,
    /// Its worker ended over it, again and again.
    Crash,
}

impl FailureClass {
    /// The label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Conflict => "conflict",
            Self::DatabaseTransient => "db-transient",
            Self::DatabaseBusy => "db-busy",
            Self::DatabasePermanent => "db-permanent",
            Self::Panic => "panic",
            Self::Crash => "crash",
        }
    }

    /// Whether another try may help.
    pub fn is_transient(self) -> bool {
        match self {
            Self::DatabaseTransient | Self::DatabaseBusy | Self::Panic => true,
            Self::Contract | Self::Conflict | Self::DatabasePermanent | Self::Crash => false,
        }
    }

    /// Whether it counts as one of the tries of its message: a lock is whoever's who holds it.
    pub fn counts(self) -> bool {
        match self {
            Self::DatabaseBusy => false,
            Self::Contract
            | Self::Conflict
            | Self::DatabaseTransient
            | Self::DatabasePermanent
            | Self::Panic
            | Self::Crash => true,
        }
    }
}

/// One message's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its kind.
    pub class: FailureClass,
    /// Its stable code: metric label, dead-letter header, runbook name.
    pub code: &'static str,
    /// JSON pointer to the offending place, if there is one.
    pub pointer: String,
    /// What is wrong, without any value of the message.
    pub detail: String,
}

impl Failure {
    /// The message contradicts what is known and evidence was kept.
    pub(crate) fn conflict(code: OutcomeCode) -> Self {
        let detail = format!("the message was quarantined: {code}");
        Self { class: FailureClass::Conflict, code: code.name(), pointer: String::new(), detail }
    }

    /// A rule panicked; what it said stays in the log.
    pub(crate) fn panic() -> Self {
        Self {
            class: FailureClass::Panic,
            code: "panic",
            pointer: String::new(),
            detail: "a rule panicked over this message".to_owned(),
        }
    }

    /// Its worker ended whenever it was decided, even alone.
    pub(crate) fn crash(tries: i32) -> Self {
        Self {
            class: FailureClass::Crash,
            code: "worker-crashed",
            pointer: String::new(),
            detail: format!("a worker ended {tries} times while it decided this message alone"),
        }
    }

    /// The database refused.
    pub(crate) fn database(error: &store::Error) -> Self {
        let class = match error.class() {
            store::Class::Slow if error.code() == "lock-timeout" => FailureClass::DatabaseBusy,
            store::Class::Transient | store::Class::Slow | store::Class::DependencyDown => {
                FailureClass::DatabaseTransient
            }
            store::Class::Permanent => FailureClass::DatabasePermanent,
        };
        // The name of a constraint says what is wrong; what the server says of it quotes values.
        let refused_by = error.constraint().map(|name| format!(" (refused by {name})"));
        let detail = format!("{error}{}", refused_by.unwrap_or_default());
        Self { class, code: error.code(), pointer: String::new(), detail }
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self {
            class: FailureClass::Contract,
            code: error.code.as_str(),
            detail: error.to_string(),
            pointer: error.pointer,
        }
    }
}
