//! `orderctl dlq stats`, `groups`, `list` and `search`.

use store::Database;
use store::letters::{self, Filter, Page};

use super::{connect, open};
use crate::cli::{GroupsArgs, ListArgs, PageArgs, SearchArgs, StatsArgs};
use crate::exit::{Exit, Failure};
use crate::letters::columns::{LetterList, chosen};
use crate::letters::group_view::{GroupList, Stats};
use crate::letters::short;
use crate::render::Console;
use crate::settings::Settings;

pub(super) async fn stats(
    args: &StatsArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let filter = open(args.select.read()?);
    let now = runtime::now();
    let mut database = connect(settings).await?;
    let rows = letters::stats(&mut database, &filter.compile(now)).await?;
    database.close().await?;
    let empty = rows.is_empty();
    console.show(&Stats::new(rows, now))?;
    if !empty {
        console.next("orderctl dlq groups");
    }
    Ok(Exit::Done)
}

pub(super) async fn groups(
    args: &GroupsArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let filter = open(args.select.read()?);
    let now = runtime::now();
    let mut database = connect(settings).await?;
    let rows = letters::groups(&mut database, &filter.compile(now), args.limit).await?;
    database.close().await?;
    let largest = rows.first().map(|row| short(&row.fingerprint).to_owned());
    let empty = rows.is_empty();
    console.show(&GroupList::new(rows, now))?;
    if let Some(group) = largest {
        console.next(&format!("orderctl dlq list --group {group}"));
    }
    Ok(if empty && args.fail_if_empty { Exit::NothingFound } else { Exit::Done })
}

pub(super) async fn list(
    args: &ListArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    page(open(args.select.read()?), &args.page, settings, console).await
}

pub(super) async fn search(
    args: &SearchArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    page(Filter::of_words(&args.words), &args.page, settings, console).await
}

async fn page(
    filter: Filter,
    args: &PageArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let columns = chosen(&args.columns)?;
    let now = runtime::now();
    let mut database: Database = connect(settings).await?;
    let filter = filter.compile(now);
    let total = letters::count(&mut database, &filter).await?;
    // One more than a page tells whether there is another.
    let page = Page { before: args.before, limit: args.limit + 1 };
    let mut rows = letters::list(&mut database, &filter, page).await?;
    database.close().await?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let full = rows.len() > limit;
    rows.truncate(limit);
    let first = rows.first().map(|row| row.id);
    let list = LetterList::new(rows, total, full, columns, now);
    let more = list.next_before();
    console.show(&list)?;
    if let (Some(before), true) = (more, console.is_lined()) {
        console.remark(&format!("there are more: --before {before}"));
    }
    if let Some(id) = first {
        console.next(&format!("orderctl dlq show {id}"));
    }
    Ok(if first.is_none() && args.fail_if_empty { Exit::NothingFound } else { Exit::Done })
}
