//! A batch as the engine runs it: claim, find, lock, load, decide, write, commit.

use std::collections::HashMap;
use std::fmt;

use contracts::{Envelope, Event, EventKind, OrderId, OrderRef, Timestamp};
use domain::{Decision, Moment, OrderState};
use store::inbox::{self, Claim, Claimed};
use store::orders::{self, Scope};
use store::write_set::{self, Decided, Original};
use store::{Database, Error, InboxId, Transaction, locks};
use testkit::shop::ShopEvent;

type Decide = Box<dyn Fn(&OrderState, Moment) -> Decision + Send + Sync>;

/// A decoded event and the rule that decides it.
pub(crate) struct Job {
    pub(crate) source: String,
    pub(crate) event_id: String,
    kind: EventKind,
    digest: [u8; 32],
    order_ref: OrderRef,
    occurred_at: Timestamp,
    body: Vec<u8>,
    decide: Decide,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.event_id)
    }
}

/// Prepares an event for a rule.
pub(crate) fn job<E: Event>(
    event: &ShopEvent,
    rule: fn(&OrderState, &Envelope<E>, Moment) -> Decision,
) -> Job {
    let envelope = event.decoded::<E>();
    Job {
        source: envelope.source.to_string(),
        event_id: envelope.id.to_string(),
        kind: envelope.kind,
        digest: envelope.digest,
        order_ref: envelope.event.order_ref(),
        occurred_at: envelope.event.occurred_at(),
        body: event.body(),
        decide: Box::new(move |state, moment| rule(state, &envelope, moment)),
    }
}

impl Job {
    /// Lets something else decide.
    pub(crate) fn decide_by(
        &mut self,
        decide: impl Fn(&OrderState, Moment) -> Decision + Send + Sync + 'static,
    ) {
        self.decide = Box::new(decide);
    }

    /// The event as it is claimed.
    pub(crate) fn claim(&self) -> Claim<'_> {
        Claim {
            source: &self.source,
            event_id: &self.event_id,
            kind: self.kind,
            digest: &self.digest,
            order: self.order_ref.order(),
            occurred_at: self.occurred_at,
        }
    }

    fn decided<'a>(&'a self, open: &Open, decision: &'a Decision) -> Decided<'a> {
        Decided {
            inbox: open.inbox,
            again: open.again,
            order: open.order,
            source: &self.source,
            event_id: &self.event_id,
            kind: self.kind,
            occurred_at: self.occurred_at,
            decision,
            trace: None,
            original: Original {
                queue: "orderflow.test",
                content_type: Some("application/cloudevents+json"),
                headers_json: Some(r#"{"n":{"type":"i32","value":1}}"#),
                message_id: Some(&self.event_id),
                body: &self.body,
            },
        }
    }
}

struct Open {
    index: usize,
    inbox: InboxId,
    again: bool,
    parked_until: Option<Timestamp>,
    order: Option<OrderId>,
}

/// What a batch claimed, and the orders as it left them.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) claimed: Vec<Claimed>,
    pub(crate) states: HashMap<OrderId, OrderState>,
}

/// Runs a batch in a transaction of its own.
pub(crate) async fn run(database: &mut Database, jobs: &[Job]) -> Result<Done, Error> {
    let mut transaction = database.begin("batch").await?;
    match steps(&mut transaction, jobs).await {
        Ok(done) => transaction.commit().await.map(|()| done),
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

/// As [`run`], for one event that must be decided without a failure.
pub(crate) async fn decide(database: &mut Database, job: Job) -> Claimed {
    run(database, &[job]).await.expect("the event is decided").claimed[0]
}

/// Every step of a batch but the commit.
pub(crate) async fn steps(transaction: &mut Transaction<'_>, jobs: &[Job]) -> Result<Done, Error> {
    let claims: Vec<_> = jobs.iter().map(Job::claim).collect();
    let claimed = inbox::claim(transaction, &claims).await?;
    let mut open: Vec<Open> = claimed.iter().enumerate().filter_map(opened).collect();
    let references: Vec<_> = open.iter().map(|open| jobs[open.index].order_ref.clone()).collect();
    let found = orders::resolve(transaction, &references).await?;
    for (open, order) in open.iter_mut().zip(found) {
        open.order = order;
    }
    let known: Vec<_> = open.iter().filter_map(|open| open.order).collect();
    let now = locks::lock_orders(transaction, &known).await?;
    let mut states = orders::load(transaction, &known, scope(jobs)).await?;
    let decisions: Vec<_> =
        open.iter().map(|open| one(&jobs[open.index], open, &mut states, now)).collect();
    let decided: Vec<_> = open
        .iter()
        .zip(&decisions)
        .map(|(open, decision)| jobs[open.index].decided(open, decision))
        .collect();
    write_set::write(transaction, &decided).await?;
    Ok(Done { claimed, states })
}

fn scope(jobs: &[Job]) -> Scope {
    let any = |kind| jobs.iter().any(|job| job.kind == kind);
    if any(EventKind::RefundRequested) {
        Scope::OrderAndCustomer
    } else if any(EventKind::PaymentTimeout) {
        Scope::OrderAndMark
    } else {
        Scope::Order
    }
}

fn opened((index, claimed): (usize, &Claimed)) -> Option<Open> {
    let open =
        |inbox, again, parked_until| Some(Open { index, inbox, again, parked_until, order: None });
    match *claimed {
        Claimed::Fresh(inbox) => open(inbox, false, None),
        Claimed::Again { inbox, parked_until } => open(inbox, true, parked_until),
        Claimed::Duplicate { .. } | Claimed::Quarantined(_) | Claimed::Reused => None,
    }
}

fn one(
    job: &Job,
    open: &Open,
    states: &mut HashMap<OrderId, OrderState>,
    now: Timestamp,
) -> Decision {
    let mut nowhere = OrderState::default();
    let state = open.order.map_or(&mut nowhere, |order| states.entry(order).or_default());
    let decision = (job.decide)(state, Moment { now, parked_until: open.parked_until });
    state.apply(&decision.changes);
    decision
}
