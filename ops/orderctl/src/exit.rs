//! How a command ends, and what is said when it fails.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use runtime::ConfigError;
use store::letters::Refusal;

/// How a command ended; the codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done,
    /// It failed, or what was to be checked is invalid.
    Failed,
    /// It was not asked for in the right way.
    Usage,
    /// The topology or the schema differs, an invariant is violated, a threshold is reached, or
    /// only a part was done.
    Drift,
    /// There is no such thing.
    NothingFound,
    /// It was changed meanwhile, or somebody else has it in hand.
    Conflict,
    /// `RabbitMQ` or Postgres cannot be reached or used.
    DependencyDown,
    /// The login may not.
    NotPermitted,
    /// A guard forbids it.
    Refused,
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// A setting cannot be used.
    BadConfiguration,
}

/// The exit codes for `--help`; 2 is also the argument parser's own.
pub(crate) const EXIT_CODES: &str = "Exit codes:
  0   done
  1   failed, or invalid
  2   wrong usage
  3   the topology or the schema differs, the contract breaks, an invariant is violated, a merchant
      reached a threshold, the doctor found something to mend, a worker is not ready, or only a
      part was done
  4   nothing found
  5   conflict: changed meanwhile, or in somebody else's hands
  6   RabbitMQ or Postgres is down
  7   the login may not do this
  8   refused by a guard
  64  a setting cannot be used
  130 interrupted";

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Drift => 3,
            Self::NothingFound => 4,
            Self::Conflict => 5,
            Self::DependencyDown => 6,
            Self::NotPermitted => 7,
            Self::Refused => 8,
            Self::Interrupted => 130,
            Self::BadConfiguration => 64,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what was asked: what, why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// What did not work.
    pub(crate) what: String,
    /// Why, where it is known.
    pub(crate) why: Option<String>,
    /// What to do next.
    pub(crate) next: String,
}

impl Failure {
    /// A failure without a known cause.
    pub(crate) fn new(exit: Exit, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { exit, what: what.into(), why: None, next: next.into() }
    }

    /// Names the cause.
    #[must_use]
    pub(crate) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// A failure whose causes an error's chain tells.
    fn of(exit: Exit, error: &(dyn Error + 'static), next: &str) -> Self {
        let mut causes: Vec<String> = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some libraries repeat their own cause.
            if !causes.last().is_some_and(|last| last.contains(&text)) {
                causes.push(text);
            }
            cause = error.source();
        }
        let why = (!causes.is_empty()).then(|| causes.join(": "));
        Self { exit, what: error.to_string(), why, next: next.to_owned() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if let Some(why) = &self.why {
            write!(f, "\n  why:  {why}")?;
        }
        write!(f, "\n  next: {}", self.next)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let problems = error.0.iter().map(|it| format!("{} {}", it.variable, it.reason));
        let problems: Vec<_> = problems.collect();
        let what = match problems.len() {
            1 => "1 setting cannot be used".to_owned(),
            count => format!("{count} settings cannot be used"),
        };
        Self::new(
            Exit::BadConfiguration,
            what,
            "set the variable or the flag of the same name; `orderctl --help` explains each",
        )
        .because(problems.join("\n        "))
    }
}

impl From<broker::Error> for Failure {
    fn from(error: broker::Error) -> Self {
        use broker::Error as Broker;
        let (exit, next) = match &error {
            Broker::Unreachable { .. }
            | Broker::Timeout { .. }
            | Broker::ConnectionLost { .. }
            | Broker::ChannelClosed { .. } => (
                Exit::DependencyDown,
                "check that RabbitMQ runs where ORDERFLOW_AMQP_URL says, then run this again",
            ),
            Broker::Tls { .. } => (
                Exit::DependencyDown,
                "check the certificates of both sides and the TLS files of the settings, then run \
                 this again",
            ),
            Broker::Blocked => (
                Exit::DependencyDown,
                "give the broker memory or disk (`rabbitmq-diagnostics alarms`), then run this \
                 again",
            ),
            Broker::NoUrl => (Exit::BadConfiguration, "set ORDERFLOW_AMQP_URL"),
            Broker::AccessRefused { .. } => (
                Exit::Failed,
                "check user, password and vhost in ORDERFLOW_AMQP_URL, and `rabbitmqctl \
                 list_permissions`",
            ),
            Broker::NotFound { .. } => (Exit::Failed, "declare it: `orderctl topology apply`"),
            Broker::PreconditionFailed { .. } => {
                (Exit::Drift, "see all differences: `orderctl topology verify`")
            }
            Broker::DelayPluginMissing => {
                (Exit::Failed, "run this with `--delay ladder`, or enable the plugin")
            }
            Broker::Locked { .. } | Broker::UnreadableFrame { .. } | Broker::Protocol { .. } => {
                (Exit::Failed, "run this again; the broker's log says more")
            }
        };
        Self::of(exit, &error, next)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        if let Some((refusal, words)) = Refusal::of(&error) {
            return refused(refusal, &words);
        }
        let (exit, next) = match (error.class(), error.code()) {
            (_, "schema-mismatch" | "migration-failed") => {
                (Exit::Failed, "compare the schema with this program: `orderctl migrate status`")
            }
            (_, "key-missing" | "key-differs") => {
                (Exit::BadConfiguration, "set ORDERFLOW_KEY_FILE to the key file of the workers")
            }
            (_, "database-refuses") => (
                Exit::DependencyDown,
                "check user, password and database in ORDERFLOW_DATABASE_URL",
            ),
            (store::Class::DependencyDown, _) => (
                Exit::DependencyDown,
                "check that Postgres runs where ORDERFLOW_DATABASE_URL says, then run this again",
            ),
            (store::Class::Transient | store::Class::Slow, _) => (Exit::Failed, "run this again"),
            (store::Class::Permanent, _) => (Exit::Failed, "see the database's log"),
        };
        Self::of(exit, &error, next)
    }
}

/// What the database refused to a person, in its words.
fn refused(refusal: Refusal, words: &str) -> Failure {
    let (exit, next) = match refusal {
        Refusal::NoFilter => (Exit::Usage, "name ids or a filter, or say `--all`"),
        Refusal::NotUnderstood => (Exit::Usage, "see what may stand there: `--help`"),
        Refusal::NothingMatches => (Exit::NothingFound, "see what there is: `orderctl dlq list`"),
        Refusal::NotFound => (Exit::NothingFound, "see what there is: `orderctl dlq groups`"),
        Refusal::OtherSelection => (Exit::Conflict, "plan anew: `orderctl dlq plan`"),
        Refusal::Held => (Exit::Conflict, "see who has it: `orderctl replay list`"),
        Refusal::WrongState => (Exit::Conflict, "see how it stands: `orderctl replay list`"),
        Refusal::Guarded => (
            Exit::Refused,
            "see what failed before: `orderctl dlq show ID`; `--force` replays it all the same",
        ),
        Refusal::NotPermitted => (
            Exit::NotPermitted,
            "ask an administrator for the role, or log in as somebody who has it \
             (ORDERFLOW_DATABASE_URL)",
        ),
    };
    Failure::new(exit, "the database refused it, and nothing was changed", next).because(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::Problem;

    #[test]
    fn every_setting_that_cannot_be_used_is_named_at_once() {
        let problem = |variable, reason: &str| Problem { variable, reason: reason.to_owned() };
        let failure = Failure::from(ConfigError(vec![
            problem("ORDERFLOW_AMQP_URL", "is required"),
            problem("ORDERFLOW_PREFIX", "must be shorter"),
        ]));
        assert_eq!(failure.exit.code(), 64);
        let text = failure.to_string();
        assert!(text.contains("ORDERFLOW_AMQP_URL is required"), "{text}");
        assert!(text.contains("ORDERFLOW_PREFIX must be shorter"), "{text}");
    }

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        let failure = Failure::new(Exit::Failed, "it broke", "`mend it`").because("it was old");
        assert_eq!(failure.to_string(), "error: it broke\n  why:  it was old\n  next: `mend it`");
    }

    #[test]
    fn a_missing_exchange_is_no_outage() {
        let failure = Failure::from(broker::Error::NotFound { text: "no exchange".to_owned() });
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.next.contains("orderctl topology apply"));
    }
}
