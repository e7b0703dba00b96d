//! Stored values back into the domain's types, naming the place of one that does not fit.

use std::fmt::Display;
use std::str::FromStr;

use contracts::{Money, Timestamp};
use domain::Status;
use time::OffsetDateTime;

use crate::error::Error;

/// The row that is being read.
pub(crate) struct Place<K> {
    table: &'static str,
    key: K,
}

impl<K: Display> Place<K> {
    /// A row of a table, by its key.
    pub(crate) fn new(table: &'static str, key: K) -> Self {
        Self { table, key }
    }

    /// The value, unless reading it failed.
    pub(crate) fn known<T>(&self, column: &'static str, value: Option<T>) -> Result<T, Error> {
        let (table, key) = (self.table, &self.key);
        value.ok_or_else(|| Error::Inconsistent { table, column, key: key.to_string() })
    }

    /// A status by its name.
    pub(crate) fn status<S: Status>(&self, column: &'static str, name: &str) -> Result<S, Error> {
        self.known(column, S::parse(name).ok())
    }

    /// A status by its name, if there is one.
    pub(crate) fn optional_status<S: Status>(
        &self,
        column: &'static str,
        name: Option<&str>,
    ) -> Result<Option<S>, Error> {
        name.map(|name| self.status(column, name)).transpose()
    }

    /// A token or any other text with rules.
    pub(crate) fn text<T: FromStr>(&self, column: &'static str, text: &str) -> Result<T, Error> {
        self.known(column, text.parse().ok())
    }

    /// A text with rules, if there is one.
    pub(crate) fn optional_text<T: FromStr>(
        &self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<T>, Error> {
        text.map(|text| self.text(column, text)).transpose()
    }

    /// An amount in the row's currency.
    pub(crate) fn money(
        &self,
        column: &'static str,
        minor: i64,
        currency: &str,
    ) -> Result<Money, Error> {
        let currency = self.text("currency", currency)?;
        self.known(column, Money::new(minor, currency).ok())
    }
}

/// A point in time as the driver takes it.
pub(crate) fn at(time: Timestamp) -> OffsetDateTime {
    time.into()
}

/// A point in time from the driver, if there is one.
pub(crate) fn optional_time(time: Option<OffsetDateTime>) -> Option<Timestamp> {
    time.map(Timestamp::from)
}
