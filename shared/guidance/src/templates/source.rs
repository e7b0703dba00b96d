//! Where template files come from: the program, or a folder of the operator.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::problem::{Defect, Problem};

/// The template files of one locale.
#[derive(Debug)]
pub(super) struct Source {
    /// The name of its folder.
    pub(super) locale: String,
    /// Its files: where they are, and what they say.
    pub(super) files: Vec<(String, String)>,
}

/// Declares the files that are part of the program.
macro_rules! built_in {
    ($($locale:literal: $($file:literal)+;)+) => {
        vec![$(Source {
            locale: $locale.to_owned(),
            files: vec![$((
                concat!($locale, "/", $file).to_owned(),
                include_str!(concat!("../../templates/", $locale, "/", $file)).to_owned(),
            ),)+],
        },)+]
    };
}

/// The templates that are part of the program.
pub(super) fn built_in() -> Vec<Source> {
    built_in! {
        "en": "customers.ftl" "disputes.ftl" "orders.ftl" "payments.ftl" "refunds.ftl";
        "es": "customers.ftl" "disputes.ftl" "orders.ftl" "payments.ftl" "refunds.ftl";
        "zh-Hans": "customers.ftl" "disputes.ftl" "orders.ftl" "payments.ftl" "refunds.ftl";
    }
}

/// The templates of a folder; everything that cannot be read is a problem.
pub(super) fn read(folder: &Path) -> Result<Vec<Source>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    for locale in entries(folder, &mut problems) {
        // Notes of the operator may lie beside the folders.
        if !locale.is_dir() {
            continue;
        }
        let mut files = Vec::new();
        for file in entries(&locale, &mut problems) {
            if file.extension() != Some(OsStr::new("ftl")) {
                continue;
            }
            match fs::read_to_string(&file) {
                Ok(text) => files.push((file.display().to_string(), text)),
                Err(error) => problems.push(unreadable(&file, &error)),
            }
        }
        let name = locale.file_name().unwrap_or_default().to_string_lossy().into_owned();
        sources.push(Source { locale: name, files });
    }
    if problems.is_empty() { Ok(sources) } else { Err(problems) }
}

/// What lies in a folder, by name.
fn entries(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()
    });
    let mut paths = read.unwrap_or_else(|error| {
        problems.push(unreadable(folder, &error));
        Vec::new()
    });
    paths.sort();
    paths
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::at(path.display().to_string(), Defect::Unreadable(error.to_string()))
}
