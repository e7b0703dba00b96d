//! The sources of the checkout.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::mask::mask;

/// The folders that hold sources.
const FOLDERS: [&str; 5] = ["workers", "shared", "ops", "schemas", "tests"];

/// What kind of text a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Sql,
}

/// A file with code, taken apart.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the root.
    pub(super) path: PathBuf,
    pub(super) language: Language,
    pub(super) text: String,
    /// The text without comments and literals, same lines.
    pub(super) code: String,
    /// The comments alone, same lines.
    pub(super) comments: String,
    /// For each line, whether it is only compiled for tests.
    in_test: Vec<bool>,
}

impl Source {
    /// Reads every source below the root, in the order of their paths.
    pub(super) fn read_all(root: &Path) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for folder in FOLDERS {
            collect(root, &root.join(folder), &mut all)?;
        }
        all.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(all)
    }

    fn new(path: PathBuf, language: Language, text: String) -> Self {
        let (code, comments) = match language {
            Language::Rust => {
                let masked = mask(&text);
                (masked.code, masked.comments)
            }
            Language::Sql => (String::new(), text.clone()),
        };
        let in_test = if is_test_file(&path) {
            vec![true; text.lines().count()]
        } else {
            lines_for_tests(&code, text.lines().count())
        };
        Self { path, language, text, code, comments, in_test }
    }

    /// Whether a line, from 1, is only compiled for tests.
    pub(super) fn is_in_test(&self, line: usize) -> bool {
        self.in_test.get(line - 1).copied().unwrap_or(false)
    }

    /// Whether this is the file of that name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.path.file_name() == Some(OsStr::new(name))
    }
}

fn collect(root: &Path, folder: &Path, all: &mut Vec<Source>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let entries =
        fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in entries {
        let path = entry.context("failed to list a folder")?.path();
        if path.is_dir() {
            if path.file_name() != Some(OsStr::new("target")) {
                collect(root, &path, all)?;
            }
            continue;
        }
        let language = match path.extension().and_then(OsStr::to_str) {
            Some("rs") => Language::Rust,
            Some("sql") => Language::Sql,
            Some(_) | None => continue,
        };
        let text = fs::read_to_string(&path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        let relative = path.strip_prefix(root).expect("the walk stays below the root");
        all.push(Source::new(relative.to_owned(), language, text));
    }
    Ok(())
}

fn is_test_file(path: &Path) -> bool {
    let folder = |name: &str| path.parent().is_some_and(|it| it.iter().any(|part| part == name));
    folder("tests") || folder("benches") || path.file_name() == Some(OsStr::new("tests.rs"))
}

/// Marks the lines of every item under `#[cfg(test)]`.
fn lines_for_tests(code: &str, count: usize) -> Vec<bool> {
    let mut marked = vec![false; count];
    for (start, attribute) in code.match_indices("#[cfg(test)]") {
        let after = start + attribute.len();
        let end = item_end(&code[after..]).map_or(code.len(), |length| after + length);
        let lines = line_of(code, start)..=line_of(code, end);
        for line in lines {
            if let Some(mark) = marked.get_mut(line - 1) {
                *mark = true;
            }
        }
    }
    marked
}

/// The line of a position, from 1.
pub(super) fn line_of(text: &str, position: usize) -> usize {
    text[..position].matches('\n').count() + 1
}

/// Where an item ends that starts here: behind its `;`, or behind the brace that closes its body.
pub(super) fn item_end(code: &str) -> Option<usize> {
    let mut brackets = 0_u32;
    let mut braces = 0_u32;
    for (position, character) in code.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return Some(position + 1);
                }
            }
            ';' if brackets == 0 && braces == 0 => return Some(position + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(path: &str, text: &str) -> Source {
        Source::new(PathBuf::from(path), Language::Rust, text.to_owned())
    }

    #[test]
    fn only_the_item_under_the_attribute_is_for_tests() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let source = rust("shared/x/src/lib.rs", text);
        let marked: Vec<bool> = (1..=6).map(|line| source.is_in_test(line)).collect();
        assert_eq!(marked, [false, true, true, true, true, false]);
    }

    #[test]
    fn a_use_under_the_attribute_ends_with_its_semicolon() {
        let source = rust("shared/x/src/lib.rs", "#[cfg(test)]\nuse a::{b, c};\nfn d() {}\n");
        assert!(source.is_in_test(2));
        assert!(!source.is_in_test(3));
    }

    #[test]
    fn test_folders_and_files_are_for_tests_as_a_whole() {
        for path in ["shared/x/tests/it/main.rs", "tests/src/lib.rs", "shared/x/src/a/tests.rs"] {
            assert!(rust(path, "fn a() {}\n").is_in_test(1), "{path}");
        }
        assert!(!rust("shared/testkit/src/lib.rs", "fn a() {}\n").is_in_test(1));
    }
}
