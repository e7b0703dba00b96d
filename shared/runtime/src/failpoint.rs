//! Points at which a test may make a process fail.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

/// Message ids over which the rules fail, and how; empty but in tests and the demo.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failpoints(HashMap<String, Fault>);

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
}

impl Failpoints {
    /// Reads `<fault>:<message id>` items separated by commas.
    ///
    /// # Errors
    /// Names the item that cannot be read.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let read = |item: &str| {
            let (fault, id) = item.split_once(':').filter(|(_, id)| !id.is_empty())?;
            Some((id.to_owned(), Fault::parse(fault)?))
        };
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let items = items.map(|item| read(item).ok_or_else(|| item.to_owned()));
        items.collect::<Result<_, _>>().map(Self)
    }

    /// Fails when this message is one that shall fail.
    pub(crate) fn hit(&self, message_id: &str) {
        if let Some(fault) = self.0.get(message_id) {
            fault.happen();
        }
    }
}

impl Fault {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "panic" => Self::Panic,
            "abort" => Self::Abort,
            "overflow" => Self::Overflow,
            "endless" => Self::Endless,
            "hog" => Self::Hog,
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
        let points = Failpoints::parse("panic:a, hog:b:c,").unwrap();
        assert_eq!(points.0.get("a"), Some(&Fault::Panic));
        assert_eq!(points.0.get("b:c"), Some(&Fault::Hog));
        for item in ["panic", "panic:", "trip:a"] {
            assert_eq!(Failpoints::parse(&format!("abort:x,{item}")).unwrap_err(), item);
        }
    }
}
