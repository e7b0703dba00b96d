//! What a batch's decisions people are told: asked of the database only where there is something.

use std::collections::HashMap;

use contracts::{Event, IdSource, Timestamp};
use domain::notices::{self, Wanted};
use domain::{Decision, PolicyBook};
use store::{Transaction, readers};

use crate::batch::Job;

/// Adds the notifications that may be sent now to the decisions that give reason for them.
///
/// Each decision stands with its job and with what it wants told. Consent and erasure are read
/// here, when a message is due, and not when it was planned (policy 15, case 68).
pub(crate) async fn request<E: Event>(
    book: &PolicyBook,
    transaction: &mut Transaction<'_>,
    jobs: &[&Job<E>],
    wanted: &[Option<Wanted>],
    decisions: &mut [Decision],
    now: Timestamp,
) -> Result<(), store::Error> {
    if wanted.iter().all(Option::is_none) {
        return Ok(());
    }
    let mut customers: Vec<_> = wanted.iter().flatten().filter_map(Wanted::customer).collect();
    customers.sort_unstable_by_key(|customer| customer.as_str());
    customers.dedup();
    let readers: HashMap<_, _> = readers::load(transaction, &customers).await?;
    for ((job, wanted), decision) in jobs.iter().zip(wanted).zip(decisions) {
        let Some(wanted) = wanted else { continue };
        let reader = wanted.customer().and_then(|customer| readers.get(customer.as_str()));
        let reader = reader.copied().unwrap_or_default();
        // Apart from the ids of the decision itself, which begin anew for the same event.
        let id = format!("{}#notifications", job.envelope.id);
        let mut ids = IdSource::new(job.envelope.source.as_str(), &id, now);
        notices::request(book, wanted, &reader, now, &mut ids, &mut decision.changes);
    }
    Ok(())
}
