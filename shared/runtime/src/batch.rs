//! One transaction over many events: claim, lock, load, decide, write, commit.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use broker::Delivery;
use contracts::{Envelope, Event, EventKind, OrderId, OrderRef, Token};
use domain::customer::{CustomerMark, CustomerRecord};
use domain::{Decision, Moment, OrderState, Outcome, Rules, Timestamp};
use sha2::{Digest, Sha256};
use store::inbox::{self, Claim, Claimed};
use store::orders::{self, Scope};
use store::replays::{Done, ItemId};
use store::write_set::{self, Decided, Original};
use store::{Database, InboxId, Transaction, locks, replays};
use telemetry::Processed;
use telemetry::happenings::ReplayItems;
use telemetry::spans::OpenSpan;

use crate::failpoint::{Failpoints, pass};
use crate::failure::Failure;
use crate::failures::headers;
use crate::notices;
use crate::watchdog::Watchdog;

/// A decoded delivery on its way through a lane.
#[derive(Debug)]
pub(crate) struct Job<E> {
    pub(crate) delivery: Delivery,
    pub(crate) envelope: Envelope<E>,
    /// Our tries of this message, from 1.
    pub(crate) attempt: u32,
    /// The span of this delivery, if its trace is recorded.
    pub(crate) span: Option<OpenSpan>,
}

/// What became of one message of a committed batch.
#[derive(Debug)]
pub(crate) enum Verdict {
    Done(Processed),
    Failed(Failure),
}

/// A committed batch.
#[derive(Debug)]
pub(crate) struct Committed {
    /// One for each job, in order.
    pub(crate) verdicts: Vec<Verdict>,
    /// The database's clock when the batch was decided; `None` when nothing was to decide.
    pub(crate) now: Option<Timestamp>,
}

/// Why a batch was not committed.
#[derive(Debug)]
pub(crate) enum BatchError {
    /// The database's error.
    Store(store::Error),
    /// The rules panicked over this job; nothing of the batch was written.
    Panicked(usize),
}

impl From<store::Error> for BatchError {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// What stands around each decision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Precautions {
    pub(crate) failpoints: Failpoints,
    pub(crate) watchdog: Watchdog,
}

/// Applies events to the database, all or none.
///
/// # Errors
/// The database's, or the job over which the rules panicked; everything is rolled back.
pub(crate) async fn apply<R: Rules>(
    rules: &R,
    precautions: &Precautions,
    queue: &str,
    database: &mut Database,
    jobs: &[Job<R::Event>],
) -> Result<Committed, BatchError> {
    let batch = async |transaction: &mut Transaction<'_>| {
        let committed = steps(rules, precautions, queue, transaction, jobs).await?;
        let done = replayed(jobs, &committed.verdicts);
        let resolved = replays::resolve(transaction, queue, &done).await?;
        Ok::<_, BatchError>((committed, resolved))
    };
    let (committed, count) = database.within("batch", batch).await?;
    if count > 0 {
        ReplayItems { queue, result: "resolved", count }.emit();
    }
    Ok(committed)
}

async fn steps<R: Rules>(
    rules: &R,
    precautions: &Precautions,
    queue: &str,
    transaction: &mut Transaction<'_>,
    jobs: &[Job<R::Event>],
) -> Result<Committed, BatchError> {
    let claims: Vec<_> = jobs.iter().map(claim).collect();
    let claimed = inbox::claim(transaction, &claims).await?;
    pass("claimed");
    let mut verdicts = Vec::with_capacity(jobs.len());
    let mut open = Vec::with_capacity(jobs.len());
    for (index, claimed) in claimed.into_iter().enumerate() {
        verdicts.push(match claimed {
            Claimed::Fresh(inbox) => {
                open_job(&mut open, Open { index, inbox, again: false, parked_until: None })
            }
            Claimed::Again { inbox, parked_until } => {
                open_job(&mut open, Open { index, inbox, again: true, parked_until })
            }
            Claimed::Duplicate { .. } => Verdict::Done(Processed::Duplicate),
            Claimed::Quarantined(code) => Verdict::Failed(Failure::conflict(code)),
            Claimed::Reused => Verdict::Failed(Failure::conflict(domain::OutcomeCode::IdReuse)),
        });
    }
    if open.is_empty() {
        return Ok(Committed { verdicts, now: None });
    }
    let orders = order_ids(transaction, jobs, &open).await?;
    let known: Vec<_> = orders.iter().copied().flatten().collect();
    let customers: Vec<_> = open.iter().filter_map(|job| customer(&jobs[job.index])).collect();
    let (now, marked) = locks::lock_orders_of(transaction, &known, &customers).await?;
    pass("locked");
    let mut states = orders::load(transaction, &known, scope::<R>()).await?;
    pass("loaded");
    if !marked.is_empty() {
        let marks = store::customers::marks(transaction, &marked).await?;
        for (job, order) in open.iter().zip(&orders) {
            tell_mark(&mut states, &jobs[job.index], *order, &marks);
        }
    }
    let mut decisions = Vec::with_capacity(open.len());
    let mut wanted = Vec::with_capacity(open.len());
    let mut named = Vec::with_capacity(open.len());
    for (job, order) in open.iter().zip(&orders) {
        let event = &jobs[job.index];
        let mut decision = decide(rules, precautions, event, &mut states, *order, job, now)?;
        let id = event.envelope.id.as_str();
        named.push(precautions.failpoints.bend(id, &mut decision, *order));
        verdicts[job.index] = verdict(&decision.outcome);
        let state = order.and_then(|order| states.get(&order));
        let told = |state| domain::notices::wanted(rules.book(), state, &decision.changes);
        wanted.push(state.and_then(told));
        decisions.push(decision);
    }
    let of_open: Vec<_> = open.iter().map(|open| &jobs[open.index]).collect();
    pass("decided");
    notices::request(rules.book(), transaction, &of_open, &wanted, &mut decisions, now).await?;
    write(transaction, queue, jobs, open.iter().zip(&named).zip(&decisions)).await?;
    pass("written");
    Ok(Committed { verdicts, now: Some(now) })
}

/// Writes what was decided of each open job, on the order whose rows it is about.
async fn write<'a, E: Event>(
    transaction: &mut Transaction<'_>,
    queue: &str,
    jobs: &[Job<E>],
    all: impl Iterator<Item = ((&'a Open, &'a Option<OrderId>), &'a Decision)> + Clone,
) -> Result<(), store::Error> {
    let headers: Vec<_> = all
        .clone()
        .map(|((open, _), decision)| headers_to_keep(&jobs[open.index], decision))
        .collect();
    let decided: Vec<_> = all
        .zip(&headers)
        .map(|(((open, order), decision), headers)| {
            let original = original(&jobs[open.index], queue, headers.as_deref());
            decided(&jobs[open.index], open, *order, decision, original)
        })
        .collect();
    write_set::write(transaction, &decided).await
}

/// The replays that succeeded with this batch; mostly there is none.
fn replayed<E>(jobs: &[Job<E>], verdicts: &[Verdict]) -> Vec<Done> {
    let done = |(job, verdict): (&Job<E>, &Verdict)| match verdict {
        Verdict::Done(_) => {
            let item = job.delivery.properties.headers.get(headers::REPLAY_ID)?.as_integer()?;
            let digest = Sha256::digest(&job.delivery.body).into();
            Some(Done { item: ItemId(item), digest })
        }
        Verdict::Failed(_) => None,
    };
    jobs.iter().zip(verdicts).filter_map(done).collect()
}

/// Lets the order that an event opens know what is marked of its customer.
fn tell_mark<E: Event>(
    states: &mut HashMap<OrderId, OrderState>,
    job: &Job<E>,
    order: Option<OrderId>,
    marks: &HashMap<Token<64>, CustomerMark>,
) {
    let mark = job.envelope.event.customer_ref().and_then(|customer| marks.get(customer));
    if let (Some(mark), Some(order)) = (mark, order) {
        states.entry(order).or_default().customer.mark = Some(mark.clone());
    }
}

/// A job that is to be decided.
#[derive(Debug)]
struct Open {
    index: usize,
    inbox: InboxId,
    /// Whether it was decided before.
    again: bool,
    /// Until when it was parked, if it was.
    parked_until: Option<Timestamp>,
}

fn customer<E: Event>(job: &Job<E>) -> Option<&str> {
    job.envelope.event.customer_ref().map(Token::as_str)
}

fn open_job(open: &mut Vec<Open>, job: Open) -> Verdict {
    open.push(job);
    // Replaced by what the decision says.
    Verdict::Done(Processed::Applied)
}

fn claim<E: Event>(job: &Job<E>) -> Claim<'_> {
    Claim {
        source: job.envelope.source.as_str(),
        event_id: job.envelope.id.as_str(),
        kind: job.envelope.kind,
        digest: &job.envelope.digest,
        order: job.envelope.event.order_ref().order(),
        occurred_at: job.envelope.event.occurred_at(),
    }
}

/// The order of each open job; looked up for those that name it by a payment or dispute.
async fn order_ids<E: Event>(
    transaction: &mut Transaction<'_>,
    jobs: &[Job<E>],
    open: &[Open],
) -> Result<Vec<Option<OrderId>>, store::Error> {
    let refs: Vec<_> = open.iter().map(|job| jobs[job.index].envelope.event.order_ref()).collect();
    if refs.iter().all(|order| order.order().is_some()) {
        return Ok(refs.iter().map(OrderRef::order).collect());
    }
    orders::resolve(transaction, &refs).await
}

fn decide<R: Rules>(
    rules: &R,
    precautions: &Precautions,
    job: &Job<R::Event>,
    states: &mut HashMap<OrderId, OrderState>,
    order: Option<OrderId>,
    open: &Open,
    now: Timestamp,
) -> Result<Decision, BatchError> {
    let mut nowhere = OrderState::default();
    let state = order.map_or(&mut nowhere, |order| states.entry(order).or_default());
    let moment = Moment { now, parked_until: open.parked_until };
    // Deciding is pure: a panic leaves nothing half done that anybody sees.
    let decision = catch_unwind(AssertUnwindSafe(|| {
        let _deciding = precautions.watchdog.deciding();
        precautions.failpoints.hit(job.envelope.id.as_str());
        rules.decide(state, &job.envelope, moment)
    }));
    let decision = decision.or(Err(BatchError::Panicked(open.index)))?;
    let changes = &decision.changes;
    let counts = !(changes.refunds.is_empty()
        && changes.disputes.is_empty()
        && changes.marks.is_empty()
        && state.customer.mark.is_none());
    state.apply(changes);
    if counts {
        let customer = state.customer.clone();
        let customer_ref = state.order.as_ref().map(|order| order.customer_ref.clone());
        tell_other_orders(states, customer_ref.as_ref(), &customer);
    }
    Ok(decision)
}

/// Lets a customer's other orders of the batch see what was decided on this one.
///
/// All of them were loaded with the same record, so that one record serves them all.
fn tell_other_orders(
    states: &mut HashMap<OrderId, OrderState>,
    customer_ref: Option<&Token<64>>,
    record: &CustomerRecord,
) {
    let Some(customer_ref) = customer_ref else { return };
    let is_theirs = |state: &&mut OrderState| {
        let mark = state.customer.mark.as_ref().map(|mark| &mark.customer_ref);
        let known = state.order.as_ref().map(|order| &order.customer_ref).or(mark);
        known == Some(customer_ref)
    };
    for state in states.values_mut().filter(is_theirs) {
        state.customer = record.clone();
    }
}

/// Refunds are decided by what is known of the customer, too, and disputes add to it; so do orders
/// that expire.
fn scope<R: Rules>() -> Scope {
    let counts = [EventKind::RefundRequested, EventKind::DisputeOpened];
    if counts.iter().any(|kind| R::Event::KINDS.contains(kind)) {
        Scope::OrderAndCustomer
    } else if R::Event::KINDS.contains(&EventKind::PaymentTimeout) {
        Scope::OrderAndMark
    } else {
        Scope::Order
    }
}

pub(crate) fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Applied => Verdict::Done(Processed::Applied),
        Outcome::Noop(_) => Verdict::Done(Processed::Noop),
        Outcome::Parked { .. } => Verdict::Done(Processed::Parked),
        Outcome::Orphaned(_) => Verdict::Done(Processed::Orphaned),
        Outcome::Rejected(_) => Verdict::Done(Processed::Rejected),
        Outcome::Quarantined(code) => Verdict::Failed(Failure::conflict(*code)),
    }
}

/// The delivery's headers as typed JSON, for an event that is parked.
fn headers_to_keep<E>(job: &Job<E>, decision: &Decision) -> Option<String> {
    let parked = matches!(decision.outcome, Outcome::Parked { .. });
    let headers = &job.delivery.properties.headers;
    (parked && !headers.is_empty())
        .then(|| serde_json::to_string(headers).expect("headers have text keys and typed values"))
}

fn original<'a, E>(job: &'a Job<E>, queue: &'a str, headers: Option<&'a str>) -> Original<'a> {
    let properties = &job.delivery.properties;
    Original {
        queue,
        content_type: properties.content_type.as_deref(),
        headers_json: headers,
        message_id: properties.message_id.as_deref(),
        body: &job.delivery.body,
    }
}

fn decided<'a, E: Event>(
    job: &'a Job<E>,
    open: &Open,
    order: Option<OrderId>,
    decision: &'a Decision,
    original: Original<'a>,
) -> Decided<'a> {
    Decided {
        inbox: open.inbox,
        again: open.again,
        order,
        source: job.envelope.source.as_str(),
        event_id: job.envelope.id.as_str(),
        kind: job.envelope.kind,
        occurred_at: job.envelope.event.occurred_at(),
        decision,
        trace: job.envelope.trace.as_ref(),
        original,
    }
}
