//! Points at which a test may make a process fail.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use contracts::{Money, OrderId};
use domain::Decision;

/// Message ids over which the rules fail, and how; empty but in tests and the demo.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failpoints {
    messages: HashMap<String, Fault>,
    /// Where steps are named at which the process ends.
    steps: Option<PathBuf>,
}

/// The item that names the folder of steps.
const STEPS: &str = "steps";

/// This worker's name and its folder of steps.
static ENDS: OnceLock<(&str, PathBuf)> = OnceLock::new();

/// Passes a point between two steps. In tests the process ends here, at once and once: if there is
/// a file `<worker>.<step>` in the folder of steps, which is gone then.
pub fn pass(step: &'static str) {
    let Some((worker, folder)) = ENDS.get() else { return };
    if std::fs::remove_file(folder.join(format!("{worker}.{step}"))).is_ok() {
        std::process::abort();
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A rule panics; only the message suffers.
    Panic,
    /// The process ends at once.
    Abort,
    /// A rule calls itself without end.
    Overflow,
    /// A rule does not come to an end.
    Endless,
    /// A rule wants more memory than there is.
    Hog,
    /// A rule decides without saying on which order.
    Nameless,
    /// A rule decides on amounts in several currencies.
    Mixed,
}

impl Failpoints {
    /// Reads `<fault>:<message id>` items separated by commas, and `steps:<folder>`.
    ///
    /// # Errors
    /// Names the item that cannot be read.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let read = |item: &str| {
            let (fault, id) = item.split_once(':').filter(|(_, id)| !id.is_empty())?;
            Some((id.to_owned(), Fault::parse(fault)?))
        };
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let mut points = Self::default();
        for item in items {
            if let Some((STEPS, folder)) = item.split_once(':') {
                points.steps = Some(folder.into());
                continue;
            }
            let (id, fault) = read(item).ok_or_else(|| item.to_owned())?;
            points.messages.insert(id, fault);
        }
        Ok(points)
    }

    /// From now on this process ends at the steps that are named, if any are.
    pub(crate) fn watch_steps(&self, worker: &'static str) {
        if let Some(folder) = &self.steps {
            ENDS.get_or_init(|| (worker, folder.clone()));
        }
    }

    /// Fails when this message is one that shall fail.
    pub(crate) fn hit(&self, message_id: &str) {
        if let Some(fault) = self.messages.get(message_id) {
            fault.happen();
        }
    }

    /// Makes a decision of one that rules never make, if its message is one that shall fail so;
    /// returns the order whose rows it writes.
    pub(crate) fn bend(
        &self,
        message_id: &str,
        decision: &mut Decision,
        order: Option<OrderId>,
    ) -> Option<OrderId> {
        match self.messages.get(message_id) {
            Some(Fault::Nameless) => {
                decision.changes.order = None;
                None
            }
            Some(Fault::Mixed) => {
                for attempt in &mut decision.changes.attempts {
                    attempt.authorized = elsewhere(attempt.authorized);
                }
                order
            }
            Some(Fault::Panic | Fault::Abort | Fault::Overflow | Fault::Endless | Fault::Hog)
            | None => order,
        }
    }
}

/// The same amount in another currency.
fn elsewhere(amount: Money) -> Money {
    let other = if amount.currency().code() == "JPY" { "KRW" } else { "JPY" };
    let other = other.parse().expect("a currency in use");
    Money::new(amount.minor(), other).expect("the amount fits in any currency")
}

impl Fault {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "panic" => Self::Panic,
            "abort" => Self::Abort,
            "overflow" => Self::Overflow,
            "endless" => Self::Endless,
            "hog" => Self::Hog,
            "nameless" => Self::Nameless,
            "mixed" => Self::Mixed,
            _ => return None,
        })
    }

    fn happen(self) {
        match self {
            Self::Panic => panic!("failpoint"),
            Self::Abort => std::process::abort(),
            Self::Overflow => {
                black_box(sink(0));
            }
            Self::Endless => loop {
                std::thread::sleep(Duration::from_millis(1));
            },
            Self::Hog => {
                black_box(Vec::<u8>::with_capacity(MORE_THAN_ANYBODY_HAS));
            }
            // They come when there is a decision.
            Self::Nameless | Self::Mixed => {}
        }
    }
}

/// 128 TiB: all that a process can address.
const MORE_THAN_ANYBODY_HAS: usize = 1 << 47;

/// Takes a kilobyte of stack for each call of itself.
#[expect(unconditional_recursion, reason = "it shall not come to an end")]
fn sink(depth: u64) -> u64 {
    let frame = black_box([depth; 128]);
    sink(depth + 1) + frame[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_what_is_none_is_named() {
        let points = Failpoints::parse("panic:a, hog:b:c,steps:/ends").unwrap();
        assert_eq!(points.messages.get("a"), Some(&Fault::Panic));
        assert_eq!(points.messages.get("b:c"), Some(&Fault::Hog));
        assert_eq!(points.steps, Some(PathBuf::from("/ends")));
        for item in ["panic", "panic:", "trip:a"] {
            assert_eq!(Failpoints::parse(&format!("abort:x,{item}")).unwrap_err(), item);
        }
    }
}
