//! `orderctl money`: money that fits no order, and what a person wants to become of it.

use contracts::MoneyId;
use domain::unapplied::MoneyDecision;
use store::unapplied::{self, Recorded};
use store::{Database, DatabaseConfig};

use crate::cli::{MoneyCommand, MoneyDecisionArgs, MoneyListArgs, MoneyShowArgs};
use crate::exit::{Exit, Failure};
use crate::money_view::{MoneyList, MoneyView};
use crate::render::Console;
use crate::settings::Settings;

/// Runs one of the commands on money without an order.
pub(crate) async fn run(
    command: MoneyCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    match command {
        MoneyCommand::List(args) => list(args, &config, console).await,
        MoneyCommand::Show(args) => show(args, &config, console).await,
        MoneyCommand::Refund(args) => decide(MoneyDecision::Refund, args, &config, console).await,
        MoneyCommand::WriteOff(args) => {
            decide(MoneyDecision::WriteOff, args, &config, console).await
        }
    }
}

async fn list(
    args: MoneyListArgs,
    config: &DatabaseConfig,
    console: Console,
) -> Result<Exit, Failure> {
    let mut database = Database::connect(config).await?;
    let rows = unapplied::list(&mut database, args.all, args.limit).await?;
    database.close().await?;
    console.show(&MoneyList::new(rows))?;
    Ok(Exit::Done)
}

async fn show(
    args: MoneyShowArgs,
    config: &DatabaseConfig,
    console: Console,
) -> Result<Exit, Failure> {
    let mut database = Database::connect(config).await?;
    let row = unapplied::find(&mut database, args.id).await?;
    database.close().await?;
    let row = row.ok_or_else(|| unknown(args.id))?;
    console.show(&MoneyView(row))?;
    Ok(Exit::Done)
}

async fn decide(
    decision: MoneyDecision,
    args: MoneyDecisionArgs,
    config: &DatabaseConfig,
    console: Console,
) -> Result<Exit, Failure> {
    let MoneyDecisionArgs { id, actor, reason } = args;
    let mut database = Database::connect(config).await?;
    let recorded = unapplied::decide(&mut database, id, decision, &actor, reason.as_str()).await?;
    let row = unapplied::find(&mut database, id).await?;
    database.close().await?;
    match (recorded, row) {
        (Recorded::Recorded, Some(row)) => {
            console.show(&MoneyView(row))?;
            console.remark(&format!(
                "recorded; once payment-attempted has carried it out, `orderctl money show {id}` \
                 says so"
            ));
            Ok(Exit::Done)
        }
        (Recorded::AlreadyResolved, Some(row)) => {
            let what = format!("failed to decide on money {id}");
            let resolution = row.resolution.unwrap_or_default();
            let next = format!("see who settled it: `orderctl money show {id}`");
            let why = format!("it is settled already: {resolution}");
            Err(Failure::new(Exit::Failed, what, next).because(why))
        }
        (Recorded::Recorded | Recorded::Unknown | Recorded::AlreadyResolved, _) => Err(unknown(id)),
    }
}

fn unknown(id: MoneyId) -> Failure {
    let what = format!("failed to find money {id}");
    let why = "no money without an order has this id";
    Failure::new(Exit::NothingFound, what, "see what there is: `orderctl money list --all`")
        .because(why)
}
