//! What the code does not say.

use super::Finding;
use super::source::{Language, Source};

/// A piece of code that has no place here, and what to do instead.
struct Pattern {
    text: &'static str,
    rule: &'static str,
    advice: &'static str,
    /// Whether tests may say it.
    allowed_in_tests: bool,
}

const PATTERNS: [Pattern; 7] = [
    Pattern {
        text: ".unwrap()",
        rule: "unwrap",
        advice: "return the error, or `expect` the invariant that holds",
        allowed_in_tests: true,
    },
    Pattern {
        text: "let _ =",
        rule: "ignored-result",
        advice: "handle it, or ignore it in a named function that says why",
        allowed_in_tests: true,
    },
    Pattern { text: "todo!(", rule: "unfinished", advice: "finish it", allowed_in_tests: false },
    Pattern {
        text: "unimplemented!(",
        rule: "unfinished",
        advice: "finish it",
        allowed_in_tests: false,
    },
    Pattern {
        text: "#[ignore",
        rule: "ignored-test",
        advice: "run it or remove it",
        allowed_in_tests: false,
    },
    Pattern {
        text: "#[allow(",
        rule: "allow",
        advice: "use `#[expect(.., reason = \"..\")]`",
        allowed_in_tests: false,
    },
    Pattern {
        text: "#![allow(",
        rule: "allow",
        advice: "use `#![expect(.., reason = \"..\")]`",
        allowed_in_tests: false,
    },
];

/// Words of a comment that says the work is not done.
const UNFINISHED: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = unfinished_comments(source);
    if source.language == Language::Rust {
        findings.extend(PATTERNS.iter().flat_map(|pattern| matches(source, pattern)));
    }
    findings
}

fn matches(source: &Source, pattern: &Pattern) -> Vec<Finding> {
    let lines = source.code.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines
        .filter(|(_, line)| line.contains(pattern.text))
        .filter(|(line, _)| !(pattern.allowed_in_tests && source.is_in_test(*line)))
        .map(|(line, _)| {
            let advice = format!("`{}`: {}", pattern.text, pattern.advice);
            Finding::new(&source.path, line, pattern.rule, advice)
        })
        .collect()
}

fn unfinished_comments(source: &Source) -> Vec<Finding> {
    let lines = source.comments.lines().enumerate();
    let unfinished = lines.filter_map(|(index, line)| {
        let mut words = line.split(|it: char| !it.is_alphanumeric());
        let word = words.find(|word| UNFINISHED.contains(word))?;
        let advice = format!("`{word}`: finish it, or file an issue");
        Some(Finding::new(&source.path, index + 1, "unfinished", advice))
    });
    unfinished.collect()
}

/// The retry crate is unmaintained, so it stays behind one file that can be replaced.
pub(super) fn backoff_in_one_file(sources: &[Source]) -> Vec<Finding> {
    let in_runtime = sources.iter().filter(|source| source.path.starts_with("shared/runtime"));
    let mut naming = in_runtime.filter_map(|source| Some((source, line_with_backoff(source)?)));
    let Some((keeper, _)) = naming.next() else { return Vec::new() };
    let keeper = keeper.path.display();
    let finding = |(source, line): (&Source, usize)| {
        let advice = format!("`backoff` is already used in {keeper}: go through it");
        Finding::new(&source.path, line, "backoff", advice)
    };
    naming.map(finding).collect()
}

/// The first line that names the crate `backoff`, not a module of that name.
fn line_with_backoff(source: &Source) -> Option<usize> {
    let names_it = |line: &str| {
        line.match_indices("backoff::").any(|(at, _)| {
            !line[..at].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before))
        })
    };
    Some(source.code.lines().position(names_it)? + 1)
}
