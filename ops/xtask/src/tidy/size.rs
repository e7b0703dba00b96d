//! How large files, functions and lines may be.

use super::Finding;
use super::source::{Language, Source, item_end, line_of};

/// A file longer than this holds more than one subject.
const FILE_LINES: usize = 500;
/// A binary's entry only calls its library, where everything can be tested.
const MAIN_LINES: usize = 25;
/// A function longer than this does not fit a screen.
const FUNCTION_LINES: usize = 70;
/// Two files fit side by side.
const COLUMNS: usize = 100;

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = file_length(source);
    findings.extend(line_length(source));
    if source.language == Language::Rust {
        findings.extend(function_length(source));
    }
    findings
}

fn file_length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let is_main = source.is_named("main.rs") && !source.is_in_test(1);
    let (rule, limit, advice) = if is_main {
        ("main-length", MAIN_LINES, "move logic into the library, where it can be tested")
    } else {
        ("file-length", FILE_LINES, "split it by subject")
    };
    if lines <= limit {
        return Vec::new();
    }
    let advice = format!("{lines} lines, at most {limit}: {advice}");
    vec![Finding::new(&source.path, limit + 1, rule, advice)]
}

fn line_length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().enumerate();
    let long = lines.filter_map(|(index, line)| {
        let columns = line.chars().count();
        let advice = format!("{columns} columns, at most {COLUMNS}: break the line");
        let finding = || Finding::new(&source.path, index + 1, "line-length", advice);
        (columns > COLUMNS).then(finding)
    });
    long.collect()
}

fn function_length(source: &Source) -> Vec<Finding> {
    let code = &source.code;
    let starts = code.match_indices("fn ").map(|(start, _)| start).filter(|start| {
        !code[..*start].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    });
    let long = starts.filter_map(|start| {
        let end = start + item_end(&code[start..])?;
        let (first, last) = (line_of(code, start), line_of(code, end));
        let lines = last - first + 1;
        let advice = format!("{lines} lines, at most {FUNCTION_LINES}: name its parts");
        let finding = || Finding::new(&source.path, first, "function-length", advice);
        (lines > FUNCTION_LINES).then(finding)
    });
    long.collect()
}
