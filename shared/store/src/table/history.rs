//! The table `history`.

use crate::line::Line;
use domain::Status;
use uuid::Uuid;

use super::all_rows;
use crate::column::column;
use crate::decode::at;
use crate::error::Error;
use crate::write_set::Decided;

/// Adds every line of history.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows = all_rows(decided, |changes| &changes.history)?;
    if rows.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        r#"
        INSERT INTO history (
            order_id, seq, inbox_id, entity, entity_id, from_status, to_status, reason, recorded_at
        )
        SELECT
            unnest($1::uuid[]), unnest($2::integer[]), unnest($3::bigint[]),
            unnest($4::text[]::history_entity[]), unnest($5::uuid[]), unnest($6::text[]),
            unnest($7::text[]), unnest($8::text[]), unnest($9::timestamptz[])
        "#,
        column(&rows, |line| Uuid::from(line.order)) as _,
        column(&rows, |line| line.row.seq) as _,
        column(&rows, |line| line.inbox) as _,
        column(&rows, |line| line.row.change.entity()) as _,
        column(&rows, |line| line.row.change.entity_id()) as _,
        column(&rows, |line| line.row.change.names().0) as _,
        column(&rows, |line| line.row.change.names().1) as _,
        column(&rows, |line| line.row.reason.map(Status::name)) as _,
        column(&rows, |line| at(line.row.at)) as _,
    );
    written.execute(connection).await.map_err(Error::during("write history"))?;
    Ok(())
}
