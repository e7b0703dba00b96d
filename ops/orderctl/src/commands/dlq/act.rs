//! `orderctl dlq archive` and `restore`.

use serde::Serialize;
use store::Database;
use store::letters::{self, Compiled, Filter};

use super::connect;
use crate::cli::{ArchiveArgs, RestoreArgs};
use crate::exit::{Exit, Failure};
use crate::letters::confirm::{Question, confirm};
use crate::letters::letters as counted;
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

/// Most groups that a question shows.
const GROUPS: i64 = 20;

pub(super) async fn archive(
    args: &ArchiveArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let filter = args.on.read()?;
    let mut database = connect(settings).await?;
    let deed = Deed { name: "archive", status: "parked", limit: args.on.limit };
    deed.asked(&mut database, &filter, args.sure.yes, console).await?;
    let compiled = filter.compile(runtime::now());
    let (said, code) = (args.said.said(), args.reason_code.as_str());
    let changed = letters::archive(&mut database, said, &compiled, code, args.on.limit).await?;
    database.close().await?;
    console.show(&Changed { action: "archived", changed })?;
    console.next("orderctl dlq stats");
    Ok(Exit::Done)
}

pub(super) async fn restore(
    args: &RestoreArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let filter = args.on.read()?;
    let mut database = connect(settings).await?;
    let deed = Deed { name: "restore", status: "archived", limit: args.on.limit };
    deed.asked(&mut database, &filter, args.sure.yes, console).await?;
    let compiled = filter.compile(runtime::now());
    let said = args.said.said();
    let changed = letters::restore(&mut database, said, &compiled, args.on.limit).await?;
    database.close().await?;
    console.show(&Changed { action: "restored", changed })?;
    console.next("orderctl dlq stats");
    Ok(Exit::Done)
}

/// Something done to letters of one status.
pub(super) struct Deed {
    /// What it is called.
    pub(super) name: &'static str,
    /// Where they stand before.
    pub(super) status: &'static str,
    /// At most so many.
    pub(super) limit: Option<i64>,
}

impl Deed {
    /// Asks about what matches now; the database has the last word on what that is.
    pub(super) async fn asked(
        &self,
        database: &mut Database,
        filter: &Filter,
        yes: bool,
        console: Console,
    ) -> Result<(), Failure> {
        let compiled = filter.clone().or_status(&[self.status]).compile(runtime::now());
        let count = self.count(database, &compiled).await?;
        if count == 0 || yes {
            return Ok(());
        }
        let groups = letters::groups(database, &compiled, GROUPS).await?;
        confirm(Question { deed: self.name, count, groups: &groups }, yes, console)
    }

    async fn count(&self, database: &mut Database, filter: &Compiled) -> Result<i64, Failure> {
        let count = letters::count(database, filter).await?;
        Ok(self.limit.map_or(count, |limit| count.min(limit)))
    }
}

/// How many letters were changed.
#[derive(Serialize)]
struct Changed {
    action: &'static str,
    changed: i64,
}

impl View for Changed {
    fn text(&self, style: Style) -> String {
        style.tint(Tone::Good, &format!("{} {}", counted(self.changed), self.action))
    }
}
