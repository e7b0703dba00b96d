//! The outcomes in the table `inbox`.

use crate::line::Line;
use domain::Status;
use domain::decision::{Outcome, OutcomeCode};
use uuid::Uuid;

use crate::column::column;
use crate::decode::at;
use crate::error::Error;
use crate::inbox::PastOutcome;
use crate::write_set::Decided;

/// Records what became of events; a fresh one that was applied says so by default.
///
/// The order is added to the rows of those that were claimed by a reference to it.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows: Vec<&Decided<'_>> = decided.iter().filter(|one| !is_complete(one)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        r#"
        UPDATE inbox
        SET
            outcome = decided.outcome,
            outcome_code = decided.outcome_code,
            parked_until = decided.parked_until,
            order_id = coalesce(decided.order_id, inbox.order_id)
        FROM (
            SELECT
                unnest($1::text[]) AS source, unnest($2::text[]) AS event_id,
                unnest($3::text[]::inbox_outcome[]) AS outcome, unnest($4::text[]) AS outcome_code,
                unnest($5::timestamptz[]) AS parked_until, unnest($6::uuid[]) AS order_id
        ) AS decided
        WHERE inbox.source = decided.source AND inbox.event_id = decided.event_id
        "#,
        column(&rows, |one| one.source) as _,
        column(&rows, |one| one.event_id) as _,
        column(&rows, |one| PastOutcome::name(&one.decision.outcome)) as _,
        column(&rows, |one| code(&one.decision.outcome).map(Status::name)) as _,
        column(&rows, |one| parked_until(&one.decision.outcome)) as _,
        column(&rows, |one| one.order.map(Uuid::from)) as _,
    );
    written.execute(connection).await.map_err(Error::during("record outcomes"))?;
    Ok(())
}

/// Whether the row is as the claim left it.
fn is_complete(one: &Decided<'_>) -> bool {
    let names_order = one.inbox.names_order || one.order.is_none();
    !one.again && names_order && one.decision.outcome == Outcome::Applied
}

fn code(outcome: &Outcome) -> Option<OutcomeCode> {
    match outcome {
        Outcome::Applied | Outcome::Parked { .. } => None,
        Outcome::Noop(code)
        | Outcome::Orphaned(code)
        | Outcome::Rejected(code)
        | Outcome::Quarantined(code) => Some(*code),
    }
}

fn parked_until(outcome: &Outcome) -> Option<time::OffsetDateTime> {
    match outcome {
        Outcome::Parked { until, .. } => Some(at(*until)),
        Outcome::Applied
        | Outcome::Noop(_)
        | Outcome::Orphaned(_)
        | Outcome::Rejected(_)
        | Outcome::Quarantined(_) => None,
    }
}
