//! When buyers are reminded to pay.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use contracts::events::PaymentMethod;
use contracts::{OrderId, Timestamp};
use guidance::PayLink;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::MINUTE;
use super::section::Section;

/// Most reminders of one payment window that can be chosen.
const MOST: usize = 10;

/// What stands for the order's id in a link.
const ORDER: &str = "{order}";

/// Longer ones are broken by mail programs, and fill a short message.
const LONGEST_LINK: usize = 120;

/// When buyers are reminded of a payment window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminders {
    /// The moments within the window; where two are too close, the first one here is kept.
    pub at: Vec<ReminderPoint>,
    /// Least time between two, and between one and either end of the window.
    pub min_gap: Duration,
    /// Most of one window.
    pub most: usize,
    /// When nobody is disturbed; a reminder that falls into it comes at its end.
    pub quiet: Option<QuietHours>,
    /// By whose clock the quiet hours are.
    pub zone: TimeZone,
    /// Where an order is paid, with `{order}` in place of its id.
    pub pay_link: Option<String>,
    /// By which other methods it can be paid; the first that is not the order's own is named.
    pub other_methods: Vec<PaymentMethod>,
}

/// A moment within a payment window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReminderPoint {
    /// After this share of the window, in percent.
    Share(u32),
    /// So long before its end.
    BeforeEnd(Duration),
}

impl ReminderPoint {
    fn of(self, placed_at: Timestamp, expires_at: Timestamp) -> Timestamp {
        match self {
            Self::Share(percent) => placed_at.plus(expires_at.since(placed_at) * percent / 100),
            Self::BeforeEnd(duration) => expires_at.minus(duration),
        }
    }
}

/// As it is written in the file.
impl fmt::Display for ReminderPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(percent) => write!(f, "{percent}%"),
            Self::BeforeEnd(time) => write!(f, "-{}", humantime::format_duration(*time)),
        }
    }
}

/// Reads `50%`, or `-10m`: so long before the end.
impl FromStr for ReminderPoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        let share = share.filter(|percent| (1..100).contains(percent)).map(Self::Share);
        let before = text.strip_prefix('-').and_then(|time| humantime::parse_duration(time).ok());
        share.or_else(|| before.map(Self::BeforeEnd)).ok_or_else(|| {
            format!("must be a share of the window such as `50%`, or `-10m`, not `{text}`")
        })
    }
}

/// Hours of the day in which buyers are not reminded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    to: Time,
}

/// As they are written in the file.
impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

/// Reads `22:00-08:00`.
impl FromStr for QuietHours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unreadable = || format!("must be `none`, or hours such as `22:00-08:00`, not `{text}`");
        let (from, to) = text.split_once('-').ok_or_else(unreadable)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        let (from, to) = time(from).zip(time(to)).ok_or_else(unreadable)?;
        if from == to {
            return Err("must not begin and end at the same time".to_owned());
        }
        Ok(Self { from, to })
    }
}

/// A time zone by its name in the IANA database, such as `Europe/Berlin`.
fn named_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_unknown| {
        format!("must be the name of a time zone such as `Europe/Berlin`, not `{name}`")
    })
}

impl QuietHours {
    /// The moment itself, or the end of the quiet hours it falls into.
    pub fn after(self, at: Timestamp, zone: &TimeZone) -> Timestamp {
        let Ok(moment) = jiff::Timestamp::from_microsecond(at.micros()) else { return at };
        let local = moment.to_zoned(zone.clone()).datetime();
        if !self.covers(local.time()) {
            return at;
        }
        self.end_after(local, zone).unwrap_or(at)
    }

    fn covers(self, time: Time) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }

    /// Nothing beyond the calendar's end.
    fn end_after(self, local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
        let date =
            if local.time() < self.to { local.date() } else { local.date().tomorrow().ok()? };
        let end = zone.to_zoned(date.to_datetime(self.to)).ok()?;
        Some(Timestamp::from_micros(end.timestamp().as_microsecond()))
    }
}

impl Default for Reminders {
    fn default() -> Self {
        Self {
            at: vec![ReminderPoint::Share(50), ReminderPoint::BeforeEnd(10 * MINUTE)],
            min_gap: 5 * MINUTE,
            most: 2,
            quiet: None,
            zone: TimeZone::UTC,
            pay_link: None,
            other_methods: Vec::new(),
        }
    }
}

impl Reminders {
    /// The next reminder of a payment window at `not_before` or later.
    ///
    /// All reminders of a window follow from its two ends, so it does not matter when one asks.
    pub fn next(
        &self,
        placed_at: Timestamp,
        expires_at: Timestamp,
        not_before: Timestamp,
    ) -> Option<Timestamp> {
        self.all(placed_at, expires_at).into_iter().find(|at| *at >= not_before)
    }

    /// Where the buyer of an order pays it.
    pub fn pay_link(&self, order: OrderId) -> Option<PayLink> {
        self.pay_link.as_ref().map(|link| link.replace(ORDER, &order.to_string()).into())
    }

    /// By which method an order can be paid that is not its own.
    pub fn other_method(&self, own: Option<PaymentMethod>) -> Option<PaymentMethod> {
        self.other_methods.iter().copied().find(|method| Some(*method) != own)
    }

    fn all(&self, placed_at: Timestamp, expires_at: Timestamp) -> Vec<Timestamp> {
        let allowed = placed_at.plus(self.min_gap)..=expires_at.minus(self.min_gap);
        let mut chosen: Vec<Timestamp> = Vec::new();
        for point in &self.at {
            let at = point.of(placed_at, expires_at);
            let at = self.quiet.map_or(at, |quiet| quiet.after(at, &self.zone));
            let apart = |other: &Timestamp| {
                at.since(*other) >= self.min_gap || other.since(at) >= self.min_gap
            };
            if allowed.contains(&at) && chosen.iter().all(apart) && chosen.len() < self.most {
                chosen.push(at);
            }
        }
        chosen.sort_unstable();
        chosen
    }

    pub(super) fn overlay(&mut self, section: &mut Section<'_>) {
        section.value("at", |value| {
            self.at = points(value)?;
            Ok(())
        });
        section.time("min_gap", Duration::from_secs(1)..=super::LONGEST, &mut self.min_gap);
        section.count("most", 0..=MOST, &mut self.most);
        section.value("time_zone", |value| {
            self.zone = named_zone(value.as_str().unwrap_or_default())?;
            Ok(())
        });
        section.value("quiet_hours", |value| {
            let hours = value.as_str().unwrap_or_default();
            self.quiet = if hours == "none" { None } else { Some(hours.parse()?) };
            Ok(())
        });
        section.value("pay_link", |value| {
            let link = value.as_str().unwrap_or_default();
            self.pay_link = if link == "none" { None } else { Some(checked_link(link)?) };
            Ok(())
        });
        section.value("other_methods", |value| {
            self.other_methods = methods(value)?;
            Ok(())
        });
    }
}

/// A link goes into every channel as it is: it must be encrypted, short, and nothing but a link.
fn checked_link(link: &str) -> Result<String, String> {
    let plain = link.chars().all(|it| it.is_ascii_graphic() && !"<>\"`\\".contains(it));
    let good = link.starts_with("https://") && link.contains(ORDER) && plain;
    if good && link.len() <= LONGEST_LINK {
        return Ok(link.to_owned());
    }
    Err(format!(
        "must be `none`, or a link such as `https://shop.example/pay/{ORDER}` of at most \
         {LONGEST_LINK} characters, not `{link}`"
    ))
}

fn methods(value: &toml::Value) -> Result<Vec<PaymentMethod>, String> {
    let known = PaymentMethod::ALL.map(PaymentMethod::name).join(", ");
    let wrong = || format!("must be a list of {known}, not {value}");
    let method = |value: &toml::Value| {
        let name = value.as_str().unwrap_or_default();
        PaymentMethod::ALL.into_iter().find(|method| method.name() == name).ok_or_else(wrong)
    };
    value.as_array().ok_or_else(wrong)?.iter().map(method).collect()
}

fn points(value: &toml::Value) -> Result<Vec<ReminderPoint>, String> {
    let listed = value.as_array().ok_or("must be a list such as [\"50%\", \"-10m\"]")?;
    let point = |value: &toml::Value| value.as_str().unwrap_or_default().parse();
    listed.iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The minutes after the beginning at which a window of so many minutes has its reminders.
    fn minutes(reminders: &Reminders, window: u64) -> Vec<u64> {
        let start = Timestamp::EPOCH;
        let all = reminders.all(start, start.plus(Duration::from_mins(window)));
        all.into_iter().map(|at| at.since(start).as_secs() / 60).collect()
    }

    fn berlin() -> TimeZone {
        named_zone("Europe/Berlin").unwrap()
    }

    #[test]
    fn a_window_is_reminded_of_at_half_and_shortly_before_its_end() {
        assert_eq!(minutes(&Reminders::default(), 30), [15, 20]);
        assert_eq!(minutes(&Reminders::default(), 7 * 24 * 60), [5_040, 10_070]);
    }

    #[test]
    fn reminders_keep_their_distance_from_each_other_and_from_both_ends() {
        let defaults = Reminders::default();
        assert_eq!(minutes(&defaults, 29), [14]);
        assert_eq!(minutes(&defaults, 15), [7]);
        assert_eq!(minutes(&defaults, 10), [5]);
        assert!(minutes(&defaults, 9).is_empty());
        assert!(minutes(&defaults, 0).is_empty());
    }

    #[test]
    fn a_reminder_whose_time_has_passed_is_left_out() {
        let (start, end) = (Timestamp::EPOCH, Timestamp::EPOCH.plus(30 * MINUTE));
        let next = |after: u64| {
            let not_before = start.plus(Duration::from_mins(after));
            Reminders::default().next(start, end, not_before)
        };
        assert_eq!(next(16), Some(start.plus(20 * MINUTE)));
        assert_eq!(next(21), None);
    }

    #[test]
    fn no_more_are_sent_than_chosen() {
        let points = ["10%", "30%", "50%", "-10m"].map(|point| point.parse().unwrap());
        let many = Reminders { at: points.to_vec(), most: 3, ..Reminders::default() };
        assert_eq!(minutes(&many, 100), [10, 30, 50]);
        assert!(minutes(&Reminders { most: 0, ..many }, 100).is_empty());
    }

    #[test]
    fn a_link_that_is_none_or_not_encrypted_is_refused() {
        for link in
            ["http://a/{order}", "https://a/", "https://a/{order}<b>", "https://a b/{order}"]
        {
            assert!(checked_link(link).is_err(), "{link}");
        }
        assert!(checked_link("https://shop.example/pay?o={order}&from=mail").is_ok());
    }

    #[test]
    fn another_method_is_one_that_the_order_does_not_have() {
        let other_methods = vec![PaymentMethod::Card, PaymentMethod::BankTransfer];
        let reminders = Reminders { other_methods, ..Reminders::default() };
        let other = |own| reminders.other_method(own).map(PaymentMethod::name);
        assert_eq!(other(Some(PaymentMethod::Card)), Some("bank_transfer"));
        assert_eq!(other(Some(PaymentMethod::Wallet)), Some("card"));
        assert_eq!(Reminders::default().other_method(None), None);
    }

    /// The epoch began at one o'clock at night in Berlin.
    #[test]
    fn a_reminder_in_quiet_hours_comes_at_their_end_or_not_at_all() {
        let quiet = "22:00-08:00".parse().ok();
        let reminders = Reminders { quiet, zone: berlin(), ..Reminders::default() };
        assert_eq!(minutes(&reminders, 4 * 60), Vec::<u64>::new());
        assert_eq!(minutes(&reminders, 10 * 60), [7 * 60, 9 * 60 + 50]);
    }

    #[test]
    fn quiet_hours_may_lie_within_a_day_and_end_by_the_local_clock() {
        let noon: QuietHours = "12:00-14:30".parse().unwrap();
        let at = |minute: u64| Timestamp::EPOCH.plus(Duration::from_mins(minute));
        assert_eq!(noon.after(at(11 * 60), &TimeZone::UTC), at(11 * 60));
        assert_eq!(noon.after(at(12 * 60), &TimeZone::UTC), at(14 * 60 + 30));
        assert_eq!(noon.after(at(14 * 60 + 30), &TimeZone::UTC), at(14 * 60 + 30));
        // In this night of 2026 clocks in Berlin go from 2 to 3: the night is an hour shorter.
        let night: QuietHours = "22:00-08:00".parse().unwrap();
        let evening: Timestamp = "2026-03-28T22:30:00Z".parse().unwrap();
        assert_eq!(night.after(evening, &berlin()), "2026-03-29T06:00:00Z".parse().unwrap());
    }
}
