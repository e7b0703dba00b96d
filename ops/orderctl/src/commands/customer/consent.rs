//! `orderctl customer withdraw-consent`: what a customer took back by telling support.

use broker::{Names, Session};
use contracts::EventKind;
use serde::Serialize;
use serde_json::json;
use store::actions::{self, Operator};
use store::customers;
use store::{Database, DatabaseConfig};

use crate::cli::WithdrawConsentArgs;
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;
use crate::telling::Told;

pub(super) async fn withdraw(
    args: &WithdrawConsentArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let (database, broker, names) = (read.database(), read.broker(), read.names());
    let (Some(database), Some(broker), Some(names)) = (database, broker, names) else {
        return Err(read.refusal().into());
    };
    let session = Session::open(&broker.config).await?;
    let withdrawn = tell(&database, &session, &names, args).await;
    session.close().await;
    console.show(&withdrawn?)?;
    let show = format!("`orderctl customer show {}`", args.customer);
    console.remark(&format!("published; {show} lists it once order-created has recorded it"));
    Ok(Exit::Done)
}

async fn tell(
    config: &DatabaseConfig,
    session: &Session,
    names: &Names,
    args: &WithdrawConsentArgs,
) -> Result<Withdrawn, Failure> {
    let WithdrawConsentArgs { customer, purpose, actor, reason } = args;
    let mut database = Database::connect(config).await?;
    let order = customers::any_order(&mut database, customer).await?;
    let order_id = order.ok_or_else(|| {
        let what = format!("failed to find an order of customer {customer}");
        let next = "check the spelling: references are compared letter by letter";
        let why = "whoever never ordered is sent nothing, so there is nothing to take back";
        Failure::new(Exit::NothingFound, what, next).because(why)
    })?;
    let now = runtime::now();
    let data = json!({
        "order_id": order_id, "customer_ref": customer.as_str(), "purpose": purpose,
        "occurred_at": now,
    });
    let seed = format!("{customer}/{}", purpose.name());
    let event = Told::new(EventKind::ConsentWithdrawn, order_id.into(), &seed, now, &data);
    let operator = Operator { actor: actor.as_str(), reason: reason.as_str() };
    let (object, action) = (format!("customer:{customer}"), "customer.withdraw-consent");
    actions::note_event(&mut database, operator, &object, action, &event.id).await?;
    database.close().await?;
    event.publish(session, names).await?;
    let (customer_ref, order_id) = (customer.to_string(), order_id.to_string());
    Ok(Withdrawn { customer_ref, purpose: purpose.name(), order_id, event_id: event.id })
}

/// What was taken back, and which event tells of it.
#[derive(Serialize)]
struct Withdrawn {
    customer_ref: String,
    purpose: &'static str,
    order_id: String,
    event_id: String,
}

impl View for Withdrawn {
    fn text(&self, style: Style) -> String {
        let Self { customer_ref, purpose, .. } = self;
        let said = style.tint(Tone::Good, "taken back");
        format!("consent of customer {customer_ref} to {purpose}: {said}")
    }
}
