//! `orderctl dlq note`: what was found out about a group.

use store::Database;
use store::letters::{self, Filter};

use super::connect;
use crate::cli::NoteArgs;
use crate::exit::{Exit, Failure};
use crate::letters::group_view::NoteList;
use crate::render::Console;
use crate::settings::Settings;

pub(super) async fn run(
    args: &NoteArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut database = connect(settings).await?;
    let group = whole(&mut database, &args.group).await?;
    if let (Some(text), Some(actor)) = (&args.text, &args.actor) {
        letters::note(&mut database, actor.as_str(), &group, text.as_str()).await?;
    }
    let notes = letters::notes(&mut database, &group).await?;
    database.close().await?;
    console.show(&NoteList { group, notes })?;
    Ok(Exit::Done)
}

/// The whole fingerprint that begins so.
async fn whole(database: &mut Database, begin: &str) -> Result<String, Failure> {
    let filter: Filter = format!("group={begin}").parse().map_err(|error| {
        let next = "copy a fingerprint from `orderctl dlq groups`";
        Failure::new(Exit::Usage, format!("failed to read the group: {error}"), next)
    })?;
    let mut groups = letters::groups(database, &filter.compile(runtime::now()), 2).await?;
    let next = "copy more of its fingerprint from `orderctl dlq groups -o json`";
    match (groups.pop(), groups.pop()) {
        (Some(group), None) => Ok(group.fingerprint),
        (None, _) => {
            let what = format!("failed to find group {begin}");
            Err(Failure::new(Exit::NothingFound, what, "see all: `orderctl dlq groups`"))
        }
        (Some(_), Some(_)) => {
            let what = format!("failed to tell which group is meant: several begin with {begin}");
            Err(Failure::new(Exit::Usage, what, next))
        }
    }
}
