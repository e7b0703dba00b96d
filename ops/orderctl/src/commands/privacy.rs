//! `orderctl privacy`: what is held of a customer, and making it unreadable.

mod affected;
mod erase;
mod export;
mod rotate;

use crate::cli::PrivacyCommand;
use crate::exit::{Exit, Failure};
use crate::render::Console;
use crate::settings::Settings;

/// Runs one of the commands on customers.
pub(crate) async fn run(
    command: PrivacyCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    match command {
        PrivacyCommand::Affected(args) => affected::run(&args, settings, console).await,
        PrivacyCommand::Export(args) => export::run(&args, settings, console).await,
        PrivacyCommand::Erase(args) => erase::run(&args, settings, console).await,
        PrivacyCommand::Rotate => rotate::run(settings, console).await,
    }
}

/// There is no such customer, as far as anybody here knows.
fn nothing_held(customer: &store::privacy::CustomerRef) -> Failure {
    let what = format!("failed to find customer {customer}");
    let why = "no order, no dead letter and no erasure names it";
    let next = "check the spelling: references are compared letter by letter";
    Failure::new(Exit::NothingFound, what, next).because(why)
}
