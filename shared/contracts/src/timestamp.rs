//! Points in time, in microseconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::{RuleCode, RuleViolation};

/// A point in time: microseconds since 1970-01-01T00:00:00Z, as exact as Postgres keeps it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The beginning of 1970.
    pub const EPOCH: Timestamp = Timestamp(0);
    /// The last second of the year 9999, the last one RFC 3339 can write.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_000_000);
    /// The beginning of the year 1.
    const MIN: Timestamp = Timestamp(-62_135_596_800_000_000);

    /// From microseconds since 1970.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// This much later; the last representable time at the latest.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This much earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(at: OffsetDateTime) -> Self {
        let micros = at.unix_timestamp_nanos().div_euclid(1_000);
        Self::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(at: Timestamp) -> Self {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000)
            .expect("`from_micros` keeps every timestamp within the years 1 to 9999")
    }
}

impl FromStr for Timestamp {
    type Err = RuleViolation;

    fn from_str(text: &str) -> Result<Self, RuleViolation> {
        rfc3339(text).map(Timestamp::from).ok_or_else(|| {
            let rule = "must be an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z";
            RuleViolation::new(RuleCode::InvalidTime, rule)
        })
    }
}

/// Reads the one common form: `T` and `Z` in capitals, and a time that we can keep unchanged.
fn rfc3339(text: &str) -> Option<OffsetDateTime> {
    // The parser takes any character between date and time, and a small z.
    let common = text.as_bytes().get(10) == Some(&b'T') && !text.ends_with('z');
    let at = common.then(|| OffsetDateTime::parse(text, &Rfc3339).ok()).flatten()?;
    let kept = OffsetDateTime::from(Timestamp::MIN)..=OffsetDateTime::from(Timestamp::MAX);
    kept.contains(&at).then_some(at)
}

/// RFC 3339 in UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from(*self).format(&Rfc3339).or(Err(fmt::Error))?;
        f.write_str(&text)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parse_str(deserializer, "a string with an RFC 3339 time")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_normalised_to_utc() {
        let at: Timestamp = "2026-03-01T01:30:00.250+02:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-02-28T23:30:00.25Z");
    }

    #[test]
    fn times_without_an_offset_are_refused() {
        for text in ["2026-03-01T01:30:00", "2026-03-01", "1772328600", "2026-13-01T00:00:00Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap_err().code, RuleCode::InvalidTime);
        }
    }

    #[test]
    fn only_the_common_form_of_rfc_3339_is_read() {
        for text in ["2026-03-01 01:30:00Z", "2026-03-01x01:30:00Z", "2026-03-01t01:30:00z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap_err().code, RuleCode::InvalidTime);
        }
    }

    #[test]
    fn times_that_would_have_to_be_changed_are_refused() {
        for text in ["0000-12-31T23:59:59Z", "9999-12-31T23:59:59-00:01"] {
            assert_eq!(text.parse::<Timestamp>().unwrap_err().code, RuleCode::InvalidTime);
        }
        assert_eq!("9999-12-31T23:59:59Z".parse(), Ok(Timestamp::MAX));
        assert_eq!("0001-01-01T00:00:00Z".parse(), Ok(Timestamp::MIN));
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_the_calendar() {
        let late = Timestamp::MAX.plus(Duration::MAX);
        assert_eq!(late, Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
    }
}
