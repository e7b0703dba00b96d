//! One order's day: what is published when, and where it must end.

use std::time::Duration;

use contracts::{Money, OrderId};

use super::facts::Facts;
use super::message::Message;

/// One order's day.
#[derive(Clone, Debug)]
pub struct Story {
    /// Counts the stories of a day, from 0.
    pub number: u32,
    /// What happens, in one word.
    pub scenario: &'static str,
    /// The order.
    pub order: OrderId,
    /// What the order costs.
    pub total: Money,
    /// When it begins, from the beginning of the day.
    pub begins: Duration,
    /// What is published.
    pub steps: Vec<Step>,
    /// How the provider answers the order's refunds, in turn; the last answer serves all further.
    pub refunds: Vec<RefundAnswer>,
    /// Where the order may end; more than one only where the story is a race.
    pub endings: Vec<Facts>,
    /// Which of its messages end as dead letters: message id and code.
    pub dead_letters: Vec<DeadLetter>,
    /// Which of its messages make their worker panic.
    pub panics: Vec<String>,
}

/// Something that is published.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub when: Cue,
    /// What.
    pub message: Message,
    /// How long after the first an exact copy follows each.
    pub copies: Vec<Duration>,
}

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cue {
    /// This long after the story's beginning.
    At(Duration),
    /// This long after the first message of this name about the order was heard.
    Heard(&'static str, Duration),
}

impl Cue {
    /// The same cue, this many milliseconds later.
    #[must_use]
    pub fn later(self, milliseconds: u64) -> Self {
        let more = Duration::from_millis(milliseconds);
        match self {
            Self::At(time) => Self::At(time + more),
            Self::Heard(name, pause) => Self::Heard(name, pause + more),
        }
    }
}

/// So many milliseconds after the story's beginning.
pub fn at(milliseconds: u64) -> Cue {
    Cue::At(Duration::from_millis(milliseconds))
}

/// As soon as a message of this name about the order was heard.
pub fn on(name: &'static str) -> Cue {
    Cue::Heard(name, Duration::ZERO)
}

/// What becomes of a refund at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundAnswer {
    /// It reaches the buyer.
    Succeeds,
    /// It does not.
    Fails,
    /// It does, and comes back.
    IsReversed,
}

/// A message that must end as a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetter {
    /// The message's id.
    pub message_id: String,
    /// Why it is refused.
    pub code: &'static str,
}
