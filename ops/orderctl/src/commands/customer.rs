//! `orderctl customer`: what is noted of a customer, and taking it back.

mod consent;

use store::customers;
use store::privacy::CustomerRef;
use store::{Database, DatabaseConfig};

use crate::cli::{CustomerCommand, CustomerShowArgs, LiftArgs, LiftFlagArgs};
use crate::customer_view::CustomerView;
use crate::exit::{Exit, Failure};
use crate::render::Console;
use crate::settings::Settings;

/// Runs one of the commands on customers.
pub(crate) async fn run(
    command: CustomerCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    match command {
        CustomerCommand::WithdrawConsent(args) => consent::withdraw(&args, settings, console).await,
        CustomerCommand::Show(args) => show(args, &config, console).await,
        CustomerCommand::LiftFlag(args) => lift_flag(args, &config, console).await,
        CustomerCommand::Lift(args) => lift(args, &config, console).await,
    }
}

async fn show(
    args: CustomerShowArgs,
    config: &DatabaseConfig,
    console: Console,
) -> Result<Exit, Failure> {
    let mut database = Database::connect(config).await?;
    let standing = customers::standing(&mut database, &args.customer).await?;
    database.close().await?;
    if standing.is_empty() {
        return Err(nothing_noted(&args.customer));
    }
    console.show(&CustomerView(standing))?;
    Ok(Exit::Done)
}

async fn lift_flag(
    args: LiftFlagArgs,
    config: &DatabaseConfig,
    console: Console,
) -> Result<Exit, Failure> {
    let LiftFlagArgs { customer, flag, actor, reason } = args;
    let mut database = Database::connect(config).await?;
    let lifted =
        customers::lift_flag(&mut database, &customer, flag, &actor, reason.as_str()).await?;
    let standing = customers::standing(&mut database, &customer).await?;
    database.close().await?;
    if lifted == 0 {
        let what = format!("failed to lift flag {flag} of customer {customer}");
        let why = "the customer has no such flag that counts now";
        let next = format!("see what is noted: `orderctl customer show {customer}`");
        return Err(Failure::new(Exit::NothingFound, what, next).because(why));
    }
    console.show(&CustomerView(standing))?;
    Ok(Exit::Done)
}

async fn lift(args: LiftArgs, config: &DatabaseConfig, console: Console) -> Result<Exit, Failure> {
    let LiftArgs { customer, actor, reason } = args;
    let mut database = Database::connect(config).await?;
    let lifted = customers::lift(&mut database, &customer, &actor, reason.as_str()).await?;
    let standing = customers::standing(&mut database, &customer).await?;
    database.close().await?;
    if !lifted {
        let what = format!("failed to lift a restriction of customer {customer}");
        let next = format!("see what is noted: `orderctl customer show {customer}`");
        let why = "nothing is closed to the customer now";
        return Err(Failure::new(Exit::NothingFound, what, next).because(why));
    }
    console.show(&CustomerView(standing))?;
    Ok(Exit::Done)
}

fn nothing_noted(customer: &CustomerRef) -> Failure {
    let what = format!("failed to find anything noted of customer {customer}");
    let why = "the customer was never flagged or restricted, or it was long ago";
    let next = "check the spelling: references are compared letter by letter";
    Failure::new(Exit::NothingFound, what, next).because(why)
}
