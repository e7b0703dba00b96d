//! The tests that a promise or a row of the table of faults names: each of them exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::cases::{is_test, name_at};
use super::source::{Language, Source};
use super::{Finding, cases::TABLE};

/// Whatever has this many underscores, and neither capitals nor dots, is meant as a test's name.
const UNDERSCORES: usize = 3;

/// Checks that every test that the page about tests names is there.
pub(super) fn check(root: &Path, sources: &[Source]) -> Result<Vec<Finding>> {
    let page = root.join(TABLE);
    if !page.is_file() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&page).with_context(|| format!("failed to read {TABLE}"))?;
    let tests = tests(sources);
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        for name in named(text).filter(|name| !tests.contains(name)) {
            let advice = format!("there is no test `{name}`: name the one that proves this");
            findings.push(Finding::new(TABLE, line, "promised-test", advice));
        }
    }
    Ok(findings)
}

/// The names of tests in a line; those of the cases have a rule of their own.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).filter(|text| {
        let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let words = text.matches('_').count() >= UNDERSCORES;
        words && text.chars().all(of_name) && !text.starts_with("case_")
    })
}

fn tests(sources: &[Source]) -> BTreeSet<&str> {
    let rust = sources.iter().filter(|source| source.language == Language::Rust);
    rust.flat_map(|source| {
        let functions = source.code.match_indices("fn ");
        let tests = functions.filter(|(start, _)| is_test(&source.code[..*start]));
        tests.map(|(start, _)| name_at(&source.code[start + "fn ".len()..]))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_tests_are_looked_for() {
        let line = "`a_killed_broker_loses_nothing`, `case_001_a_paid_order`, `/livez`, `A_B_C_D`";
        assert_eq!(named(line).collect::<Vec<_>>(), ["a_killed_broker_loses_nothing"]);
    }
}
