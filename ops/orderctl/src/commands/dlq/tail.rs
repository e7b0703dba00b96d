//! `orderctl dlq tail`: dead letters as things happen to them.

use std::collections::HashSet;
use std::time::Duration;

use contracts::Timestamp;
use store::letters::{self, LetterRow};
use tokio::time::{Instant, sleep};

use super::connect;
use crate::cli::TailArgs;
use crate::commands::replay::interrupts;
use crate::exit::{Exit, Failure};
use crate::letters::columns::{document, line};
use crate::render::{Console, Format, print, print_line};
use crate::settings::Settings;

/// How often the database is asked.
const PERIOD: Duration = Duration::from_millis(500);
/// A transaction may be seen so long after its beginning.
const OVERLAP: Duration = Duration::from_secs(10);
/// Most rows read at once.
const PAGE: i64 = 1000;

pub(super) async fn run(
    args: &TailArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let filter = args.select.read()?;
    let lined = match console.format_or(Format::Table) {
        Format::Table | Format::Wide => false,
        Format::Ndjson => true,
        Format::Json | Format::Csv => {
            let what = "failed to follow: only a table or NDJSON can be printed line by line";
            return Err(Failure::new(Exit::Usage, what, "run this again with `-o ndjson`"));
        }
    };
    let mut interrupts = interrupts()?;
    let mut database = connect(settings).await?;
    let begin = runtime::now().minus(*args.since);
    let end = args.lasting.map(|lasting| Instant::now() + lasting);
    let mut tail = Tail { begin, since: begin, seen: HashSet::new(), printed: 0, lined };
    loop {
        let compiled = filter.compile(runtime::now());
        let from = tail.since.minus(OVERLAP);
        let rows = letters::changed_since(&mut database, &compiled, from, PAGE).await?;
        for row in rows {
            tail.print(&row)?;
            if args.count.is_some_and(|count| tail.printed >= count) {
                database.close().await?;
                return Ok(Exit::Done);
            }
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            database.close().await?;
            return Ok(Exit::Done);
        }
        tokio::select! {
            () = sleep(PERIOD) => {}
            _ = interrupts.recv() => return Ok(Exit::Interrupted),
        }
    }
}

/// What was printed so far.
struct Tail {
    begin: Timestamp,
    since: Timestamp,
    seen: HashSet<(i64, Timestamp)>,
    printed: usize,
    lined: bool,
}

impl Tail {
    fn print(&mut self, row: &LetterRow) -> Result<(), Failure> {
        let at = Timestamp::from(row.status_changed_at);
        self.since = self.since.max(at);
        if at < self.begin || !self.seen.insert((row.id, at)) {
            return Ok(());
        }
        let oldest = self.since.minus(OVERLAP * 2);
        self.seen.retain(|(_, at)| *at >= oldest);
        self.printed += 1;
        if self.lined { print_line(&document(row, None, at)) } else { print(&line(row)) }
    }
}
