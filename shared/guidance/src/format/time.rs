//! Points in time: stored in UTC, written in the reader's zone and with its name.

use std::fmt;
use std::str::FromStr;

use contracts::Timestamp;
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::zone::SpecificLong;
use icu_datetime::fieldsets::{Combo, YMDT};
use icu_datetime::options::TimePrecision;
use icu_locale_core::Locale;
use icu_time::zone::models::AtTime;
use icu_time::zone::{IanaParser, UtcOffset, ZoneNameTimestamp};
use icu_time::{Time, TimeZoneInfo, ZonedDateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A time zone that times are written in.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    rules: TimeZone,
    /// What CLDR knows it by.
    name: icu_time::TimeZone,
}

/// A name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone `{name}`: give an IANA name, such as Europe/Madrid or UTC")]
pub struct UnknownZone {
    /// The name given.
    pub name: String,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        "UTC".parse().expect("the zones that are part of the program include it")
    }
}

/// By its IANA name, such as `Europe/Madrid`.
///
/// The rules of zones are part of the program: the same time is written the same on any machine.
impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        let rules = TimeZoneDatabase::bundled().get(name);
        let rules = rules.map_err(|_not_known| UnknownZone { name: name.to_owned() })?;
        Ok(Self { rules, name: IanaParser::new().parse(name) })
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rules.iana_name().unwrap_or_default())
    }
}

/// The date and the time to the minute, with the full name of the zone.
type Fields = Combo<YMDT, SpecificLong>;

/// How a locale writes points in time.
#[derive(Debug)]
pub(super) struct TimeFormat(FixedCalendarDateTimeFormatter<Gregorian, Fields>);

impl TimeFormat {
    pub(super) fn of(locale: &Locale) -> Self {
        let fields = YMDT::long().with_time_precision(TimePrecision::Minute);
        let formatter =
            FixedCalendarDateTimeFormatter::try_new(locale.into(), fields.with_zone(SpecificLong));
        let invariant = "the data of every locale is part of the program, and falls back";
        Self(formatter.expect(invariant))
    }

    pub(super) fn text(&self, at: Timestamp, zone: &Zone) -> String {
        let text = self.0.format(&local(at, zone)).to_string();
        // Fonts without the narrow one, which CLDR puts before PM, show a box in its place.
        text.replace('\u{202f}', "\u{a0}")
    }
}

/// The point in time on the calendar and the clock of a zone.
fn local(at: Timestamp, zone: &Zone) -> ZonedDateTime<Gregorian, TimeZoneInfo<AtTime>> {
    // The last day of the year 9999 has no room for offsets; nothing is due then.
    let instant = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::MAX);
    let local = instant.to_zoned(zone.rules.clone());
    let date = Date::try_new_gregorian(
        i32::from(local.year()),
        local.month().unsigned_abs(),
        local.day().unsigned_abs(),
    );
    let time = Time::try_new(
        local.hour().unsigned_abs(),
        local.minute().unsigned_abs(),
        local.second().unsigned_abs(),
        0,
    );
    let offset = UtcOffset::try_from_seconds(local.offset().seconds());
    let zone = zone.name.with_offset(offset.ok());
    ZonedDateTime {
        date: date.expect("both calendars are Gregorian"),
        time: time.expect("both clocks have 24 hours"),
        zone: zone
            .with_zone_name_timestamp(ZoneNameTimestamp::from_epoch_seconds(instant.as_second())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(locale: &str, at: &str, zone: &str) -> String {
        let format = TimeFormat::of(&locale.parse().unwrap());
        format.text(at.parse().unwrap(), &zone.parse().unwrap()).replace('\u{a0}', "~")
    }

    #[test]
    fn times_are_written_in_the_zone_and_with_its_name() {
        let winter = "2026-03-01T12:30:00Z";
        for (locale, text) in [
            ("en", "March 1, 2026 at 1:30~PM Central European Standard Time"),
            ("es", "1 de marzo de 2026 a las 13:30 hora estándar de Europa central"),
            ("zh-Hans", "2026年3月1日 中欧标准时间 13:30"),
        ] {
            assert_eq!(written(locale, winter, "Europe/Madrid"), text);
        }
    }

    #[test]
    fn summer_time_has_its_own_offset_and_name() {
        let text = written("en", "2026-07-01T12:30:00Z", "Europe/Madrid");
        assert_eq!(text, "July 1, 2026 at 2:30~PM Central European Summer Time");
    }

    #[test]
    fn the_hour_that_comes_twice_is_told_apart_by_the_name() {
        let first = written("en", "2026-10-25T00:30:00Z", "Europe/Madrid");
        let second = written("en", "2026-10-25T01:30:00Z", "Europe/Madrid");
        assert!(first.contains("2:30~AM Central European Summer Time"), "{first}");
        assert!(second.contains("2:30~AM Central European Standard Time"), "{second}");
    }

    #[test]
    fn utc_has_a_name_too() {
        let text = written("en", "2026-03-01T12:30:00Z", "UTC");
        assert_eq!(text, "March 1, 2026 at 12:30~PM Coordinated Universal Time");
    }

    #[test]
    fn every_time_there_is_can_be_written() {
        for at in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            for zone in ["UTC", "Asia/Shanghai", "America/Mexico_City"] {
                assert!(!written("en", at, zone).is_empty());
            }
        }
    }

    #[test]
    fn a_name_that_is_no_zone_is_refused_by_name() {
        let error = "Europe/Atlantis".parse::<Zone>().unwrap_err();
        assert!(error.to_string().contains("`Europe/Atlantis`"));
    }
}
