//! Integers and lists with bounds.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use crate::error::{RuleCode, RuleViolation};

/// Reads a JSON integer within bounds: no float, exponent or string.
pub(crate) struct Integer<T> {
    /// The bounds.
    pub(crate) range: RangeInclusive<T>,
    /// What it is, for a sender.
    pub(crate) meaning: &'static str,
    /// The code for a number or text that is no integer.
    pub(crate) otherwise: RuleCode,
}

impl<T: Display> Integer<T> {
    fn no_integer<E: Error>(&self) -> E {
        let rule = format!("must be {}, written in digits only", self.meaning);
        E::custom(RuleViolation::new(self.otherwise, rule))
    }

    fn out_of_range<E: Error>(&self) -> E {
        let (min, max) = (self.range.start(), self.range.end());
        let rule = format!("must be {} from {min} to {max}", self.meaning);
        E::custom(RuleViolation::new(RuleCode::AmountOutOfRange, rule))
    }
}

impl<T: TryFrom<i64> + PartialOrd + Display> Visitor<'_> for Integer<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meaning)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        let value = T::try_from(value).ok().filter(|value| self.range.contains(value));
        value.ok_or_else(|| self.out_of_range())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_beyond) => Err(self.out_of_range()),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        // An integer beyond 64 bits reaches us as a float without a fraction.
        let beyond_64_bits = value.fract() == 0.0 && value.abs() >= 9_223_372_036_854_775_808.0;
        Err(if beyond_64_bits { self.out_of_range() } else { self.no_integer() })
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<T, E> {
        Err(self.no_integer())
    }
}

impl<'de, T: TryFrom<i64> + PartialOrd + Display> DeserializeSeed<'de> for Integer<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Reads what another reader reads, or nothing from null.
struct OrNull<S>(S);

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for OrNull<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

fn integer<T>(range: RangeInclusive<T>) -> Integer<T> {
    Integer { range, meaning: "an integer", otherwise: RuleCode::InvalidType }
}

/// Reads an integer within bounds.
pub(crate) fn in_range<'de, D, T>(d: D, range: RangeInclusive<T>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64> + PartialOrd + Display,
{
    integer(range).deserialize(d)
}

/// As [`in_range`], where the field may be null.
pub(crate) fn in_range_or_none<'de, D, T>(
    d: D,
    range: RangeInclusive<T>,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64> + PartialOrd + Display,
{
    d.deserialize_option(OrNull(integer(range)))
}

/// Reads how often a thing was counted up, from 1.
pub(crate) fn counter<'de, D: Deserializer<'de>>(d: D) -> Result<i32, D::Error> {
    in_range(d, 1..=i32::MAX)
}

/// As [`counter`], where the field may be null.
pub(crate) fn counter_or_none<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i32>, D::Error> {
    in_range_or_none(d, 1..=i32::MAX)
}

/// Passes a list on when it is short enough.
pub(crate) fn at_most<T, E: Error>(list: Vec<T>, max: usize, what: &str) -> Result<Vec<T>, E> {
    if list.len() > max {
        let rule = format!("must be at most {max} {what}");
        return Err(E::custom(RuleViolation::new(RuleCode::TooLong, rule)));
    }
    Ok(list)
}
