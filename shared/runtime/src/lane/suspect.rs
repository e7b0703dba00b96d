//! Messages that came back without an answer: one of them may be what ends this worker.
//!
//! The broker counts deliveries of everything that was in hand when a process ended, so its count
//! cannot tell who did it. A suspect is decided alone, and noted in the database before: whoever
//! is noted and not acquitted was being decided when the process ended.

use contracts::Event;
use domain::Rules;
use store::suspects::{self, Suspect};

use super::{DependencyDown, Lane};
use crate::batch::Job;
use crate::failure::Failure;

/// Deliveries of a message without an answer after which it is handled alone.
const SUSPECT_AFTER: u32 = 2;
/// Decisions alone that a message gets before it is taken for what ends the worker.
const TRIES: i32 = 3;

/// Whether a message came back so often that it has to be handled alone.
pub(super) fn is_suspect<E>(job: &Job<E>) -> bool {
    job.delivery.delivery_count >= SUSPECT_AFTER
}

impl<R: Rules> Lane<'_, R> {
    /// The verdict on a suspect over which the worker ended too often; notes every other one.
    pub(super) async fn convict(
        &mut self,
        jobs: &[Job<R::Event>],
    ) -> Result<Option<Failure>, DependencyDown> {
        let Some(suspect) = suspect(&self.shared.queue, jobs) else { return Ok(None) };
        let tries = suspects::note(self.database, suspect).await.map_err(DependencyDown)?;
        Ok((tries > TRIES).then(|| Failure::crash(TRIES)))
    }

    /// Forgets a suspect that was decided, whatever came of it.
    pub(super) async fn acquit(&mut self, jobs: &[Job<R::Event>]) -> Result<(), DependencyDown> {
        let Some(suspect) = suspect(&self.shared.queue, jobs) else { return Ok(()) };
        suspects::acquit(self.database, suspect).await.map_err(DependencyDown)
    }
}

fn suspect<'a, E: Event>(queue: &'a str, jobs: &'a [Job<E>]) -> Option<Suspect<'a>> {
    let [job] = jobs else { return None };
    is_suspect(job).then(|| Suspect {
        queue,
        source: job.envelope.source.as_str(),
        event_id: job.envelope.id.as_str(),
    })
}
