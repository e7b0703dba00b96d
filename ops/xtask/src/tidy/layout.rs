//! What lies where, and what it is called.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use super::source::Source;

/// What may lie at the root besides files whose name starts with a dot.
const ROOT: [&str; 12] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "clippy.toml",
    "workers",
    "shared",
    "schemas",
    "ops",
    "tests",
    // Build output, which is never committed.
    "target",
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 11] = [
    "common", "factory", "helper", "helpers", "manager", "managers", "misc", "service", "util",
    "utils", "stuff",
];

/// Checks the root and the schemas.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = root_entries(root)?;
    findings.extend(schema_examples(root)?);
    Ok(findings)
}

fn root_entries(root: &Path) -> Result<Vec<Finding>> {
    let is_allowed =
        |name: &str| name.starts_with('.') || name.starts_with("LICENSE-") || ROOT.contains(&name);
    let strangers = names(root)?.into_iter().filter(|name| !is_allowed(name));
    let finding = |name: String| {
        let advice = "not one of the entries at the root: move it to the folder it belongs to";
        Finding::new(name, 1, "root-entry", advice.to_owned())
    };
    Ok(strangers.map(finding).collect())
}

/// Checks that a module is named after its subject.
pub(super) fn check_name(source: &Source) -> Vec<Finding> {
    let file = source.path.file_stem().and_then(OsStr::to_str);
    let folder = source.path.parent().and_then(Path::file_name).and_then(OsStr::to_str);
    // A folder is reported once, at its own module file.
    let folder = folder.filter(|_| source.is_named("mod.rs") || source.is_named("lib.rs"));
    let empty = [file, folder].into_iter().flatten().find(|name| EMPTY_NAMES.contains(name));
    let finding = |name: &str| {
        let advice = format!("`{name}` says nothing: name it after its subject");
        Finding::new(&source.path, 1, "module-name", advice)
    };
    empty.map(finding).into_iter().collect()
}

/// Each event has examples that show what is taken and what is refused.
fn schema_examples(root: &Path) -> Result<Vec<Finding>> {
    let folder = Path::new("schemas/events");
    let mut findings = Vec::new();
    for name in names(&root.join(folder))? {
        // What has no dot is shared by several events.
        let event = name.strip_suffix(".schema.json").filter(|event| event.contains('.'));
        let Some(event) = event else { continue };
        for kind in ["valid", "invalid"] {
            let examples = folder.join("examples").join(kind).join(event);
            let found = names(&root.join(&examples))?;
            if !found.iter().any(|name| Path::new(name).extension() == Some(OsStr::new("json"))) {
                let advice = format!("no {kind} example: put one into {}", examples.display());
                findings.push(Finding::new(folder.join(&name), 1, "schema-example", advice));
            }
        }
    }
    Ok(findings)
}

/// The names in a folder; none if it does not exist.
fn names(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let list = || -> std::io::Result<Vec<String>> {
        let entries = fs::read_dir(folder)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    list().with_context(|| format!("failed to list {}", folder.display()))
}
