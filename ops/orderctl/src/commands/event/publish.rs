//! `orderctl event publish`: sends events as a shop does.

use std::collections::BTreeSet;

use broker::{HeaderValue, Headers, Names, Outcome, Properties, Publication};
use broker::{Publisher, PublisherConfig, Session};
use contracts::EventKind;
use tokio::time::{Instant, sleep_until};

use super::published::{Line, Published};
use super::validate::{Judged, Report};
use super::{content, shown, validator};
use crate::cli::{PublishArgs, WireArgs};
use crate::events::{Accepted, Rate, split};
use crate::exit::{Exit, Failure};
use crate::management;
use crate::render::Console;
use crate::settings::{BrokerAddress, ManagementUrl, Settings};

/// Messages handed over at once when no rate is asked for.
const STEP: usize = 1024;

pub(super) async fn run(
    args: &PublishArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let (names, limits, management) = (read.names(), read.limits(), read.management());
    // A dry run needs no broker.
    let broker = if args.dry_run { None } else { read.broker() };
    let (Some(names), Some(limits)) = (names, limits) else { return Err(read.refusal().into()) };
    read.checked()?;
    let messages = validated(args, limits, console)?;
    let Some(broker) = broker else {
        console.show(&published(&names, &messages, 0))?;
        console.remark("nothing was published: this was a dry run");
        return Ok(Exit::Done);
    };
    if let Some(url) = management {
        check_ways_in(&url, &broker, &names, &messages).await?;
    }
    let session = Session::open(&broker.config).await?;
    let publisher = session.publisher(PublisherConfig::hasty()).await?;
    let sent = publish_all(&publisher, &names, &messages, args, console).await;
    session.close().await;
    sent?;
    console.show(&published(&names, &messages, messages.len()))?;
    Ok(Exit::Done)
}

/// A valid message on its way.
struct Message {
    accepted: Accepted,
    body: Vec<u8>,
}

/// Every message of the file; a single invalid one stops all of them.
fn validated(
    args: &PublishArgs,
    limits: contracts::Limits,
    console: Console,
) -> Result<Vec<Message>, Failure> {
    let validator = validator(&args.wire, limits);
    let content = content(&args.file)?;
    let (mut messages, mut report) = (Vec::new(), Report::default());
    for document in split(&content) {
        let verdict = validator.validate(document.body);
        match verdict.accepted {
            Some(accepted) if verdict.problems.is_empty() => {
                from_shop(accepted.kind)?;
                messages.push(Message { accepted, body: document.body.to_owned() });
            }
            Some(_) | None => {
                report.add(Judged::new(&shown(&args.file), document.line, verdict));
            }
        }
    }
    if report.invalid == 0 {
        return Ok(messages);
    }
    report.valid = messages.len();
    console.show(&report)?;
    let what = format!("failed to publish: {} invalid; nothing was published", report.invalid);
    let next = "mend what is listed above, then `orderctl event validate FILE`";
    Err(Failure::new(Exit::Failed, what, next))
}

/// Only what shops send has a way in: timers come back from our own delayed exchange.
fn from_shop(kind: EventKind) -> Result<(), Failure> {
    if kind.from_shop() {
        return Ok(());
    }
    let what = format!("failed to publish {kind}: shops do not send it, so no queue takes it");
    let next = "let its time come: the timer-scheduler sends it; `orderctl order show ID` lists \
                an order's timers";
    Err(Failure::new(Exit::Failed, what, next))
}

/// Refuses what no queue is bound for: the broker would confirm it and keep it as unroutable.
async fn check_ways_in(
    url: &ManagementUrl,
    broker: &BrokerAddress,
    names: &Names,
    messages: &[Message],
) -> Result<(), Failure> {
    let found = management::bindings(url, &broker.vhost).await?;
    let kinds: BTreeSet<_> = messages.iter().map(|message| message.accepted.kind).collect();
    let bound = |kind: &EventKind| {
        found.iter().any(|it| it.source == names.inbound() && it.routing_key == kind.name())
    };
    let missing: Vec<_> =
        kinds.iter().filter(|kind| !bound(kind)).map(|kind| kind.name()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!("failed to publish {}: nothing was published", missing.join(", "));
    let why = format!("no queue is bound to exchange {} for it", names.inbound());
    let next = "restore the bindings: `orderctl topology apply`";
    Err(Failure::new(Exit::Failed, what, next).because(why))
}

async fn publish_all(
    publisher: &Publisher,
    names: &Names,
    messages: &[Message],
    args: &PublishArgs,
    console: Console,
) -> Result<(), Failure> {
    let step = args.rate.map_or(STEP, Rate::step);
    let mut due = Instant::now();
    let mut confirmed = 0;
    for messages in messages.chunks(step) {
        sleep_until(due).await;
        due += args.rate.map(Rate::pause).unwrap_or_default();
        let publications = messages.iter().map(|it| publication(names, it, &args.wire)).collect();
        let outcomes = publisher
            .publish_all(publications)
            .await
            .map_err(|error| unfinished(confirmed, error.into()))?;
        for (message, outcome) in messages.iter().zip(outcomes) {
            accepted_by_broker(names, message, &outcome)
                .map_err(|failure| unfinished(confirmed, failure))?;
            confirmed += 1;
        }
        if args.rate.is_some() {
            console.remark(&format!("{confirmed} published"));
        }
    }
    Ok(())
}

fn publication(names: &Names, message: &Message, wire: &WireArgs) -> Publication {
    let Accepted { kind, id, source, order, .. } = &message.accepted;
    let mut headers = Headers::default();
    for (name, value) in &wire.headers {
        headers.insert(name, HeaderValue::from(value.as_str()));
    }
    let now = u64::try_from(runtime::now().micros() / 1_000_000).unwrap_or_default();
    let properties = Properties {
        message_id: Some(id.clone()),
        content_type: Some(wire.content_type.clone()),
        content_encoding: None,
        type_name: Some(kind.type_name().to_owned()),
        app_id: Some(source.clone()),
        correlation_id: order.order().map(|order| order.to_string()),
        timestamp: Some(now),
        headers,
    };
    Publication::new(names.inbound(), kind.name(), properties, message.body.clone())
}

fn accepted_by_broker(names: &Names, message: &Message, outcome: &Outcome) -> Result<(), Failure> {
    let Accepted { kind, id, .. } = &message.accepted;
    let what = format!("failed to publish {kind} {id}");
    match outcome {
        Outcome::Confirmed => Ok(()),
        Outcome::Returned { code, text } => {
            let why = format!(
                "the broker gave it back ({code} {text}): no queue is bound to exchange {} for \
                 key {kind}",
                names.inbound()
            );
            let next = "see what is missing with `orderctl topology verify`, restore it with \
                        `orderctl topology apply`";
            Err(Failure::new(Exit::Failed, what, next).because(why))
        }
        Outcome::Nacked => {
            let next = "see the broker's alarms and the queue's limits, then run this again";
            let why = "the broker could not take it";
            Err(Failure::new(Exit::DependencyDown, what, next).because(why))
        }
        Outcome::TimedOut => {
            let next = "run this again: what had arrived is recognised by its id";
            let why = "the broker did not confirm it in time";
            Err(Failure::new(Exit::DependencyDown, what, next).because(why))
        }
        Outcome::Invalid(invalid) => {
            let next = "shorten what is too long";
            Err(Failure::new(Exit::Failed, what, next).because(invalid.to_string()))
        }
    }
}

/// Says how far it came.
fn unfinished(confirmed: usize, mut failure: Failure) -> Failure {
    if confirmed > 0 {
        failure.what = format!("{} (after {confirmed} that were confirmed)", failure.what);
    }
    failure
}

fn published(names: &Names, messages: &[Message], confirmed: usize) -> Published {
    let line = |message: &Message| Line {
        routing_key: message.accepted.kind.name(),
        message_id: message.accepted.id.clone(),
        bytes: message.body.len(),
    };
    let messages = messages.iter().map(line).collect();
    Published { exchange: names.inbound(), confirmed, messages }
}
