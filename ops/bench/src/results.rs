//! A finished part: what was measured, where and how, for tables, files and plots.

use std::fs;

use anyhow::{Context as _, Result};
use comfy_table::presets::{ASCII_MARKDOWN, UTF8_BORDERS_ONLY};
use comfy_table::{CellAlignment, Table};
use serde::{Deserialize, Serialize};
use std::io::{IsTerminal as _, stdout};

use crate::site::output_folder;

/// What every part gives.
pub(crate) trait Figures: Serialize {
    /// Name of the part, and of its file.
    const PART: &'static str;

    /// Its rows under a header; the first column is left-aligned, all others right-aligned.
    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>);

    /// What a reader has to know beside the table.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The circumstances of a measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Circumstances {
    /// How the program was called.
    pub(crate) command: String,
    /// Whether it was the short form.
    pub(crate) short: bool,
    /// The seed of the mix.
    pub(crate) seed: u64,
    /// Rounds of what is repeated.
    pub(crate) rounds: usize,
    /// Cores of the machine, which broker, database and workers share.
    pub(crate) cores: usize,
    /// The load average of one minute before the part began.
    pub(crate) load_before: f64,
    /// The same when it had ended.
    pub(crate) load_after: f64,
}

/// The load average of one minute; zero where the system does not say.
pub(crate) fn load() -> f64 {
    let line = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    line.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

/// A part with its circumstances, as it is written to its file.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a, F> {
    schema_version: u32,
    part: &'static str,
    circumstances: &'a Circumstances,
    figures: &'a F,
}

/// Shows a part, writes its file, and returns it for programs.
pub(crate) fn publish<F: Figures>(
    figures: &F,
    circumstances: &Circumstances,
    show: bool,
) -> Result<serde_json::Value> {
    let report = Report { schema_version: 1, part: F::PART, circumstances, figures };
    let value = serde_json::to_value(&report)?;
    let folder = output_folder();
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.json", F::PART));
    fs::write(&file, serde_json::to_string_pretty(&value)?)
        .with_context(|| format!("failed to write {}", file.display()))?;
    if show {
        let Circumstances { cores, rounds, load_before, load_after, .. } = circumstances;
        println!("\n{}", F::PART);
        println!("{}", table(figures, stdout().is_terminal()));
        for note in figures.notes() {
            println!("{note}");
        }
        println!(
            "{cores} cores for all, load {load_before:.1} to {load_after:.1}, {rounds} rounds; {}",
            file.display()
        );
    }
    Ok(value)
}

fn table<F: Figures>(figures: &F, terminal: bool) -> Table {
    let (header, rows) = figures.rows();
    let mut table = Table::new();
    table.load_style(if terminal { UTF8_BORDERS_ONLY } else { ASCII_MARKDOWN });
    let columns = header.len();
    table.set_header(header).add_rows(rows);
    for column in 1..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A number as it is read best: three digits, thousands apart.
pub(crate) fn number(value: f64) -> String {
    if value.abs() < 10.0 {
        return format!("{value:.2}");
    }
    if value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_apart_and_few_digits() {
        let cases = [
            (0.514, "0.51"),
            (12.34, "12.3"),
            (999.4, "999"),
            (1_234.0, "1,234"),
            (1_234_567.0, "1,234,567"),
            (-123_456.0, "-123,456"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
    }
}
