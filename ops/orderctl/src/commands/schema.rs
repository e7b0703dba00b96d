//! `orderctl schema`: compat, asyncapi.

use std::path::Path;

use serde::Serialize;

use crate::asyncapi;
use crate::cli::{CompatArgs, SchemaCommand};
use crate::compat::{Category, Change, SchemaSet, breaking_changes};
use crate::exit::{Exit, Failure};
use crate::render::{Console, Format, Style, Tone, View, print_json};

/// Runs one of the commands on the contract.
pub(crate) fn run(command: SchemaCommand, console: Console) -> Result<Exit, Failure> {
    match command {
        SchemaCommand::Compat(args) => compat(&args, console),
        SchemaCommand::Asyncapi => {
            let document = asyncapi::document();
            match console.format_or(Format::Table) {
                Format::Json => print_json(&document)?,
                Format::Table | Format::Wide | Format::Ndjson | Format::Csv => {
                    console.show(&asyncapi::Yaml(document))?;
                }
            }
            Ok(Exit::Done)
        }
    }
}

fn compat(args: &CompatArgs, console: Console) -> Result<Exit, Failure> {
    let new = match &args.new {
        Some(folder) => SchemaSet::of_folder(folder)?,
        None => SchemaSet::built_in(),
    };
    let mut compared = Vec::new();
    for base in &args.bases {
        let folder = Path::new(base);
        let old = if folder.is_dir() {
            SchemaSet::of_folder(folder)?
        } else {
            SchemaSet::of_revision(base)?
        };
        compared.push(Compared {
            base: base.clone(),
            events: old.events().count(),
            breaking: breaking_changes(&old, &new),
        });
    }
    let safe = compared.iter().all(|it| it.breaking.is_empty());
    console.show(&Verdict { safe, compared })?;
    Ok(if safe { Exit::Done } else { Exit::Drift })
}

/// What comparing found.
#[derive(Serialize)]
struct Verdict {
    safe: bool,
    compared: Vec<Compared>,
}

/// What comparing with one base found.
#[derive(Serialize)]
struct Compared {
    base: String,
    events: usize,
    breaking: Vec<Change>,
}

impl View for Verdict {
    fn text(&self, style: Style) -> String {
        let parts: Vec<_> = self.compared.iter().map(|it| it.text(style)).collect();
        parts.join("\n\n")
    }
}

impl Compared {
    fn text(&self, style: Style) -> String {
        let compared = format!("compared {} events with {}", self.events, self.base);
        if self.breaking.is_empty() {
            return format!("{compared}: {}", style.tint(Tone::Good, "nothing breaks"));
        }
        let rows = self.breaking.iter().map(|change| {
            let category = match change.category {
                Category::Wire => "wire",
                Category::Schema => "schema",
                Category::Semantic => "semantic",
            };
            let what = format!("{}: {}", name(change), change.what);
            [category.to_owned(), change.event.clone(), change.pointer.clone(), what]
        });
        let table = style.table(["BREAKS", "EVENT", "FIELD", "CHANGE"], rows);
        let count = match self.breaking.len() {
            1 => "1 change breaks".to_owned(),
            count => format!("{count} changes break"),
        };
        format!("{table}\n\n{compared}: {}", style.tint(Tone::Bad, &count))
    }
}

/// The stable name of a rule, as in JSON.
fn name(change: &Change) -> String {
    let name = serde_json::to_value(change.rule).expect("the name of a rule is a text");
    name.as_str().unwrap_or_default().to_owned()
}
