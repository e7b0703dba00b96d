//! `orderctl event`: sample, validate, publish.

mod publish;
mod published;
mod sample;
mod validate;

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::cli::{EventCommand, WireArgs};
use crate::events::Validator;
use crate::exit::{Exit, Failure};
use crate::render::Console;
use crate::settings::Settings;

/// Runs one of the commands on events.
pub(crate) async fn run(
    command: EventCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    match command {
        EventCommand::Sample(args) => sample::run(&args, console),
        EventCommand::Validate(args) => validate::run(&args, settings, console),
        EventCommand::Publish(args) => publish::run(&args, settings, console).await,
    }
}

/// A validator of messages sent in this way.
fn validator(wire: &WireArgs, limits: contracts::Limits) -> Validator {
    let WireArgs { content_type, headers } = wire.clone();
    Validator { limits, event: None, content_type, headers }
}

/// The name of a file in what is said about it.
fn shown(file: &Path) -> String {
    if is_stdin(file) { "standard input".to_owned() } else { file.display().to_string() }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The content of a file, or of standard input.
fn content(file: &Path) -> Result<Vec<u8>, Failure> {
    let read = if is_stdin(file) {
        let mut content = Vec::new();
        io::stdin().lock().read_to_end(&mut content).map(|_bytes| content)
    } else {
        fs::read(file)
    };
    read.map_err(|error| {
        let what = format!("failed to read {}", shown(file));
        let next = "name a file of JSON, or `-` for standard input; `orderctl event sample \
                    order.created` prints an example";
        Failure::new(Exit::Failed, what, next).because(error.to_string())
    })
}
