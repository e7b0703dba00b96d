//! What becomes of a delivery: one pure decision.

use std::time::Duration;

use crate::failure::Failure;
use crate::retry::RetryPolicy;

/// What becomes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It is done with.
    Ack,
    /// It is tried again after this time.
    RetryAfter(Duration),
    /// It waits for this time, which is none of its tries.
    Snooze(Duration),
    /// It goes to the dead letters under this code.
    DeadLetter(&'static str),
    /// Nothing: a dependency is down, and consuming pauses.
    Pause,
}

/// How handling a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandlingResult<'a> {
    /// Committed.
    Committed,
    /// It failed by itself.
    Failed(&'a Failure),
    /// A dependency is down; not the message's fault.
    DependencyDown,
}

/// Decides what becomes of a delivery.
///
/// `attempt` counts our tries of the message from 1; `jitter` lies in `0.0..1.0`.
pub fn settle(
    result: &HandlingResult<'_>,
    attempt: u32,
    policy: &RetryPolicy,
    jitter: f64,
) -> Settlement {
    match result {
        HandlingResult::Committed => Settlement::Ack,
        HandlingResult::DependencyDown => Settlement::Pause,
        HandlingResult::Failed(failure) if !failure.class.counts() => {
            Settlement::Snooze(policy.snooze(jitter))
        }
        HandlingResult::Failed(failure) if failure.class.is_transient() => policy
            .delay_after(attempt, jitter)
            .map_or(Settlement::DeadLetter(failure.code), Settlement::RetryAfter),
        HandlingResult::Failed(failure) => Settlement::DeadLetter(failure.code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureClass;

    #[test]
    fn every_result_and_attempt_has_its_settlement() {
        use FailureClass::{
            Conflict, Contract, DatabaseBusy, DatabasePermanent, DatabaseTransient, Panic,
        };
        use HandlingResult::{Committed, DependencyDown, Failed};
        let policy = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
        let failure =
            |class| Failure { class, code: "code", pointer: String::new(), detail: String::new() };
        let (contract, conflict, permanent, transient, busy, panic) = (
            failure(Contract),
            failure(Conflict),
            failure(DatabasePermanent),
            failure(DatabaseTransient),
            failure(DatabaseBusy),
            failure(Panic),
        );
        let retry = |seconds| Settlement::RetryAfter(Duration::from_secs(seconds));
        let dead = Settlement::DeadLetter("code");
        let table = [
            (Committed, 1, Settlement::Ack),
            (Committed, 9, Settlement::Ack),
            (DependencyDown, 1, Settlement::Pause),
            (DependencyDown, 9, Settlement::Pause),
            (Failed(&contract), 1, dead.clone()),
            (Failed(&conflict), 1, dead.clone()),
            (Failed(&permanent), 1, dead.clone()),
            (Failed(&transient), 1, retry(1)),
            (Failed(&transient), 2, retry(2)),
            (Failed(&transient), 3, dead.clone()),
            (Failed(&busy), 1, Settlement::Snooze(Duration::from_secs(30))),
            (Failed(&busy), 9, Settlement::Snooze(Duration::from_secs(30))),
            (Failed(&panic), 1, retry(1)),
            (Failed(&panic), 3, dead),
        ];
        for (result, attempt, expected) in table {
            assert_eq!(settle(&result, attempt, &policy, 0.5), expected, "{result:?} {attempt}");
        }
    }
}
