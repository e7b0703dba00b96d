//! Names that no other test has, and that tell how old they are.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

/// How old a leftover is before it counts as forgotten: longer than any test runs.
pub(crate) const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// Hex digits of the time in a name, in seconds since 1970.
const TIME_DIGITS: usize = 8;

/// Hex digits of a whole name.
const DIGITS: usize = 16;

/// A fresh name of sixteen hex digits: the time, then random ones.
pub(crate) fn name() -> String {
    let random = random() >> (4 * TIME_DIGITS);
    format!("{:08x}{random:08x}", now())
}

/// Whether a text that starts with such a name was made longer than an hour ago.
pub(crate) fn is_forgotten(text: &str) -> bool {
    made_at(text).is_some_and(|made| made + FORGOTTEN_AFTER.as_secs() < now())
}

fn made_at(text: &str) -> Option<u64> {
    let digits = text.get(..DIGITS)?;
    if !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    u64::from_str_radix(&digits[..TIME_DIGITS], 16).ok()
}

#[expect(clippy::disallowed_methods, reason = "the age of a leftover is measured in real time")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("the clock of a test machine is past 1970").as_secs()
}

#[expect(clippy::disallowed_methods, reason = "a name must differ between runs of one test")]
fn random() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_are_the_same_and_none_is_forgotten_yet() {
        let (one, other) = (name(), name());
        assert_ne!(one, other);
        assert_eq!(one.len(), DIGITS);
        assert!(!is_forgotten(&one));
    }

    #[test]
    fn only_an_old_name_is_forgotten() {
        let old = now() - FORGOTTEN_AFTER.as_secs() - 1;
        assert!(is_forgotten(&format!("{old:08x}00000000.queue")));
        assert!(!is_forgotten(&format!("{:08x}00000000.queue", now())));
        assert!(!is_forgotten("orderflow.payment-timeout"));
        assert!(!is_forgotten("0000000"));
    }
}
