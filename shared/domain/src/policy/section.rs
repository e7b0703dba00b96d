//! One table of the policy file, read setting by setting; everything wrong is collected.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::{Table, Value};

use super::file::PolicyProblem;
use super::written;

/// A table that is being read, and what is wrong with it so far.
pub(super) struct Section<'a> {
    table: &'a Table,
    /// Its name with a dot at its end; nothing for the whole file.
    path: String,
    known: BTreeSet<&'static str>,
    /// Whether the names in it are the file's own, so that none is unknown.
    free_names: bool,
    problems: Vec<PolicyProblem>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn whole(table: &'a Table) -> Self {
        Self::named(table, String::new())
    }

    fn named(table: &'a Table, path: String) -> Self {
        Self { table, path, known: BTreeSet::new(), free_names: false, problems: Vec::new() }
    }

    /// Records what is wrong with a setting.
    pub(super) fn refuse(&mut self, key: &str, reason: &str) {
        let key = format!("{}{key}", self.path);
        self.problems.push(PolicyProblem { key, reason: reason.to_owned() });
    }

    /// Takes a setting over as its reader likes it.
    pub(super) fn value(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value) -> Result<(), String>,
    ) {
        self.known.insert(key);
        if let Some(Err(reason)) = self.table.get(key).map(read) {
            self.refuse(key, &reason);
        }
    }

    /// Takes a time over, such as `"30m"` or `"7days"`.
    pub(super) fn time(
        &mut self,
        key: &'static str,
        allowed: RangeInclusive<Duration>,
        into: &mut Duration,
    ) {
        self.value(key, |value| {
            let time = value.as_str().and_then(|text| humantime::parse_duration(text).ok());
            *into = time.filter(|time| allowed.contains(time)).ok_or_else(|| {
                let [least, most] = [allowed.start(), allowed.end()].map(|it| written(*it));
                format!("must be a time such as \"30m\", from {least} to {most}, not {value}")
            })?;
            Ok(())
        });
    }

    /// Takes a whole number over.
    pub(super) fn count<T>(&mut self, key: &'static str, allowed: RangeInclusive<T>, into: &mut T)
    where
        T: TryFrom<i64> + PartialOrd + Display + Copy,
    {
        self.value(key, |value| {
            let count = value.as_integer().and_then(|count| T::try_from(count).ok());
            *into = count.filter(|count| allowed.contains(count)).ok_or_else(|| {
                let (least, most) = (allowed.start(), allowed.end());
                format!("must be a whole number from {least} to {most}, not {value}")
            })?;
            Ok(())
        });
    }

    /// Hands a text over.
    pub(super) fn text(&mut self, key: &'static str, read: impl FnOnce(&str)) {
        self.value(key, |value| {
            value.as_str().map(read).ok_or_else(|| format!("must be a text, not {value}"))
        });
    }

    /// Reads a table within this one, if it is there.
    pub(super) fn table(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_>)) {
        self.known.insert(key);
        self.inner(key, key, read);
    }

    /// Reads a table of tables, whose names are the file's own.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&str, &mut Section<'_>),
    ) {
        self.table(key, |outer| {
            for name in outer.table.keys() {
                outer.inner(name, &quoted(name), |inner| read(name, inner));
            }
            outer.names_are_free();
        });
    }

    /// Ends the reading; settings that nobody asked for are refused.
    pub(super) fn finish(mut self) -> Vec<PolicyProblem> {
        if self.free_names {
            return self.problems;
        }
        let unknown = |key: &&String| !self.known.contains(key.as_str());
        let unknown: Vec<_> = self.table.keys().filter(unknown).cloned().collect();
        let known: Vec<_> = self.known.iter().copied().collect();
        let reason = format!("is unknown here; known are {}", known.join(", "));
        for key in unknown {
            self.refuse(&key, &reason);
        }
        self.problems
    }

    /// Lets every name in this table pass.
    pub(super) fn names_are_free(&mut self) {
        self.free_names = true;
    }

    fn inner(&mut self, key: &str, written: &str, read: impl FnOnce(&mut Section<'_>)) {
        let Some(value) = self.table.get(key) else { return };
        let Some(table) = value.as_table() else {
            self.refuse(written, "must be a table");
            return;
        };
        let mut inner = Section::named(table, format!("{}{written}.", self.path));
        read(&mut inner);
        self.problems.extend(inner.finish());
    }
}

/// A key as it is written in the file.
fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.chars().all(bare) { name.to_owned() } else { format!("{name:?}") }
}
