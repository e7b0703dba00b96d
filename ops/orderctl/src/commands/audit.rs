//! `orderctl audit`: what people did, and the proof that none of it was changed.

use store::audit::{self, Wanted};

use crate::cli::{AuditCommand, AuditListArgs, AuditVerifyArgs};
use crate::commands::dlq::connect;
use crate::exit::{Exit, Failure};
use crate::letters::audit_view::{AuditList, ChainView};
use crate::render::Console;
use crate::settings::Settings;

/// Runs one of the commands on the audit.
pub(crate) async fn run(
    command: AuditCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    match command {
        AuditCommand::List(args) => list(&args, settings, console).await,
        AuditCommand::Verify(args) => verify(&args, settings, console).await,
    }
}

async fn list(
    args: &AuditListArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut database = connect(settings).await?;
    let wanted = Wanted {
        actor: args.by.as_deref(),
        action: args.action.as_deref(),
        object: args.object.as_deref(),
        since: args.since,
        until: args.until,
        id: None,
        before: args.before,
    };
    // One more than a page tells whether there is another.
    let mut rows = audit::list(&mut database, wanted, args.limit + 1).await?;
    database.close().await?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let full = rows.len() > limit;
    rows.truncate(limit);
    console.show(&AuditList::new(rows, full))?;
    console.next("orderctl audit verify");
    Ok(Exit::Done)
}

async fn verify(
    args: &AuditVerifyArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut database = connect(settings).await?;
    let checked = audit::verify(&mut database).await?;
    let mut against_expected = None;
    if let Some((id, hash)) = &args.expect {
        let wanted = Wanted { id: Some(*id), ..Wanted::default() };
        let row = audit::list(&mut database, wanted, 1).await?.into_iter().next();
        against_expected = match row {
            Some(row) if row.hash == *hash => None,
            Some(_) => Some(format!("row {id} is another one than was noted")),
            None => Some(format!("row {id} is gone: the end was cut off")),
        };
    }
    database.close().await?;
    let whole = checked.broken_id.is_none() && against_expected.is_none();
    console.show(&ChainView { whole, checked, against_expected })?;
    Ok(if whole { Exit::Done } else { Exit::Drift })
}
