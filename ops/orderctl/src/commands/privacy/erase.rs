//! `orderctl privacy erase`: stored bodies of a customer made unreadable.

use std::io;

use serde::Serialize;
use store::Database;
use store::privacy::{self, Erased, Erasure, Holdings, Obstacle, Order};

use super::nothing_held;
use crate::cli::EraseArgs;
use crate::exit::{Exit, Failure};
use crate::holdings_view::{counted, obstacle, text};
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

pub(super) async fn run(
    args: &EraseArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    let mut database = Database::connect(&config).await?;
    let held = privacy::holdings(&mut database, &args.customer).await?;
    if held.is_empty() {
        return Err(nothing_held(&args.customer));
    }
    let obstacles = Obstacle::of(&held);
    if obstacles.iter().any(|it| !(args.force && it.may_be_forced())) {
        return Err(refused(args, &obstacles));
    }
    if !args.yes {
        confirm(args, &held, console)?;
    }
    let (customer, by, reason) = (&args.customer, args.by.as_str(), args.reason.as_str());
    let order = Order { customer, by, reason, force: args.force };
    let erased = privacy::erase(&mut database, order).await?;
    database.close().await?;
    match erased {
        Erasure::Refused(obstacles) => Err(refused(args, &obstacles)),
        Erasure::Done(erased) => {
            let customer_ref = args.customer.to_string();
            console.show(&ErasedView { customer_ref, erased })?;
            Ok(Exit::Done)
        }
    }
}

/// Asks for the reference once more; a slip of the hand is not to cost anything.
fn confirm(args: &EraseArgs, held: &Holdings, console: Console) -> Result<(), Failure> {
    let customer = &args.customer;
    eprintln!("Of customer {customer} there is:\n{}", text(held, console.style()));
    eprintln!(
        "Headers and bodies of all these events and letters become unreadable, for good; in \
         backups as well, once their master key is gone.\nTo go on, type the customer's reference:"
    );
    let mut typed = String::new();
    let read = io::stdin().read_line(&mut typed);
    if read.is_ok() && typed.trim() == customer.as_str() {
        return Ok(());
    }
    let what = format!("failed to erase customer {customer}: nothing was changed");
    let next = "run this again and type the reference, or add `--yes`";
    Err(Failure::new(Exit::Failed, what, next).because("it was not confirmed"))
}

fn refused(args: &EraseArgs, obstacles: &[Obstacle]) -> Failure {
    let what = format!("failed to erase customer {}: nothing was changed", args.customer);
    let why: Vec<_> = obstacles.iter().map(obstacle).collect();
    let next = if obstacles.iter().any(|it| !it.may_be_forced()) {
        "run this again when they are decided: what is parked ends by itself"
    } else {
        "close the disputes and replay or archive the letters first; `--force` gives their bodies \
         up instead"
    };
    Failure::new(Exit::Failed, what, next).because(why.join("\n        "))
}

/// What became unreadable.
#[derive(Serialize)]
struct ErasedView {
    customer_ref: String,
    #[serde(flatten)]
    erased: Erased,
}

impl View for ErasedView {
    fn text(&self, style: Style) -> String {
        let Self { customer_ref, erased } = self;
        let title = format!("customer {customer_ref} is erased");
        let keys = counted(erased.keys_destroyed.into(), "key");
        let letters = counted(erased.letters_emptied.into(), "dead letter");
        let marks = counted(erased.marks_deleted.into(), "mark");
        let title = style.tint(Tone::Good, &title);
        format!("{title}: {keys} destroyed, {letters} emptied, {marks} deleted")
    }
}
