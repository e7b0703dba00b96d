//! `orderctl order`: everything that is known of an order.

use store::{Database, timeline};

use crate::cli::{OrderCommand, ShowArgs};
use crate::exit::{Exit, Failure};
use crate::order_view::OrderView;
use crate::render::Console;
use crate::settings::Settings;

/// Runs one of the commands on orders.
pub(crate) async fn run(
    command: OrderCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    match command {
        OrderCommand::Show(args) => show(args, settings, console).await,
    }
}

async fn show(args: ShowArgs, settings: &Settings, console: Console) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(config) = read.database() else { return Err(read.refusal().into()) };
    let mut database = Database::connect(&config).await?;
    let timeline = timeline::of(&mut database, args.id).await?;
    database.close().await?;
    if timeline.is_empty() {
        let what = format!("failed to find order {}", args.id);
        let why = "no event that was accepted names it";
        let next = "if the shop has sent one, look where it may rest: `rabbitmqctl list_queues \
                    name messages` (a work queue, its `.dead`, or the unroutable queue)";
        return Err(Failure::new(Exit::NothingFound, what, next).because(why));
    }
    console.show(&OrderView::new(args.id, timeline, args.locale.as_deref(), &args.zone))?;
    Ok(Exit::Done)
}
