//! `orderctl dlq export`: dead letters as lines of a file, byte for byte.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use contracts::BoundedText;
use store::Database;
use store::letters::{self, Compiled, LetterContent, LetterRow, Page, Purpose};

use super::connect;
use crate::cli::ExportLettersArgs;
use crate::exit::{Exit, Failure};
use crate::letters::exported::Exported;
use crate::letters::plan_check::Judge;
use crate::letters::{letters as counted, redaction};
use crate::progress::Bar;
use crate::render::Console;
use crate::settings::Settings;

/// Letters read at once.
const PAGE: i64 = 1000;

pub(super) async fn run(
    args: &ExportLettersArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let filter = args.select.read()?;
    let mut read = settings.read();
    let Some(limits) = read.limits() else { return Err(read.refusal().into()) };
    let mut database = connect(settings).await?;
    let compiled = filter.compile(runtime::now());
    let total = letters::count(&mut database, &compiled).await?;
    let mut out = Output::open(&args.file)?;
    let reason = args.reason.as_ref().map(BoundedText::as_str).unwrap_or_default();
    let actor = args.looker.name();
    let groups = letters::groups(&mut database, &compiled, i64::MAX).await?;
    let patterns = groups.into_iter().map(|group| (group.fingerprint, group.detail_pattern));
    let mut export = Export {
        database: &mut database,
        actor: &actor,
        reason,
        patterns: patterns.collect(),
        written: 0,
        closed: 0,
    };
    let redact = args.redact.then_some(Judge { limits });
    let bar = Bar::begin(total, 0, console.is_quiet());
    export.run(&compiled, redact.as_ref(), &mut out, &bar).await?;
    drop(bar);
    out.finish()?;
    let (written, closed) = (export.written, export.closed);
    database.close().await?;
    console.remark(&format!("{} written", counted(written)));
    if closed == 0 {
        return Ok(Exit::Done);
    }
    let what = format!("{} written without headers and body", counted(closed));
    let next = "set ORDERFLOW_KEY_FILE to the key file of the workers, then run this again";
    Err(Failure::new(Exit::Drift, what, next).because("they are sealed, and the key is not here"))
}

/// An export on its way.
struct Export<'a> {
    database: &'a mut Database,
    actor: &'a str,
    reason: &'a str,
    /// By fingerprint, what the letters of a group have in common.
    patterns: HashMap<String, String>,
    written: i64,
    /// Written without content for want of a key.
    closed: i64,
}

impl Export<'_> {
    async fn run(
        &mut self,
        filter: &Compiled,
        redact: Option<&Judge>,
        out: &mut Output,
        bar: &Bar,
    ) -> Result<(), Failure> {
        let mut before = None;
        loop {
            let page = Page { before, limit: PAGE };
            let rows = letters::list(self.database, filter, page).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            before = Some(last.id);
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let (actor, reason) = (self.actor, self.reason);
            let purpose = Purpose::Export;
            let read = letters::content(self.database, actor, reason, purpose, &ids).await?;
            let mut contents: HashMap<i64, LetterContent> =
                read.into_iter().map(|content| (content.id, content)).collect();
            for row in &rows {
                let line = self.line(row, contents.remove(&row.id), redact);
                out.line(&serde_json::to_string(&line).expect("lines have text keys"))?;
                self.written += 1;
            }
            bar.at(self.written, "letters");
        }
    }

    fn line(
        &mut self,
        row: &LetterRow,
        content: Option<LetterContent>,
        redact: Option<&Judge>,
    ) -> Exported {
        let detail_pattern = self.patterns.get(&row.fingerprint).cloned();
        let line = Exported { detail_pattern, ..Exported::of(row) };
        let Some(LetterContent { properties, content, .. }) = content else { return line };
        match (content, redact) {
            (Ok(content), None) => line.with(content.headers_json.as_deref(), &content.body),
            (Ok(content), Some(judge)) => {
                let judged = judge.judge(&properties, &content);
                let (at, problems) = (judged.at, &judged.problems);
                let body = redaction::body(judged.kind, &content.body, at, problems);
                let missing = Some("redacted".to_owned());
                Exported { redacted_body: Some(body), missing, ..line }
            }
            (Err(unreadable), _) => {
                self.closed += 1;
                Exported { missing: Some(unreadable.code().to_owned()), ..line }
            }
        }
    }
}

/// Where lines go.
pub(super) struct Output {
    to: BufWriter<Box<dyn Write>>,
    name: String,
}

impl Output {
    /// A file, or standard output.
    pub(super) fn open(file: &Path) -> Result<Self, Failure> {
        if file.as_os_str() == "-" {
            let to = BufWriter::new(Box::new(io::stdout()) as Box<dyn Write>);
            return Ok(Self { to, name: "standard output".to_owned() });
        }
        let name = file.display().to_string();
        match File::create(file) {
            Ok(file) => Ok(Self { to: BufWriter::new(Box::new(file) as Box<dyn Write>), name }),
            Err(error) => Err(not_written(&name, &error)),
        }
    }

    /// Writes a line.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.to, "{text}").map_err(|error| not_written(&self.name, &error))
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.to.flush().map_err(|error| not_written(&self.name, &error))
    }
}

fn not_written(name: &str, error: &io::Error) -> Failure {
    let what = format!("failed to write to {name}");
    Failure::new(Exit::Failed, what, "name a file that can be written: `--file FILE`")
        .because(error.to_string())
}
