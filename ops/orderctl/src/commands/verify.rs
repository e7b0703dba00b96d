//! `orderctl verify`: the invariants, proven on the live database.

use store::{Database, violations};

use crate::exit::{Exit, Failure};
use crate::invariants::Findings;
use crate::render::Console;
use crate::settings::Settings;

/// Checks every invariant as of one moment of the database.
pub(crate) async fn run(settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    let mut database = Database::connect(&config).await?;
    let found = violations::all(&mut database).await?;
    database.close().await?;
    let findings = Findings::new(found);
    console.show(&findings)?;
    if findings.all_hold() {
        return Ok(Exit::Done);
    }
    console.remark("what happened to an order is told by `orderctl order show ID`");
    Ok(Exit::Drift)
}
