//! Dead letters for people: in tables, in words, and as files.

pub(crate) mod audit_view;
pub(crate) mod batch_view;
pub(crate) mod columns;
pub(crate) mod confirm;
pub(crate) mod exported;
pub(crate) mod group_view;
pub(crate) mod plan;
pub(crate) mod plan_check;
pub(crate) mod redaction;
pub(crate) mod show_view;
pub(crate) mod words;

use contracts::Timestamp;

/// How long ago something was, in one or two units.
pub(crate) fn ago(at: impl Into<Timestamp>, now: Timestamp) -> String {
    let seconds = now.since(at.into()).as_secs();
    let (large, small, names) = match seconds {
        0..60 => return format!("{seconds}s"),
        60..3_600 => (seconds / 60, seconds % 60, ("m", "s")),
        3_600..86_400 => (seconds / 3_600, seconds % 3_600 / 60, ("h", "m")),
        86_400.. => (seconds / 86_400, seconds % 86_400 / 3_600, ("d", "h")),
    };
    if small == 0 {
        format!("{large}{}", names.0)
    } else {
        format!("{large}{}{small}{}", names.0, names.1)
    }
}

/// A number of letters in words.
pub(crate) fn letters(count: i64) -> String {
    if count == 1 { "1 dead letter".to_owned() } else { format!("{count} dead letters") }
}

/// The beginning of a fingerprint, as long as it is unlikely to mean two groups.
pub(crate) fn short(fingerprint: &str) -> &str {
    fingerprint.get(..12).unwrap_or(fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_ago_is_told_in_two_units_at_most() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        for (seconds, told) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h1m"), (90_000, "1d1h"), (172_800, "2d")]
        {
            assert_eq!(ago(at(0), at(seconds)), told);
        }
    }
}
