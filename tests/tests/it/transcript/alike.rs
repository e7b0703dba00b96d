//! What two runs of one command have in common.

use contracts::Timestamp;
use uuid::Uuid;

/// How long the binary digits of a delay are at least, each with its dot.
const DELAY: usize = 20;

/// A text with a name in place of what differs from run to run, and of any space one blank.
///
/// A column is as wide as its widest cell, and an age has two to six letters.
pub(super) fn alike(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let mut parts = String::new();
        let mut rest = word;
        while !rest.is_empty() {
            let end = rest.find(|c| !of_atom(c)).unwrap_or(rest.len());
            parts.push_str(&named(&rest[..end]));
            let next = rest[end..].find(of_atom).map_or(rest.len(), |next| end + next);
            parts.push_str(&rest[end..next]);
            rest = &rest[next..];
        }
        parts
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What ids, times and hashes are written with.
fn of_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.')
}

fn named(atom: &str) -> String {
    let (word, end) = atom.split_at(atom.trim_end_matches(['.', ':']).len());
    if word.parse::<Timestamp>().is_ok() {
        return format!("<time>{end}");
    }
    if word.starts_with("127.0.0.1:") {
        return format!("<address>{end}");
    }
    let word = undelayed(word);
    let parts = word.split(':').map(|part| kind(part).unwrap_or(part));
    parts.collect::<Vec<_>>().join(":") + end
}

/// A routing key without the digits of a delay before it: each retry waits for another time.
fn undelayed(word: &str) -> &str {
    let key = word.trim_start_matches(['0', '1', '.']);
    if word.len() - key.len() >= DELAY { key } else { word }
}

/// What a part of a text stands for, if another run has another one in its place.
fn kind(part: &str) -> Option<&'static str> {
    let hex = |digits| part.len() == digits && part.chars().all(|c| c.is_ascii_hexdigit());
    if part.len() == 36 && Uuid::try_parse(part).is_ok() {
        Some("<id>")
    } else if hex(64) {
        Some("<hash>")
    } else if hex(32) {
        Some("<trace>")
    } else if is_age(part) {
        Some("<age>")
    } else {
        None
    }
}

/// Such as `5s` or `2m10s`.
fn is_age(part: &str) -> bool {
    let mut rest = part;
    let mut units = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = rest[digits..].chars().next();
        if digits == 0 || !matches!(unit, Some('s' | 'm' | 'h' | 'd')) {
            return false;
        }
        rest = &rest[digits + 1..];
        units += 1;
    }
    (1..=2).contains(&units)
}

#[test]
fn what_differs_from_run_to_run_has_a_name() {
    let order = "00000007-0001-7000-8000-000000000000";
    let hash = "ab".repeat(32);
    for (text, expected) in [
        (format!("of  order {order}."), "of order <id>.".to_owned()),
        (format!("\"id\": \"{order}\","), "\"id\": \"<id>\",".to_owned()),
        ("begun 2026-03-01T12:00:00.25Z by ann".to_owned(), "begun <time> by ann".to_owned()),
        (format!("--expect: 17:{hash}"), "--expect: 17:<hash>".to_owned()),
        ("  3m2s   9s\n12 13x 1m2s3s".to_owned(), "<age> <age> 12 13x 1m2s3s".to_owned()),
        ("at 10/s, 20% of 20; 0.1.0".to_owned(), "at 10/s, 20% of 20; 0.1.0".to_owned()),
        ("key 0.0.0.0.0.0.0.0.0.1.0.1.orderflow.x".to_owned(), "key orderflow.x".to_owned()),
        ("at 127.0.0.1:16510: refused".to_owned(), "at <address>: refused".to_owned()),
        ("group e2f0a7b1c3d4".to_owned(), "group e2f0a7b1c3d4".to_owned()),
    ] {
        assert_eq!(alike(&text), expected);
    }
}
