//! The table of the 88 cases: which test proves each of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use super::source::{Language, Source};

/// Where the table is.
pub(super) const TABLE: &str = "tests/README.md";

/// Begins every row of the table; the number follows.
const ROW: &str = "| ";

/// Begins the name of every test of a case.
const PREFIX: &str = "fn case_";

/// One row: a case, where its tests stand, and their names.
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    number: u32,
    what: &'a str,
    level: &'a str,
    tests: &'a str,
}

/// The tests of one case, as the table names them.
#[derive(Debug, Default)]
struct Tests(Vec<(Level, String)>);

/// How much of the system a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Rule,
    Store,
    EndToEnd,
}

impl Level {
    fn of(path: &Path) -> Self {
        let path = path.to_string_lossy().replace('\\', "/");
        let whole = path.starts_with("tests/") && !path.starts_with("tests/tests/it/payments/");
        if path.starts_with("shared/store/") || path.ends_with("convergence/store.rs") {
            Self::Store
        } else if whole && !path.starts_with("tests/tests/it/convergence/") {
            Self::EndToEnd
        } else {
            Self::Rule
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Store => "store",
            Self::EndToEnd => "end to end",
        }
    }
}

impl Tests {
    fn levels(&self) -> String {
        let mut levels: Vec<Level> = self.0.iter().map(|(level, _)| *level).collect();
        levels.sort_unstable();
        levels.dedup();
        levels.into_iter().map(Level::name).collect::<Vec<_>>().join(", ")
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.0.iter().map(|(_, name)| format!("`{name}`")).collect();
        names.join("<br>")
    }
}

/// Checks that the table says which tests there are, and that no case is without one.
pub(super) fn check(root: &Path, sources: &[Source]) -> Result<Vec<Finding>> {
    let (tests, mut findings) = tests(sources);
    let Some(text) = read(root)? else {
        // A checkout without such tests needs no table of them.
        let missing = || finding(1, "the table of the cases is missing".to_owned());
        findings.extend((!tests.is_empty()).then(missing));
        return Ok(findings);
    };
    let rows: Vec<(usize, Row<'_>)> = rows(&text).collect();
    for (line, row) in &rows {
        findings.extend(check_row(*line, row, tests.get(&row.number)));
    }
    for (place, (line, row)) in (1..).zip(&rows) {
        if row.number != place {
            let advice = format!("case {} where case {place} belongs", row.number);
            findings.push(finding(*line, advice));
        }
    }
    let unlisted = tests.keys().filter(|number| rows.iter().all(|(_, row)| row.number != **number));
    for number in unlisted {
        findings.push(finding(1, format!("case {number} has tests, but no row")));
    }
    Ok(findings)
}

fn check_row(line: usize, row: &Row<'_>, tests: Option<&Tests>) -> Option<Finding> {
    let number = row.number;
    let advice = match tests {
        None => format!("case {number} has no test named `case_{number:03}_...`"),
        Some(tests) if row.tests != tests.names() || row.level != tests.levels() => {
            format!("not the tests that case {number} has: `cargo xtask cases`")
        }
        Some(_) => return None,
    };
    Some(finding(line, advice))
}

/// Writes the tests that there are into the table; what each case is about stays as it is.
pub(crate) fn refresh(root: &Path) -> Result<()> {
    let sources = Source::read_all(root)?;
    let (tests, _) = tests(&sources);
    let text = read(root)?.with_context(|| format!("there is no {TABLE}"))?;
    let rows: BTreeMap<usize, Row<'_>> = rows(&text).collect();
    let mut fresh = Vec::new();
    for (line, old) in (1..).zip(text.lines()) {
        let row = rows.get(&line).and_then(|row| tests.get(&row.number).map(|tests| (row, tests)));
        fresh.push(match row {
            None => old.to_owned(),
            Some((Row { number, what, .. }, tests)) => {
                let (levels, names) = (tests.levels(), tests.names());
                format!("| {number} | {what} | {levels} | {names} |")
            }
        });
    }
    let fresh = fresh.join("\n") + "\n";
    fs::write(root.join(TABLE), fresh).with_context(|| format!("failed to write {TABLE}"))
}

fn read(root: &Path) -> Result<Option<String>> {
    let path = root.join(TABLE);
    if !path.is_file() {
        return Ok(None);
    }
    fs::read_to_string(&path).map(Some).with_context(|| format!("failed to read {TABLE}"))
}

fn finding(line: usize, advice: String) -> Finding {
    Finding::new(TABLE, line, "case-table", advice)
}

/// The rows that begin with a case's number, and their lines.
fn rows(text: &str) -> impl Iterator<Item = (usize, Row<'_>)> {
    (1..).zip(text.lines()).filter_map(|(line, text)| row(text).map(|row| (line, row)))
}

fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.strip_prefix(ROW)?.strip_suffix(" |")?.split(" | ").collect();
    let [number, what, level, tests] = cells[..] else { return None };
    Some(Row { number: number.parse().ok()?, what, level, tests })
}

/// The tests of every case, and functions named like one that no test runner finds.
fn tests(sources: &[Source]) -> (BTreeMap<u32, Tests>, Vec<Finding>) {
    let mut all: BTreeMap<u32, Tests> = BTreeMap::new();
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.language == Language::Rust) {
        for (start, _) in source.code.match_indices(PREFIX) {
            let name: &str = name_at(&source.code[start + "fn ".len()..]);
            if !is_test(&source.code[..start]) {
                let line = super::source::line_of(&source.code, start);
                let advice = format!("`{name}` is named like a test of a case, but is none");
                findings.push(Finding::new(&source.path, line, "case-table", advice));
                continue;
            }
            for number in numbers(name) {
                let entry = (Level::of(&source.path), name.to_owned());
                all.entry(number).or_default().0.push(entry);
            }
        }
    }
    for tests in all.values_mut() {
        tests.0.sort();
    }
    (all, findings)
}

pub(super) fn name_at(code: &str) -> &str {
    let end = code.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(code.len());
    &code[..end]
}

/// The cases that a name such as `case_052_and_053_decimals` is about.
fn numbers(name: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    let mut words = name.split('_').skip(1);
    while let Some(number) = words.next().and_then(|word| word.parse().ok()) {
        numbers.push(number);
        if words.next() != Some("and") {
            break;
        }
    }
    numbers
}

/// Whether the code before a function ends with an attribute that makes it a test.
pub(super) fn is_test(before: &str) -> bool {
    let mut rest = before.trim_end();
    rest = rest.strip_suffix("async").unwrap_or(rest).trim_end();
    while let Some(attribute) = rest.strip_suffix(']').and_then(|inner| inner.rsplit_once("#[")) {
        let (earlier, text) = attribute;
        if text == "test" || text.starts_with("tokio::test") {
            return true;
        }
        rest = earlier.trim_end();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_about_several_cases() {
        assert_eq!(numbers("case_007_waits"), [7]);
        assert_eq!(numbers("case_052_and_053_decimals_follow"), [52, 53]);
        assert_eq!(numbers("case_of_nothing"), Vec::<u32>::new());
    }

    #[test]
    fn only_what_has_the_attribute_is_a_test() {
        assert!(is_test("#[test]\n"));
        assert!(is_test("#[tokio::test(flavor = \"x\")]\nasync "));
        assert!(is_test("#[test]\n#[ignore]\n    "));
        assert!(!is_test("}\n\n"));
        assert!(!is_test("#[cfg(test)]\n"));
    }

    #[test]
    fn a_row_is_known_by_its_number() {
        let text =
            "| case | what | level | tests |\n|---|---|---|---|\n| 3 | late | rule | `x` |\n";
        let found: Vec<_> = rows(text).collect();
        let row = Row { number: 3, what: "late", level: "rule", tests: "`x`" };
        assert_eq!(found, [(3, row)]);
    }
}
