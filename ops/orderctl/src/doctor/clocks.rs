//! Whether clocks agree: deadlines of payments are decided by them.

use contracts::Timestamp;

use super::{Finding, Health};

/// Difference from which on timers are visibly early or late, in microseconds.
const NOTICED: i64 = 2_000_000;

/// Dates in HTTP have no fractions of a second.
const HTTP_PRECISION: i64 = 1_000_000;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How the database's clock, read between two looks at ours, differs from it.
pub(super) fn of_database(clock: i64, before: Timestamp, after: Timestamp) -> Finding {
    let early = (before.micros() - clock).max(0);
    let late = (clock - after.micros()).max(0);
    judged("database-clock", early.max(late))
}

/// How the broker's clock differs from ours.
pub(super) fn of_broker(clock: Timestamp, ours: Timestamp) -> Finding {
    let difference = (clock.micros() - ours.micros()).abs();
    judged("broker-clock", (difference - HTTP_PRECISION).max(0))
}

fn judged(check: &'static str, difference: i64) -> Finding {
    let milliseconds = difference / 1000;
    if difference < NOTICED {
        return Finding::good(check, format!("differs by at most {milliseconds} ms from ours"));
    }
    let found = format!("differs by {milliseconds} ms from the clock of this machine");
    Finding::bad(Health::Wrong, check, found, "let both follow the same time servers")
}

/// Reads the date of an HTTP answer, such as `Mon, 30 Nov 2026 22:23:36 GMT`.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    let (_, rest) = text.split_once(", ")?;
    let [day, month, year, time, "GMT"] = rest.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn dates_of_http_are_read() {
        let read = http_date("Mon, 30 Nov 2026 22:23:36 GMT");
        assert_eq!(read, Some(at("2026-11-30T22:23:36Z")));
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn only_what_is_outside_of_both_looks_is_a_difference() {
        let (before, after) = (at("2026-03-01T12:00:00Z"), at("2026-03-01T12:00:05Z"));
        let health = |clock: &str| of_database(at(clock).micros(), before, after).health;
        assert_eq!(health("2026-03-01T12:00:04Z"), Health::Good);
        assert_eq!(health("2026-03-01T12:00:06Z"), Health::Good);
        assert_eq!(health("2026-03-01T12:00:08Z"), Health::Wrong);
        assert_eq!(health("2026-03-01T11:59:57Z"), Health::Wrong);
    }

    #[test]
    fn a_date_without_fractions_is_given_a_second() {
        let ours = at("2026-03-01T12:00:00Z");
        assert_eq!(of_broker(at("2026-03-01T12:00:02Z"), ours).health, Health::Good);
        assert_eq!(of_broker(at("2026-03-01T12:00:03Z"), ours).health, Health::Wrong);
    }
}
