//! `orderctl privacy rotate`: every stored key under the current master key.

use serde::Serialize;
use store::{Database, DatabaseConfig, vault};

use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let (config, keys) = (read.database(), read.keys());
    let (Some(config), Some(keys)) = (config, keys) else { return Err(read.refusal().into()) };
    let current = keys.current_name().unwrap_or_default().to_owned();
    let mut database = Database::connect(&DatabaseConfig { keys, ..config }).await?;
    let rotated = vault::rotate(&mut database).await?;
    database.close().await?;
    console.show(&Rotated { current, rotated })?;
    console.remark("once every process runs with this file, its other master keys may go");
    Ok(Exit::Done)
}

/// How many keys were wrapped anew.
#[derive(Serialize)]
struct Rotated {
    current: String,
    rotated: u64,
}

impl View for Rotated {
    fn text(&self, style: Style) -> String {
        let Self { current, rotated } = self;
        let text = match rotated {
            0 => format!("every key is wrapped with {current} already"),
            1 => format!("1 key wrapped anew with {current}"),
            count => format!("{count} keys wrapped anew with {current}"),
        };
        style.tint(Tone::Good, &text)
    }
}
