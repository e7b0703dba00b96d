//! Limits of money, by currency.

use std::collections::BTreeMap;

use contracts::{Currency, Money};

/// Most minor units that a limit may be, as any amount.
const MOST: i64 = 999_999_999_999;

/// An amount for each currency that has one of its own, and one for all others.
///
/// There are no exchange rates here: 500 JPY and 500 USD are far apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountLimits {
    /// Minor units of a currency not named.
    pub other: i64,
    /// Minor units by currency.
    pub by_currency: BTreeMap<Currency, i64>,
}

impl AmountLimits {
    /// The same number of minor units in every currency.
    pub fn everywhere(minor: i64) -> Self {
        Self { other: minor, by_currency: BTreeMap::new() }
    }

    /// The limit in minor units of a currency.
    pub fn of(&self, currency: Currency) -> i64 {
        self.by_currency.get(&currency).copied().unwrap_or(self.other)
    }

    /// The largest number of minor units in any currency.
    pub fn largest(&self) -> i64 {
        self.by_currency.values().copied().chain([self.other]).max().unwrap_or(self.other)
    }

    /// Whether an amount is above the limit of its currency.
    pub fn is_exceeded_by(&self, amount: Money) -> bool {
        amount.minor() > self.of(amount.currency())
    }

    /// Takes over a number, or a table of numbers by currency and `other`.
    pub(super) fn overlay(&mut self, value: &toml::Value) -> Result<(), String> {
        match value {
            toml::Value::Integer(_) => *self = Self::everywhere(minor(value)?),
            toml::Value::Table(table) => {
                for (name, value) in table {
                    let amount = minor(value).map_err(|reason| format!("{name} {reason}"))?;
                    if name == "other" {
                        self.other = amount;
                    } else {
                        let currency = name.parse().map_err(|_unknown| {
                            format!("{name} is no currency of ISO 4217 that is known here")
                        })?;
                        self.by_currency.insert(currency, amount);
                    }
                }
            }
            _ => return Err("must be minor units, or a table of them by currency".to_owned()),
        }
        Ok(())
    }
}

fn minor(value: &toml::Value) -> Result<i64, String> {
    let amount = value.as_integer().filter(|amount| (0..=MOST).contains(amount));
    amount.ok_or_else(|| format!("must be a whole number of minor units from 0 to {MOST}"))
}
