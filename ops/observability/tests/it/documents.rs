//! What documents point to is there.

use std::path::{Path, PathBuf};

use crate::files::{files, root, text};

/// The folders of documents.
const FOLDERS: [&str; 3] = ["ops/docs", "ops/docs/adr", "ops/runbooks"];
/// What paths in documents begin with.
const TOPS: [&str; 5] = ["ops/", "schemas/", "shared/", "tests/", "workers/"];

fn documents() -> Vec<String> {
    let listed = FOLDERS.iter().flat_map(|folder| files(folder, ".md"));
    listed.chain(["README.md".to_owned()]).collect()
}

/// The targets of links within the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.split('#').next().unwrap_or_default());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

/// Files that are named in code marks, from the root on.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let marked = text.split('`').skip(1).step_by(2);
    marked.filter(|word| {
        let is_path = TOPS.iter().any(|top| word.starts_with(top));
        let plain = |it: char| it.is_ascii_alphanumeric() || "/._-@".contains(it);
        is_path && word.chars().all(plain) && Path::new(word).extension().is_some()
    })
}

#[test]
fn every_link_leads_to_a_file() {
    let (mut seen, mut broken) = (0, Vec::new());
    for document in documents() {
        let folder = root().join(&document).parent().map(PathBuf::from).unwrap_or_default();
        for target in links(&text(&document)) {
            seen += 1;
            if !folder.join(target).exists() {
                broken.push(format!("{document}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(seen > 150, "only {seen} links were looked at");
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let (mut seen, mut missing) = (0, Vec::new());
    for document in documents() {
        for path in paths(&text(&document)) {
            seen += 1;
            if !root().join(path).exists() {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(seen > 20, "only {seen} files were looked at");
}
