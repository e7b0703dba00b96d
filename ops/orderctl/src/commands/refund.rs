//! `orderctl refund`: a person's decision on a refund that waits for one.

use broker::{Outcome, Properties, Publication, PublisherConfig, Session};
use contracts::events::ReviewVerdict;
use contracts::{EventKind, IdSource, STRUCTURED_CONTENT_TYPE};
use serde::Serialize;
use serde_json::json;
use store::actions::{self, Operator, ReviewedRefund};
use store::{Database, DatabaseConfig};
use uuid::Uuid;

use crate::cli::{RefundCommand, ReviewArgs};
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

/// Who tells of a decision that was made here.
const SOURCE: &str = "/orderctl";

/// Runs one of the commands on refunds.
pub(crate) async fn run(
    command: RefundCommand,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let (verdict, args) = match command {
        RefundCommand::Approve(args) => (ReviewVerdict::Approved, args),
        RefundCommand::Reject(args) => (ReviewVerdict::Rejected, args),
    };
    let mut read = settings.read();
    let (database, broker, names) = (read.database(), read.broker(), read.names());
    let (Some(database), Some(broker), Some(names)) = (database, broker, names) else {
        return Err(read.refusal().into());
    };
    let session = Session::open(&broker.config).await?;
    let decided = decide(&database, &session, &names, verdict, &args).await;
    session.close().await;
    console.show(&decided?)?;
    let order = "`orderctl order show ORDER`";
    console.remark(&format!("published; {order} tells what refund-requested made of it"));
    Ok(Exit::Done)
}

async fn decide(
    config: &DatabaseConfig,
    session: &Session,
    names: &broker::Names,
    verdict: ReviewVerdict,
    args: &ReviewArgs,
) -> Result<Decided, Failure> {
    let mut database = Database::connect(config).await?;
    let refund = actions::refund(&mut database, args.id).await?;
    let refund = refund.ok_or_else(|| unknown(args))?;
    check(&refund, verdict, args)?;
    let event = Review::new(&refund, verdict, args);
    let operator = Operator { actor: args.actor.as_str(), reason: args.reason.as_str() };
    actions::note_review(&mut database, operator, args.id, event.action, &event.id).await?;
    database.close().await?;
    publish(session, names, &event).await?;
    let Review { id, order_id, action, .. } = event;
    let (refund_id, order_id) = (args.id.to_string(), order_id.to_string());
    Ok(Decided { refund_id, order_id, decision: action, event_id: id })
}

/// Refuses what the rules would refuse anyway, while a person is there to hear it.
fn check(
    refund: &ReviewedRefund,
    verdict: ReviewVerdict,
    args: &ReviewArgs,
) -> Result<(), Failure> {
    let what = format!("failed to decide on refund {}: nothing was changed", args.id);
    let next = format!("see its order: `orderctl order show {}`", refund.order_id);
    if refund.status != "pending_review" {
        let why = format!("it waits for nobody: it is {}", refund.status);
        return Err(Failure::new(Exit::Failed, what, next).because(why));
    }
    let again = refund.first_approver.as_ref() == Some(&args.actor);
    if again && verdict == ReviewVerdict::Approved {
        let why = format!("{} approved it before, and another person has to, too", args.actor);
        return Err(Failure::new(Exit::Failed, what, next).because(why));
    }
    Ok(())
}

/// The event that tells of a decision.
struct Review {
    id: String,
    order_id: Uuid,
    action: &'static str,
    body: Vec<u8>,
}

impl Review {
    fn new(refund: &ReviewedRefund, verdict: ReviewVerdict, args: &ReviewArgs) -> Self {
        let now = runtime::now();
        let seed = format!("{}/{}", args.id, args.actor);
        let id = IdSource::new(SOURCE, &seed, now).next_id::<Uuid>().to_string();
        let order_id = refund.order_id;
        let body = json!({
            "specversion": "1.0", "id": id, "source": SOURCE,
            "type": EventKind::RefundReviewed.type_name(), "subject": order_id, "time": now,
            "datacontenttype": "application/json",
            "data": {
                "order_id": order_id, "refund_id": args.id, "verdict": verdict,
                "reviewed_by": {"type": "operator", "id": args.actor},
                "reviewed_at": now, "note": args.reason.as_str(),
            },
        });
        let action = match verdict {
            ReviewVerdict::Approved => "refund.approve",
            ReviewVerdict::Rejected => "refund.reject",
        };
        Self { id, order_id, action, body: body.to_string().into_bytes() }
    }
}

async fn publish(session: &Session, names: &broker::Names, event: &Review) -> Result<(), Failure> {
    let publisher = session.publisher(PublisherConfig::default()).await?;
    let kind = EventKind::RefundReviewed;
    let properties = Properties {
        message_id: Some(event.id.clone()),
        content_type: Some(STRUCTURED_CONTENT_TYPE.to_owned()),
        type_name: Some(kind.type_name().to_owned()),
        app_id: Some(SOURCE.to_owned()),
        correlation_id: Some(event.order_id.to_string()),
        ..Properties::default()
    };
    let publication =
        Publication::new(names.inbound(), kind.name(), properties, event.body.clone());
    let outcomes = publisher.publish_all(vec![publication]).await?;
    match &outcomes[..] {
        [Outcome::Confirmed] => Ok(()),
        outcomes => {
            let what = format!("failed to publish {kind} {}", event.id);
            let next =
                "see `orderctl topology verify` and the broker's alarms, then run this again";
            Err(Failure::new(Exit::Failed, what, next).because(format!("{outcomes:?}")))
        }
    }
}

/// What was decided, and which event tells of it.
#[derive(Serialize)]
struct Decided {
    refund_id: String,
    order_id: String,
    decision: &'static str,
    event_id: String,
}

impl View for Decided {
    fn text(&self, style: Style) -> String {
        let Self { refund_id, order_id, decision, .. } = self;
        let said = if *decision == "refund.approve" { "approved" } else { "rejected" };
        format!("refund {refund_id} of order {order_id}: {}", style.tint(Tone::Good, said))
    }
}

fn unknown(args: &ReviewArgs) -> Failure {
    let what = format!("failed to find refund {}", args.id);
    let next = "see the refunds of an order: `orderctl order show ORDER`";
    Failure::new(Exit::NothingFound, what, next).because("no refund has this id")
}
