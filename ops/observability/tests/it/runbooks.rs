//! Runbooks: a page for every alert and every code, with all its parts.

use std::collections::BTreeSet;
use std::path::Path;

use contracts::RuleCode;

use crate::files::{files, text};
use crate::rules::alerts;

/// The parts of a page, in their order.
const PARTS: [&str; 6] =
    ["## Meaning", "## Impact", "## Confirm", "## Fix", "## Roll back", "## Escalate"];

/// Where codes are given, and the words in front of each.
const SOURCES: [(&str, &[&str], usize); 5] = [
    ("shared/broker/src/error.rs", &["=> \""], 13),
    (
        "shared/store/src/error.rs",
        &["Transient, \"", "Slow, \"", "Permanent, \"", "DependencyDown, \""],
        25,
    ),
    (
        "shared/store/src/vault.rs",
        &["Self::Erased => \"", "KeyMissing(_) => \"", "Damaged => \""],
        3,
    ),
    ("shared/runtime/src/failure.rs", &["code: \""], 2),
    (
        "workers/dead-letter-parker/src/letter.rs",
        &["(\"unroutable\", \"", "(\"crash-loop\", \""],
        2,
    ),
];

/// With which codes rules quarantine an event, by their names in `shared/domain/src/decision.rs`.
const QUARANTINES: [&str; 7] = [
    "amount-out-of-range",
    "currency-mismatch",
    "customer-mismatch",
    "duplicate-conflict",
    "fact-conflict",
    "id-reuse",
    "merchant-mismatch",
];

/// Every code that a dead letter, a log line or a label can carry.
fn codes() -> BTreeSet<String> {
    let mut codes: BTreeSet<String> =
        RuleCode::ALL.iter().map(|code| code.as_str().into()).collect();
    codes.extend(QUARANTINES.map(str::to_owned));
    for (path, openings, least) in SOURCES {
        let text = text(path);
        // Tests name codes, too, and any words.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let found: BTreeSet<String> = openings
            .iter()
            .flat_map(|opening| code.split(opening).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .map(str::to_owned)
            .collect();
        assert!(found.len() >= least, "{path}: only {found:?}");
        codes.extend(found);
    }
    codes
}

fn pages() -> BTreeSet<String> {
    let stem = |path: &String| Some(Path::new(path).file_stem()?.to_str()?.to_owned());
    let paths = files("ops/runbooks", ".md");
    let pages = paths.iter().filter_map(stem);
    pages.filter(|page| page != "README").collect()
}

#[test]
fn every_code_has_a_page() {
    let (pages, codes) = (pages(), codes());
    assert!(codes.len() >= 70, "only {} codes", codes.len());
    let missing: Vec<_> = codes.difference(&pages).collect();
    assert!(missing.is_empty(), "no page in ops/runbooks for {missing:?}");
}

#[test]
fn quarantines_are_named_as_the_rules_name_them() {
    let names = text("shared/domain/src/decision.rs");
    for code in QUARANTINES {
        assert!(names.contains(&format!("\"{code}\"")), "{code}");
    }
}

#[test]
fn every_page_belongs_to_an_alert_or_a_code() {
    let mut wanted = codes();
    for (_, alert) in alerts() {
        let page = alert["annotations"]["runbook_url"].as_str().unwrap();
        wanted.insert(page.trim_start_matches("ops/runbooks/").trim_end_matches(".md").to_owned());
    }
    let strangers: Vec<_> = pages().difference(&wanted).cloned().collect();
    assert!(strangers.is_empty(), "nothing leads to {strangers:?}");
}

#[test]
fn every_page_has_all_its_parts_and_is_in_the_index() {
    let index = text("ops/runbooks/README.md");
    for page in pages() {
        let text = text(&format!("ops/runbooks/{page}.md"));
        assert!(text.starts_with(&format!("# {page}\n")), "{page}");
        let headings: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, PARTS, "{page}");
        for (part, body) in PARTS.iter().zip(text.split("\n## ").skip(1)) {
            let body = body.split_once('\n').unwrap().1.trim();
            assert!(body.len() >= 7, "{page}: {part} says nothing");
        }
        assert!(index.contains(&format!("({page}.md)")), "{page} is not in the index");
    }
}

#[test]
fn every_alert_is_in_the_index() {
    let index = text("ops/runbooks/README.md");
    for (name, _) in alerts() {
        assert!(index.contains(&format!("| `{name}` |")), "{name}");
    }
}
