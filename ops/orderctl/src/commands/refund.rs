//! `orderctl refund`: a person's decision on a refund that waits for one.

use broker::Session;
use contracts::EventKind;
use contracts::events::ReviewVerdict;
use serde::Serialize;
use serde_json::json;
use store::actions::{self, Operator, ReviewedRefund};
use store::{Database, DatabaseConfig};

use crate::cli::{RefundCommand, ReviewArgs};
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;
use crate::telling::Told;

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
    let refund = actions::refund(&mut database, args.id, &args.actor).await?;
    let refund = refund.ok_or_else(|| unknown(args))?;
    check(&refund, verdict, args)?;
    let (event, decision) = (review(&refund, verdict, args), action(verdict));
    let operator = Operator { actor: args.actor.as_str(), reason: args.reason.as_str() };
    let object = format!("refund:{}", args.id);
    actions::note_event(&mut database, operator, &object, decision, &event.id).await?;
    database.close().await?;
    event.publish(session, names).await?;
    let (refund_id, order_id) = (args.id.to_string(), refund.order_id.to_string());
    Ok(Decided { refund_id, order_id, decision, event_id: event.id })
}

/// Refuses what the rules would refuse anyway, while a person is there to hear it.
fn check(
    refund: &ReviewedRefund,
    verdict: ReviewVerdict,
    args: &ReviewArgs,
) -> Result<(), Failure> {
    let what = format!("failed to decide on refund {}: nothing was changed", args.id);
    let next = format!("see its order: `orderctl order show {}`", refund.order_id);
    if refund.status != "pending_review" && !refund.held {
        let why = format!("it waits for nobody: it is {}", refund.status);
        return Err(Failure::new(Exit::Failed, what, next).because(why));
    }
    let approves = verdict == ReviewVerdict::Approved;
    if let Some(name) = refund.approved_as.as_ref().filter(|_| approves) {
        let why = format!(
            "your login approved it before, as {name}; the word of another person needs a login of \
             their own"
        );
        return Err(Failure::new(Exit::Failed, what, next).because(why));
    }
    let again = refund.first_approver.as_ref() == Some(&args.actor);
    if again && approves {
        let why = format!("{} approved it before, and another person has to, too", args.actor);
        return Err(Failure::new(Exit::Failed, what, next).because(why));
    }
    Ok(())
}

/// The event that tells of a decision.
fn review(refund: &ReviewedRefund, verdict: ReviewVerdict, args: &ReviewArgs) -> Told {
    let (now, order_id) = (runtime::now(), refund.order_id);
    let data = json!({
        "order_id": order_id, "refund_id": args.id, "verdict": verdict,
        "reviewed_by": {"type": "operator", "id": args.actor},
        "reviewed_at": now, "note": args.reason.as_str(),
    });
    let seed = format!("{}/{}", args.id, args.actor);
    Told::new(EventKind::RefundReviewed, order_id, &seed, now, &data)
}

/// What the audit calls a decision.
fn action(verdict: ReviewVerdict) -> &'static str {
    match verdict {
        ReviewVerdict::Approved => "refund.approve",
        ReviewVerdict::Rejected => "refund.reject",
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
