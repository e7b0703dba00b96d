//! Money as integers in minor units, with checked arithmetic.

use std::fmt;

use serde::de::{DeserializeSeed, Error};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Currency;
use crate::error::{RuleCode, RuleViolation};
use crate::number::Integer;

/// An amount in minor units of one currency; never negative, at most [`Money::MAX_MINOR`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    #[serde(deserialize_with = "amount_minor")]
    amount_minor: i64,
    currency: Currency,
}

/// Why two amounts could not be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The two amounts are in different currencies (case 51).
    #[error("currencies differ: {0} and {1}")]
    CurrencyMismatch(Currency, Currency),
    /// The result is above [`Money::MAX_MINOR`] (case 55).
    #[error("amount above the largest that is accepted")]
    Overflow,
    /// The result would be below zero.
    #[error("amount below zero")]
    Negative,
}

impl Money {
    /// Largest amount accepted; far below `i64::MAX` and 2^53.
    ///
    /// Sums of amounts fit, and JavaScript keeps every amount exactly.
    pub const MAX_MINOR: i64 = 999_999_999_999;

    /// Makes an amount.
    ///
    /// # Errors
    /// [`MoneyError::Negative`] and [`MoneyError::Overflow`] outside `0..=MAX_MINOR`.
    pub fn new(amount_minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        match amount_minor {
            i64::MIN..0 => Err(MoneyError::Negative),
            0..=Self::MAX_MINOR => Ok(Self { amount_minor, currency }),
            _ => Err(MoneyError::Overflow),
        }
    }

    /// Nothing, in this currency.
    pub fn zero(currency: Currency) -> Self {
        Self { amount_minor: 0, currency }
    }

    /// The amount in minor units.
    pub fn minor(self) -> i64 {
        self.amount_minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Whether there is nothing.
    pub fn is_zero(self) -> bool {
        self.amount_minor == 0
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// On different currencies and on a sum above the largest amount.
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Money::new(self.amount_minor + other.amount_minor, self.currency)
    }

    /// The difference of two amounts of one currency.
    ///
    /// # Errors
    /// On different currencies and on a difference below zero.
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Money::new(self.amount_minor - other.amount_minor, self.currency)
    }

    /// The difference, or nothing when `other` is larger.
    ///
    /// # Errors
    /// On different currencies.
    pub fn saturating_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Ok(Money { amount_minor: (self.amount_minor - other.amount_minor).max(0), ..self })
    }

    fn same_currency(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }
}

/// Shows major units with the currency's own number of decimals: `JPY 5800`, `EUR 58.00`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.currency.exponent());
        let scale = 10_i64.pow(u32::from(self.currency.exponent()));
        let (major, minor) = (self.amount_minor / scale, self.amount_minor % scale);
        if digits == 0 {
            write!(f, "{} {major}", self.currency)
        } else {
            write!(f, "{} {major}.{minor:0digits$}", self.currency)
        }
    }
}

/// Accepts only a JSON integer: no float, exponent or string (case 55).
fn amount_minor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let amount = Integer {
        range: 0..=Money::MAX_MINOR,
        meaning: "an integer in minor units",
        otherwise: RuleCode::InvalidAmount,
    };
    amount.deserialize(deserializer)
}

/// Accepts money above zero: payments, refunds and disputes of nothing are mistakes (case 55).
pub(crate) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
    above_zero(Money::deserialize(deserializer)?)
}

/// As [`positive`], where the field may be absent or null.
pub(crate) fn positive_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Money>, D::Error> {
    Option::deserialize(deserializer)?.map(above_zero).transpose()
}

fn above_zero<E: Error>(money: Money) -> Result<Money, E> {
    if money.is_zero() {
        let rule = "must be above zero";
        return Err(E::custom(RuleViolation::new(RuleCode::AmountOutOfRange, rule)));
    }
    Ok(money)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    #[test]
    fn case_052_and_053_decimals_follow_the_currency() {
        let show =
            |minor, code: &str| Money::new(minor, code.parse().unwrap()).unwrap().to_string();
        assert_eq!(show(5800, "JPY"), "JPY 5800");
        assert_eq!(show(5800, "EUR"), "EUR 58.00");
        assert_eq!(show(5807, "KWD"), "KWD 5.807");
    }

    #[test]
    fn sums_are_checked() {
        assert_eq!(eur(1).checked_add(eur(2)), Ok(eur(3)));
        assert_eq!(eur(Money::MAX_MINOR).checked_add(eur(1)), Err(MoneyError::Overflow));
        assert_eq!(eur(1).checked_sub(eur(2)), Err(MoneyError::Negative));
        let yen = Money::zero("JPY".parse().unwrap());
        assert!(matches!(eur(1).checked_add(yen), Err(MoneyError::CurrencyMismatch(..))));
    }

    #[test]
    fn case_055_only_integers_in_range_are_amounts() {
        let parse = |amount: &str| {
            serde_json::from_str::<Money>(&format!(
                r#"{{"amount_minor":{amount},"currency":"EUR"}}"#
            ))
        };
        assert_eq!(parse("3000000000").unwrap().minor(), 3_000_000_000);
        let refused = [
            ("1.0", "invalid-amount"),
            ("1e3", "invalid-amount"),
            ("\"1\"", "invalid-amount"),
            ("-1", "amount-out-of-range"),
            ("1000000000000", "amount-out-of-range"),
            ("9223372036854775808", "amount-out-of-range"),
            ("99999999999999999999", "amount-out-of-range"),
        ];
        for (amount, code) in refused {
            let error = parse(amount).unwrap_err().to_string();
            assert!(error.starts_with(code), "{amount}: {error}");
        }
    }
}
