//! How amounts, times and references are written in a locale.

mod money;
mod time;

use contracts::events::PaymentMethod;
use contracts::{Money, OrderId, Timestamp};
use fluent_bundle::FluentValue;
use icu_locale_core::Locale;
use serde::Serialize;

use self::money::MoneyFormat;
use self::time::TimeFormat;
pub use self::time::{UnknownZone, Zone};

/// Where a customer pays an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PayLink(String);

impl PayLink {
    /// It, as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PayLink {
    fn from(link: String) -> Self {
        Self(link)
    }
}

/// A value that a template shows.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// An amount, with its currency's own decimals.
    Money(Money),
    /// A point in time, in the reader's zone.
    Time(Timestamp),
    /// An order, by its id.
    Order(OrderId),
    /// How many; chooses the plural, too.
    Count(u32),
    /// A word that a template chooses by, or a reference; `none` where there is none.
    Word(String),
}

/// What a template can be filled with.
pub(crate) trait Value {
    /// What it is, in a word for whoever writes templates.
    const KIND: &'static str;

    /// It, for a template.
    fn shown(&self) -> Shown;

    /// About the longest of its kind, to measure templates with.
    fn sample() -> Self;
}

impl Value for Money {
    const KIND: &'static str = "amount";

    fn shown(&self) -> Shown {
        Shown::Money(*self)
    }

    fn sample() -> Self {
        let dinar = "KWD".parse().expect("the Kuwaiti dinar is in use");
        Money::new(Money::MAX_MINOR, dinar).expect("the largest amount is an amount")
    }
}

impl Value for Timestamp {
    const KIND: &'static str = "time";

    fn shown(&self) -> Shown {
        Shown::Time(*self)
    }

    /// The 30th of September 2026, 20:40 in UTC: a long name of a month, and summer time.
    fn sample() -> Self {
        Timestamp::from_micros(1_790_800_800_000_000)
    }
}

impl Value for OrderId {
    const KIND: &'static str = "order";

    fn shown(&self) -> Shown {
        Shown::Order(*self)
    }

    fn sample() -> Self {
        "0190b2f4-5f6e-7a3b-8c1d-2e3f4a5b6c7d".parse().expect("it has the form of an id")
    }
}

impl Value for u32 {
    const KIND: &'static str = "count";

    fn shown(&self) -> Shown {
        Shown::Count(*self)
    }

    fn sample() -> Self {
        120
    }
}

/// Where the customer pays; templates leave the sentence out where it is `none`.
impl Value for Option<PayLink> {
    const KIND: &'static str = "link, or none";

    fn shown(&self) -> Shown {
        Shown::Word(self.as_ref().map_or("none", PayLink::as_str).to_owned())
    }

    fn sample() -> Self {
        Some("https://shop.example/pay/0190b2f4-5f6e-7a3b-8c1d-2e3f4a5b6c7d".to_owned().into())
    }
}

/// A payment method by its name, for templates to choose their words by; `none` likewise.
impl Value for Option<PaymentMethod> {
    const KIND: &'static str = "method, or none";

    fn shown(&self) -> Shown {
        Shown::Word(self.map_or("none", PaymentMethod::name).to_owned())
    }

    fn sample() -> Self {
        Some(PaymentMethod::BankTransfer)
    }
}

/// The conventions of one locale.
#[derive(Debug)]
pub(crate) struct Formats {
    money: MoneyFormat,
    time: TimeFormat,
}

impl Formats {
    /// The conventions of a locale; those of no locale in particular where it is not known.
    pub(crate) fn of(locale: &Locale) -> Self {
        Self { money: MoneyFormat::of(locale), time: TimeFormat::of(locale) }
    }

    /// A value as a template shows it.
    pub(crate) fn value(&self, shown: Shown, zone: &Zone) -> FluentValue<'static> {
        match shown {
            Shown::Money(money) => self.money.text(money).into(),
            Shown::Time(at) => self.time.text(at, zone).into(),
            Shown::Order(id) => id.to_string().into(),
            Shown::Count(count) => count.into(),
            Shown::Word(word) => word.into(),
        }
    }
}
