//! `orderctl replay`: follow and steer replays.

use std::time::Duration;

use store::Database;
use store::letters::{self, BatchRow};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use crate::cli::{CancelArgs, ReplayCommand, ReplayListArgs};
use crate::commands::dlq::connect;
use crate::exit::{Exit, Failure};
use crate::letters::batch_view::{BatchList, BatchView, progress, state};
use crate::progress::Bar;
use crate::render::Console;
use crate::settings::Settings;

/// How often a replay is looked at.
const PERIOD: Duration = Duration::from_millis(300);
/// How many looks pass between two counts of new failures.
const LOOKS: u32 = 10;

/// Runs one of the commands on replays.
pub(crate) async fn run(
    command: ReplayCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut database = connect(settings).await?;
    match command {
        ReplayCommand::List(args) => list(args, &mut database, console).await,
        ReplayCommand::Show(args) => {
            show(&mut database, args.batch, console).await?;
            Ok(Exit::Done)
        }
        ReplayCommand::Watch(args) => {
            follow(&mut database, args.batch, interrupts()?, console).await
        }
        ReplayCommand::Pause(args) => {
            letters::pause(&mut database, args.said.said(), args.batch).await?;
            detached(&mut database, args.batch, console).await
        }
        ReplayCommand::Resume(args) => {
            letters::resume(&mut database, args.said.said(), args.batch).await?;
            detached(&mut database, args.batch, console).await
        }
        ReplayCommand::Cancel(args) => cancel(&args, &mut database, console).await,
    }
}

async fn list(
    args: ReplayListArgs,
    database: &mut Database,
    console: Console,
) -> Result<Exit, Failure> {
    let rows = letters::batches(database, None, args.open, args.limit).await?;
    let newest = rows.first().map(|row| row.id);
    console.show(&BatchList::new(rows, runtime::now()))?;
    if let Some(batch) = newest {
        console.next(&format!("orderctl replay show {batch}"));
    }
    Ok(Exit::Done)
}

async fn cancel(
    args: &CancelArgs,
    database: &mut Database,
    console: Console,
) -> Result<Exit, Failure> {
    let batch = args.steer.batch;
    let said = args.steer.said.said();
    let released = letters::cancel(database, said, batch, args.release_sent).await?;
    console.remark(&format!("{} parked again", crate::letters::letters(released)));
    detached(database, batch, console).await
}

/// Prints a replay, and how to come back to it while it is not over.
pub(crate) async fn detached(
    database: &mut Database,
    batch: i64,
    console: Console,
) -> Result<Exit, Failure> {
    let row = show(database, batch, console).await?;
    if !row.is_over() {
        console.remark(&format!("to follow it: orderctl replay watch {batch}"));
    }
    Ok(Exit::Done)
}

async fn find(database: &mut Database, batch: i64) -> Result<BatchRow, Failure> {
    let rows = letters::batches(database, Some(batch), false, 1).await?;
    rows.into_iter().next().ok_or_else(|| {
        let what = format!("failed to find replay {batch}");
        let next = "see what there is: `orderctl replay list`";
        Failure::new(Exit::NothingFound, what, next).because("no replay has this number")
    })
}

async fn show(database: &mut Database, batch: i64, console: Console) -> Result<BatchRow, Failure> {
    let row = find(database, batch).await?;
    let outcomes = letters::outcomes(database, batch).await?;
    let new_since_start = letters::new_since_start(database, batch).await?;
    console.show(&BatchView { batch: row.clone(), outcomes, new_since_start })?;
    Ok(row)
}

/// Ctrl-C, heard from now on: also while something else is waited for.
pub(crate) fn interrupts() -> Result<Signal, Failure> {
    signal(SignalKind::interrupt()).map_err(|error| {
        let next = "run this again with `--detach`, then `orderctl replay show`";
        Failure::new(Exit::Failed, "failed to listen for Ctrl-C", next).because(error.to_string())
    })
}

/// Follows a replay until nothing more becomes of it by itself; Ctrl-C ends the following only.
pub(crate) async fn follow(
    database: &mut Database,
    batch: i64,
    mut interrupts: Signal,
    console: Console,
) -> Result<Exit, Failure> {
    let mut row = find(database, batch).await?;
    let bar = Bar::begin(row.selected.into(), row.ended(), console.is_quiet());
    let (mut looks, mut new_failures) = (0, 0);
    while !(row.is_over() || row.state == "stopped") {
        bar.at(row.ended(), &progress(&row, new_failures));
        tokio::select! {
            () = sleep(PERIOD) => {}
            _ = interrupts.recv() => {
                drop(bar);
                eprintln!(
                    "replay {batch} goes on without being watched\n  next: orderctl replay watch \
                     {batch}"
                );
                return Ok(Exit::Interrupted);
            }
        }
        row = find(database, batch).await?;
        looks += 1;
        if looks % LOOKS == 0 {
            new_failures = letters::new_since_start(database, batch).await?;
        }
    }
    drop(bar);
    let row = show(database, batch, console).await?;
    Ok(ended(&row, console))
}

fn ended(row: &BatchRow, console: Console) -> Exit {
    let batch = row.id;
    if row.state == "stopped" {
        let first = match row.stopped_because.as_deref() {
            Some("target-gone") => "declare its queue: orderctl topology apply".to_owned(),
            _ => format!("what failed: orderctl dlq list batch={batch} status=parked"),
        };
        console.remark(&format!(
            "replay {batch} is {}; {first}; to go on: orderctl replay resume {batch} --reason TEXT",
            state(row)
        ));
        return Exit::Refused;
    }
    if row.resolved == i64::from(row.selected) {
        console.next(&format!("orderctl audit list --object replay:{batch}"));
        return Exit::Done;
    }
    console.remark(&format!(
        "{} of {} did not succeed; which: orderctl dlq list batch={batch} status=parked",
        i64::from(row.selected) - row.resolved,
        row.selected
    ));
    Exit::Drift
}
