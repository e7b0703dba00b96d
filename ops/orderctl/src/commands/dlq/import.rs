//! `orderctl dlq import`: letters of an export, parked again.

use serde::Serialize;
use store::dead_letters::DeadLetter;
use store::letters;

use super::{connect, text_of};
use crate::cli::ImportArgs;
use crate::exit::{Exit, Failure};
use crate::letters::confirm::{Question, confirm};
use crate::letters::exported::{Exported, Readable, Unimportable};
use crate::letters::letters as counted;
use crate::progress::Bar;
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

/// Letters parked in one transaction.
const BATCH: usize = 200;

pub(super) async fn run(
    args: &ImportArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let next = "name a file that `orderctl dlq export` wrote, or `-` for standard input";
    let text = text_of(&args.file, next)?;
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    let mut readable: Vec<Readable> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match read(line) {
            Ok(letter) => readable.push(letter),
            Err(why) => report.refuse(index + 1, &why),
        }
    }
    report.letters = readable.len();
    if report.refused.iter().any(|it| it.wrong) {
        console.show(&report)?;
        let what = "failed to import: nothing was changed";
        let next = "take a file that `orderctl dlq export` wrote, and leave it as it is";
        return Err(Failure::new(Exit::Failed, what, next).because("lines of it are not readable"));
    }
    if !args.dry_run && !readable.is_empty() {
        let count = i64::try_from(readable.len()).unwrap_or(i64::MAX);
        confirm(Question { deed: "import", count, groups: &[] }, args.sure.yes, console)?;
        let mut database = connect(settings).await?;
        let bar = Bar::begin(count, 0, console.is_quiet());
        let mut done = 0;
        for batch in readable.chunks(BATCH) {
            let rows: Vec<DeadLetter<'_>> = batch.iter().map(Readable::letter).collect();
            letters::import(&mut database, args.said.said(), &rows).await?;
            done += i64::try_from(batch.len()).unwrap_or(i64::MAX);
            bar.at(done, "letters");
        }
        database.close().await?;
    }
    console.show(&report)?;
    Ok(if report.refused.is_empty() { Exit::Done } else { Exit::Drift })
}

fn read(line: &str) -> Result<Readable, Unimportable> {
    let exported: Exported =
        serde_json::from_str(line).or(Err(Unimportable::Wrong("form: it is no such line")))?;
    exported.readable()
}

/// What a file held.
#[derive(Default, Serialize)]
struct Report {
    dry_run: bool,
    letters: usize,
    refused: Vec<Refused>,
}

/// A line that is not imported.
#[derive(Serialize)]
struct Refused {
    line: usize,
    /// Whether the file is damaged, rather than the letter without content.
    wrong: bool,
    why: String,
}

impl Report {
    fn refuse(&mut self, line: usize, why: &Unimportable) {
        let (wrong, why) = match why {
            Unimportable::NoContent(why) => (false, format!("it has no headers and body: {why}")),
            Unimportable::Wrong(part) => (true, format!("its {part} cannot be read")),
        };
        self.refused.push(Refused { line, wrong, why });
    }
}

impl View for Report {
    fn text(&self, style: Style) -> String {
        let refused = self
            .refused
            .iter()
            .map(|it| style.tint(Tone::Bad, &format!("line {}: {}", it.line, it.why)));
        let mut lines: Vec<_> = refused.collect();
        let letters = counted(i64::try_from(self.letters).unwrap_or(i64::MAX));
        let done = if self.dry_run { "can be imported; nothing was changed" } else { "parked" };
        lines.push(format!("{letters} {done}, {} left out", self.refused.len()));
        lines.join("\n")
    }
}
