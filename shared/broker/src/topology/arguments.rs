//! Arguments of exchanges and queues.

use std::collections::BTreeMap;

use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde::Serialize;

/// What an exchange or queue is declared with beside its name; correctness depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Arguments(BTreeMap<&'static str, Argument>);

/// The value of one argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Argument {
    /// A name or a mode.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Argument {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl Arguments {
    /// The value of one argument.
    pub fn get(&self, name: &str) -> Option<&Argument> {
        self.0.get(name)
    }

    pub(super) fn of<const N: usize>(arguments: [(&'static str, Argument); N]) -> Self {
        Self(arguments.into())
    }

    /// Dead-letters to `exchange` and keeps each message until its new queue has it.
    ///
    /// With the default overflow mode the broker silently falls back to at-most-once.
    pub(super) fn dead_letter_safely(&mut self, exchange: &str) {
        self.0.insert("x-dead-letter-exchange", exchange.into());
        self.0.insert("x-dead-letter-strategy", "at-least-once".into());
        self.0.insert("x-overflow", "reject-publish".into());
    }

    pub(super) fn to_table(&self) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, argument) in &self.0 {
            let value = match argument {
                Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
                Argument::Number(number) => AMQPValue::LongLongInt(*number),
            };
            table.insert(ShortString::from(*name), value);
        }
        table
    }
}
