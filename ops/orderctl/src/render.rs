//! Output: data to standard output, everything else to standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Style as Ansi};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::exit::{Exit, Failure};

/// Version of the JSON that commands print; raised when a field changes or goes.
const SCHEMA_VERSION: u32 = 1;

/// Width of text that goes nowhere in particular.
const DEFAULT_WIDTH: u16 = 100;

/// Narrower than this, columns hold one word each and nothing can be read.
const LEAST_WIDTH: u16 = 40;

/// Spaces between two columns.
const COLUMN_GAP: usize = 2;

/// How results look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    Table,
    /// As table, but lists show every column that they have.
    Wide,
    /// One JSON document for programs.
    Json,
    /// JSON, one row per line.
    Ndjson,
    /// Comma-separated values by RFC 4180, for commands that list.
    Csv,
}

/// How output is to look.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Form of the result: text for people, the others for programs.
    #[arg(short, long, global = true, value_name = "FORM")]
    pub(crate) output: Option<Format>,
    /// Plain text without colours, as with `NO_COLOR`.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// No remarks on standard error, only the result and errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// A result, for people by [`View::text`] and for programs by its serialisation.
pub(crate) trait View: Serialize {
    /// The result in words and tables, without a line break at its end.
    fn text(&self, style: Style) -> String;

    /// The result as rows, if it is a list.
    fn rows(&self) -> Option<Rows> {
        None
    }
}

/// A list for programs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rows {
    /// Names of the columns.
    pub(crate) header: Vec<&'static str>,
    /// For CSV, a cell per column.
    pub(crate) cells: Vec<Vec<String>>,
    /// For NDJSON, an object per row.
    pub(crate) documents: Vec<serde_json::Value>,
}

/// The width and colours of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Columns of the terminal.
    pub(crate) width: u16,
    /// Whether to use colours.
    pub(crate) colors: bool,
}

/// What a word is to its reader; shown by colour beside the word, never instead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// A heading.
    Strong,
    /// Of less interest.
    Faint,
}

impl Style {
    /// No colours, this wide.
    #[cfg(test)]
    pub(crate) fn plain(width: u16) -> Self {
        Self { width, colors: false }
    }

    /// A text in a tone.
    pub(crate) fn tint(self, tone: Tone, text: &str) -> String {
        if !self.colors {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Strong => Ansi::new().bold(),
            Tone::Faint => Ansi::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }

    /// A table without lines if it fits, with the last column wrapped; else a block per row.
    pub(crate) fn table<const N: usize>(
        self,
        header: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> String {
        self.table_of(&header, &rows.into_iter().map(Vec::from).collect::<Vec<_>>())
    }

    /// As [`table`](Self::table), with columns that are chosen as the program runs.
    pub(crate) fn table_of(self, header: &[&str], rows: &[Vec<String>]) -> String {
        if self.fits(header, rows) { self.columns(header, rows) } else { self.blocks(header, rows) }
    }

    /// Every column of a list.
    fn wide(self, rows: &Rows) -> String {
        let titles: Vec<_> = rows.header.iter().map(|name| name.to_uppercase()).collect();
        let titles: Vec<_> = titles.iter().map(String::as_str).collect();
        self.table_of(&titles, &rows.cells)
    }

    /// Whether all columns but the last fit as they are, and every word of the last.
    fn fits(self, header: &[&str], rows: &[Vec<String>]) -> bool {
        let widest = |column: usize| {
            let cells = rows.iter().map(|row| &*row[column]).chain([header[column]]);
            let words = |cell: &str| {
                if column + 1 < header.len() {
                    return columns_of(cell);
                }
                cell.split_whitespace().map(columns_of).max().unwrap_or(0)
            };
            cells.map(words).max().unwrap_or(0) + COLUMN_GAP
        };
        (0..header.len()).map(widest).sum::<usize>() <= usize::from(self.width)
    }

    fn columns(self, header: &[&str], rows: &[Vec<String>]) -> String {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(self.width)
            .set_header(header)
            .add_rows(rows);
        for column in table.column_iter_mut().take(header.len().saturating_sub(1)) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n")
    }

    fn blocks(self, header: &[&str], rows: &[Vec<String>]) -> String {
        let names = header.iter().map(|name| columns_of(name)).max().unwrap_or(0);
        let indent = 1 + names + COLUMN_GAP;
        let line = |(name, cell): (&&str, &String)| {
            format!(" {name:names$}  {}", self.paragraph(indent, cell).trim_start())
        };
        let block = |row: &Vec<String>| header.iter().zip(row).map(line).collect::<Vec<_>>();
        rows.iter().map(|row| block(row).join("\n")).collect::<Vec<_>>().join("\n\n")
    }

    /// Text broken into lines that fit, each behind an indent.
    pub(crate) fn paragraph(self, indent: usize, text: &str) -> String {
        let room = usize::from(self.width).saturating_sub(indent).max(20);
        let mut lines = vec![String::new()];
        for word in text.split_whitespace() {
            let line = lines.last_mut().expect("there is always a line");
            if line.is_empty() {
                line.push_str(word);
            } else if columns_of(line) + 1 + columns_of(word) <= room {
                line.push(' ');
                line.push_str(word);
            } else {
                lines.push(word.to_owned());
            }
        }
        let indent = " ".repeat(indent);
        let lines: Vec<_> = lines.iter().map(|line| format!("{indent}{line}")).collect();
        lines.join("\n")
    }
}

fn columns_of(text: &str) -> usize {
    text.chars().count()
}

/// Where a command's output goes, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    output: Option<Format>,
    style: Style,
    quiet: bool,
}

impl Console {
    /// The console of this process.
    pub(crate) fn new(args: OutputArgs) -> Self {
        let width = Table::new().width().or_else(columns).unwrap_or(DEFAULT_WIDTH);
        let colors = io::stdout().is_terminal() && !args.no_color && colors_wanted();
        let style = Style { width: width.max(LEAST_WIDTH), colors };
        Self { output: args.output, style, quiet: args.quiet }
    }

    /// The width and colours of its text.
    pub(crate) fn style(self) -> Style {
        self.style
    }

    /// The form that was asked for, else this one.
    pub(crate) fn format_or(self, default: Format) -> Format {
        self.output.unwrap_or(default)
    }

    /// Prints a result in the form that was asked for; text when none was.
    pub(crate) fn show<V: View>(self, view: &V) -> Result<(), Failure> {
        match self.format_or(Format::Table) {
            Format::Table => print(&view.text(self.style)),
            Format::Wide => match view.rows().filter(|rows| !rows.cells.is_empty()) {
                Some(rows) => print(&self.style.wide(&rows)),
                None => print(&view.text(self.style)),
            },
            Format::Json => print_json(&versioned(view)),
            Format::Ndjson => match view.rows() {
                Some(rows) => rows.documents.iter().try_for_each(print_line),
                None => print_line(&versioned(view)),
            },
            Format::Csv => match view.rows() {
                Some(rows) => print_csv(&rows),
                None => Err(no_rows()),
            },
        }
    }

    /// Whether rows are printed without anything around them that could say more.
    pub(crate) fn is_lined(self) -> bool {
        matches!(self.output, Some(Format::Ndjson | Format::Csv))
    }

    /// Whether nothing but results and failures is wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Tells people, not programs, what to type next.
    pub(crate) fn next(self, command: &str) {
        if matches!(self.format_or(Format::Table), Format::Table | Format::Wide) {
            self.remark(&format!("next: {command}"));
        }
    }

    /// Says something beside the result, on standard error.
    pub(crate) fn remark(self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

/// Prints JSON in a form that is not ours to number, such as the broker's.
pub(crate) fn print_json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value);
    print(&text.expect("results have string keys and finite numbers only"))
}

/// Prints JSON as one line.
pub(crate) fn print_line<T: Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string(value);
    print(&text.expect("results have string keys and finite numbers only"))
}

/// Prints rows by RFC 4180: lines end in CR LF, quotes where they have to be.
fn print_csv(rows: &Rows) -> Result<(), Failure> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(&rows.header).expect("memory takes everything");
    for cells in &rows.cells {
        writer.write_record(cells).expect("memory takes rows of one length");
    }
    let text = writer.into_inner().expect("memory takes everything");
    let text = String::from_utf8(text).expect("cells are text");
    print_raw(&text)
}

fn no_rows() -> Failure {
    let what = "failed to print CSV: the result is no list";
    Failure::new(Exit::Usage, what, "run this again with `--output json`")
}

/// Prints text to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_raw(&format!("{text}\n"))
}

/// Prints text to standard output as it is.
fn print_raw(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            let next = "check what standard output leads to";
            let what = "failed to write the result";
            Err(Failure::new(Exit::Failed, what, next).because(error.to_string()))
        }
    }
}

/// A document of ours with the version of its form.
pub(crate) fn versioned<V: Serialize>(view: &V) -> impl Serialize {
    Versioned { schema_version: SCHEMA_VERSION, view }
}

/// Every document of ours says which form it has.
#[derive(Serialize)]
struct Versioned<'a, V> {
    schema_version: u32,
    #[serde(flatten)]
    view: &'a V,
}

fn columns() -> Option<u16> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

/// By <https://no-color.org>: any value but an empty one turns colours off.
fn colors_wanted() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_fits_and_keeps_every_word() {
        let style = Style::plain(30);
        let text = style.paragraph(4, "one two three four five six seven");
        assert_eq!(text, "    one two three four five\n    six seven");
        assert!(text.lines().all(|line| line.len() <= 30));
    }

    fn table(width: u16, id: &str) -> Vec<String> {
        let rows = [[id, "one two three four five six"], ["short", "seven"]];
        let rows = rows.map(|row| row.map(str::to_owned));
        let table = Style::plain(width).table(["ID", "WORDS"], rows);
        table.lines().map(str::to_owned).collect()
    }

    #[test]
    fn only_the_last_column_of_a_table_is_wrapped() {
        let wide = [
            " ID               WORDS",
            " fifteen-letters  one two three four five six",
            " short            seven",
        ];
        assert_eq!(table(60, "fifteen-letters"), wide);
        let narrow = table(30, "fifteen-letters");
        assert!(narrow[1].starts_with(" fifteen-letters  one"), "{narrow:?}");
        assert!(narrow.len() > 3 && narrow.iter().all(|line| line.len() <= 30), "{narrow:?}");
    }

    #[test]
    fn a_table_that_does_not_fit_becomes_blocks_with_every_word_whole() {
        let blocks = [
            " ID     an-id-of-twenty-seven-letters",
            " WORDS  one two three four five",
            "        six",
            "",
            " ID     short",
            " WORDS  seven",
        ];
        assert_eq!(table(32, "an-id-of-twenty-seven-letters"), blocks);
    }

    #[test]
    fn a_tone_is_never_all_that_tells_words_apart() {
        let colored = Style { width: 80, colors: true };
        assert!(colored.tint(Tone::Bad, "missing").contains("missing"));
        assert_eq!(Style::plain(80).tint(Tone::Bad, "missing"), "missing");
    }
}
