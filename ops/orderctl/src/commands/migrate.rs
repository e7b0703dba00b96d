//! `orderctl migrate`: the database's schema.

use serde::Serialize;
use store::SchemaVersion;

use crate::cli::MigrateCommand;
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

/// Runs one of the commands on the schema.
pub(crate) async fn run(
    command: MigrateCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    let before = store::schema_version(&config).await?;
    let after = match command {
        MigrateCommand::Up => store::migrate(&config).await?,
        MigrateCommand::Status => before,
    };
    let schema = Schema::new(before, after);
    console.show(&schema)?;
    Ok(if schema.current { Exit::Done } else { Exit::Drift })
}

/// How far the database is migrated.
#[derive(Serialize)]
struct Schema {
    before: i64,
    version: i64,
    known: i64,
    current: bool,
}

impl Schema {
    fn new(before: SchemaVersion, after: SchemaVersion) -> Self {
        let (version, known) = (after.applied, after.known);
        Self { before: before.applied, version, known, current: after.is_current() }
    }
}

impl View for Schema {
    fn text(&self, style: Style) -> String {
        let Self { before, version, known, current } = *self;
        if !current {
            let text = format!("schema version {version}, this program needs {known}");
            let next = "bring it up to date: `orderctl migrate up`";
            return format!("{}\n{next}", style.tint(Tone::Bad, &text));
        }
        let moved = match version - before {
            0 => "nothing to apply".to_owned(),
            1 => "1 migration applied".to_owned(),
            count => format!("{count} migrations applied"),
        };
        style.tint(Tone::Good, &format!("schema version {version}: {moved}"))
    }
}
