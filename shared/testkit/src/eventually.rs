//! Waiting for a condition instead of sleeping.

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// What one look at a condition gave: the awaited value, or what was seen instead.
pub trait Seen {
    /// The awaited value.
    type Value;

    /// The value, or a description of what was seen instead of it.
    fn seen(self) -> Result<Self::Value, String>;
}

impl<T> Seen for Option<T> {
    type Value = T;

    fn seen(self) -> Result<T, String> {
        self.ok_or_else(|| "None".to_owned())
    }
}

impl<T, E: Debug> Seen for Result<T, E> {
    type Value = T;

    fn seen(self) -> Result<T, String> {
        self.map_err(|instead| format!("{instead:?}"))
    }
}

impl Seen for bool {
    type Value = ();

    fn seen(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("false".to_owned()) }
    }
}

/// Looks at a condition until it gives the awaited value, and returns that.
///
/// The condition gives an `Option`, a `bool`, or a `Result` whose error is what was seen instead.
///
/// # Panics
/// When `bound` is over, naming `what` was awaited and what was seen last.
pub async fn eventually<S: Seen>(
    bound: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> S,
) -> S::Value {
    let deadline = Instant::now() + bound;
    loop {
        match condition().await.seen() {
            Ok(value) => return value,
            Err(last) if Instant::now() >= deadline => {
                panic!("waited {bound:?} for: {what}; last seen: {last}")
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn the_value_is_returned_once_it_is_there() {
        let mut looks = 0;
        let value = eventually(Duration::from_secs(10), "three looks", async || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(value.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "waited 100ms for: the queue is empty; last seen: 7")]
    async fn what_was_awaited_and_last_seen_is_named() {
        eventually(BOUND, "the queue is empty", async || Err::<(), _>(7)).await;
    }

    #[tokio::test]
    #[should_panic(expected = "last seen: false")]
    async fn a_bare_condition_that_never_holds_panics() {
        eventually(BOUND, "nothing", async || false).await;
    }
}
