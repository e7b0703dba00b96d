//! A lane: one database connection that makes transactions of whatever waits.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use contracts::{Envelope, Event, Timestamp, TraceContext};
use domain::Rules;
use store::{Database, pace};
use telemetry::WorkerMetrics;
use telemetry::happenings::{BatchRetried, RulePanicked, Subject};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::batch::{self, BatchError, Committed, Job, Precautions, Verdict};
use crate::clock;
use crate::config::Config;
use crate::early::Early;
use crate::failpoint::pass;
use crate::failure::Failure;
use crate::failures::FailedMessage;
use crate::watchdog::Watchdog;

mod suspect;

/// Tries of a batch whose failure may pass, before each message is tried by itself.
const BATCH_TRIES: u32 = 4;
/// Wait before the second try of a batch; doubles with each further one.
const BATCH_PAUSE: Duration = Duration::from_millis(20);

/// A lane with nothing to do asks its database for a sign of life so often: a worker that says it
/// is ready has one.
const PROBE_AFTER: Duration = Duration::from_secs(3);

/// Shortest time from the beginning of one transaction to that of the next, unless a whole batch
/// waits: a transaction costs about the same for five messages as for one, and where few cores are
/// shared the time it takes is missing elsewhere.
const PACE: Duration = Duration::from_millis(5);

/// What every lane of a worker shares.
pub(crate) struct LaneShared<R> {
    pub(crate) worker: &'static str,
    pub(crate) queue: String,
    /// The latest rules: the shops' choices may change at any time.
    pub(crate) rules: watch::Receiver<Arc<R>>,
    pub(crate) config: Arc<Config>,
    pub(crate) metrics: Arc<WorkerMetrics>,
}

/// Where a lane reports.
#[derive(Clone, Debug)]
pub(crate) struct LaneReports {
    /// Tags whose deliveries are done with.
    pub(crate) finished: UnboundedSender<u64>,
    /// Messages that failed by themselves.
    pub(crate) failed: UnboundedSender<FailedMessage>,
    /// The dependency that is down; ends the round.
    pub(crate) trouble: UnboundedSender<store::Error>,
}

/// Why a lane gives up its work in hand.
struct DependencyDown(store::Error);

/// Works until no more jobs can come, or the database is down.
pub(crate) async fn run<R: Rules>(
    shared: Arc<LaneShared<R>>,
    mut database: Database,
    mut jobs: UnboundedReceiver<Job<R::Event>>,
    reports: LaneReports,
) {
    let batch = shared.config.batch;
    let mut early = Early::new(shared.config.patience);
    let precautions = Precautions {
        failpoints: shared.config.failpoints.clone(),
        watchdog: Watchdog::start(shared.worker, shared.config.decision_limit),
    };
    let mut more = true;
    let mut next = Instant::now();
    while more {
        let mut taken = Vec::with_capacity(batch);
        tokio::select! {
            count = jobs.recv_many(&mut taken, batch) => more = count > 0,
            () = early.look() => {}
            () = tokio::time::sleep(PROBE_AFTER) => {
                if let Err(error) = database.ping().await {
                    reports.trouble.send(error).unwrap_or_default();
                    return;
                }
            }
        }
        if !taken.is_empty() {
            gather(&mut jobs, &mut taken, batch, next).await;
            next = Instant::now() + PACE;
        }
        let mut taken =
            if more { early.admit(&mut database, taken).await } else { early.give_up() };
        while !taken.is_empty() {
            let rest = taken.split_off(taken.len().min(batch));
            let mut lane = Lane {
                shared: &shared,
                precautions: &precautions,
                database: &mut database,
                reports: &reports,
            };
            match lane.work_off(std::mem::replace(&mut taken, rest)).await {
                Ok(true) => early.suspect(),
                Ok(false) => {}
                Err(DependencyDown(error)) => {
                    // Nobody listening means that the round is over already.
                    reports.trouble.send(error).unwrap_or_default();
                    return;
                }
            }
        }
    }
    if let Err(error) = database.close().await {
        tracing::debug!(%error, "the connection was gone already");
    }
}

/// Waits until it is time for the next transaction, and takes what came meanwhile.
async fn gather<T>(
    jobs: &mut UnboundedReceiver<T>,
    taken: &mut Vec<T>,
    batch: usize,
    next: Instant,
) {
    if taken.len() < batch {
        sleep_until(next).await;
    }
    while taken.len() < batch {
        let Ok(job) = jobs.try_recv() else { return };
        taken.push(job);
    }
}

struct Lane<'a, R: Rules> {
    shared: &'a LaneShared<R>,
    precautions: &'a Precautions,
    database: &'a mut Database,
    reports: &'a LaneReports,
}

impl<R: Rules> Lane<'_, R> {
    /// Settles each of the jobs; returns whether one was parked.
    async fn work_off(&mut self, jobs: Vec<Job<R::Event>>) -> Result<bool, DependencyDown> {
        let mut verdicts: Vec<Option<Verdict>> = Vec::new();
        verdicts.resize_with(jobs.len(), || None);
        // The rest of the ranges, last one on top.
        let mut ranges: Vec<Range<usize>> = groups(&jobs);
        ranges.reverse();
        while let Some(range) = ranges.pop() {
            if let Some(failure) = self.convict(&jobs[range.clone()]).await? {
                verdicts[range.start] = Some(Verdict::Failed(failure));
                continue;
            }
            let committed = self.commit(&jobs[range.clone()]).await;
            let acquitted = self.acquit(&jobs[range.clone()]).await;
            let committed = committed?;
            acquitted?;
            match committed {
                Ok(committed) => {
                    for (slot, verdict) in verdicts[range].iter_mut().zip(committed.verdicts) {
                        *slot = Some(verdict);
                    }
                }
                Err(culprit) => {
                    let failed = self.isolate(&jobs, &range, culprit, &mut ranges);
                    if let Some((index, failure)) = failed {
                        verdicts[index] = Some(Verdict::Failed(failure));
                    }
                }
            }
        }
        let mut parked = false;
        for (job, verdict) in jobs.into_iter().zip(verdicts) {
            let verdict = verdict.expect("every range ends in a commit or in one culprit");
            parked |= matches!(verdict, Verdict::Done(telemetry::Processed::Parked));
            self.report(job, verdict);
        }
        Ok(parked)
    }

    /// One transaction; what may pass by itself is tried again here.
    async fn commit(
        &mut self,
        jobs: &[Job<R::Event>],
    ) -> Result<Result<Committed, BatchError>, DependencyDown> {
        let shared = self.shared;
        let rules = Arc::clone(&shared.rules.borrow());
        let mut pause = BATCH_PAUSE;
        for attempt in 1.. {
            let started = Instant::now();
            let applied =
                batch::apply(&*rules, self.precautions, &shared.queue, self.database, jobs);
            let error = match applied.await {
                Ok(committed) => {
                    pass("committed");
                    self.measure(jobs, &committed, started.elapsed());
                    return Ok(Ok(committed));
                }
                Err(error) => error,
            };
            match &error {
                BatchError::Panicked(_) => return Ok(Err(error)),
                BatchError::Store(cause) => match cause.class() {
                    store::Class::Permanent => return Ok(Err(error)),
                    store::Class::DependencyDown => return Err(down(error)),
                    store::Class::Slow => {
                        // Trying all of it again would take as long again: first whose fault it is.
                        let pace = pace::keeps_up(self.database, &shared.queue).await;
                        return pace.map(|()| Err(error)).map_err(DependencyDown);
                    }
                    store::Class::Transient if attempt >= BATCH_TRIES => return Ok(Err(error)),
                    store::Class::Transient => {
                        self.say_retried(cause, jobs.len(), false);
                        tokio::time::sleep(pause).await;
                        pause *= 2;
                    }
                },
            }
        }
        unreachable!("the last try returns")
    }

    /// Splits a range that failed, or names the one message that is at fault.
    ///
    /// What is left to do goes on top of `ranges`, in the order of delivery.
    fn isolate(
        &self,
        jobs: &[Job<R::Event>],
        range: &Range<usize>,
        error: BatchError,
        ranges: &mut Vec<Range<usize>>,
    ) -> Option<(usize, Failure)> {
        match error {
            BatchError::Panicked(offset) => {
                let index = range.start + offset;
                self.say_panicked(&jobs[index].envelope);
                let rest = [index + 1..range.end, range.start..index];
                ranges.extend(rest.into_iter().filter(|rest| !rest.is_empty()));
                Some((index, Failure::panic()))
            }
            BatchError::Store(error) if range.len() == 1 => {
                Some((range.start, Failure::database(&error)))
            }
            BatchError::Store(error) => {
                self.say_retried(&error, range.len(), true);
                let middle = range.start + range.len() / 2;
                ranges.extend([middle..range.end, range.start..middle]);
                None
            }
        }
    }

    fn say_retried(&self, error: &store::Error, size: usize, split: bool) {
        BatchRetried { worker: self.shared.worker, cause: error.code(), size, split }.emit();
    }

    fn say_panicked(&self, envelope: &Envelope<R::Event>) {
        let order_id = envelope.event.order_ref().order().map(|order| order.to_string());
        let subject = Subject {
            worker: self.shared.worker,
            event_id: envelope.id.as_str(),
            event_type: Some(envelope.kind.name()),
            order_id: order_id.as_deref(),
            trace_id: envelope.trace.as_ref().map(TraceContext::trace_id),
        };
        RulePanicked { subject }.emit();
    }

    fn measure(&self, jobs: &[Job<R::Event>], committed: &Committed, took: Duration) {
        let metrics = &self.shared.metrics;
        metrics.committed(jobs.len(), took);
        let now = clock::now();
        for (job, verdict) in jobs.iter().zip(&committed.verdicts) {
            let envelope = &job.envelope;
            if let Some(published) = envelope.recorded_time.or(envelope.time) {
                metrics.end_to_end(now.since(published));
            }
            if let (false, Verdict::Done(telemetry::Processed::Applied), Some(decided)) =
                (envelope.kind.from_shop(), verdict, committed.now)
            {
                metrics.timer_lateness(lateness(decided, envelope.event.occurred_at()));
            }
        }
    }

    fn report(&self, job: Job<R::Event>, verdict: Verdict) {
        let tag = job.delivery.tag;
        match verdict {
            Verdict::Done(outcome) => {
                let envelope = &job.envelope;
                self.shared.metrics.processed(envelope.kind.name(), outcome, 1);
                tracing::debug!(
                    event_id = envelope.id.as_str(),
                    event_type = envelope.kind.name(),
                    order_id = envelope.event.order_ref().order().map(tracing::field::display),
                    trace_id = envelope.trace.as_ref().map(TraceContext::trace_id),
                    outcome = outcome.name(),
                    "event decided"
                );
                if let Some(span) = job.span {
                    span.done(outcome.name());
                }
                // Nobody listening means that the round is over: the message comes again.
                self.reports.finished.send(tag).unwrap_or_default();
            }
            Verdict::Failed(failure) => {
                let kind = Some(job.envelope.kind);
                let message_id = job.envelope.id.to_string();
                let order = job.envelope.event.order_ref().order();
                let failed = FailedMessage {
                    delivery: job.delivery,
                    kind,
                    message_id,
                    order,
                    trace: job.envelope.trace,
                    attempt: job.attempt,
                    failure,
                    span: job.span,
                };
                self.reports.failed.send(failed).unwrap_or_default();
            }
        }
    }
}

fn down(error: BatchError) -> DependencyDown {
    match error {
        BatchError::Store(error) => DependencyDown(error),
        BatchError::Panicked(_) => unreachable!("only the database is a dependency of a batch"),
    }
}

fn lateness(handled: Timestamp, due: Timestamp) -> Duration {
    handled.since(due)
}

/// Splits jobs so that each suspect stands alone: it may be what crashes us.
fn groups<E: Event>(jobs: &[Job<E>]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    for (index, job) in jobs.iter().enumerate() {
        if suspect::is_suspect(job) {
            groups.extend([start..index, index..index + 1]);
            start = index + 1;
        }
    }
    groups.push(start..jobs.len());
    groups.retain(|group| !group.is_empty());
    groups
}

#[cfg(test)]
mod tests;
