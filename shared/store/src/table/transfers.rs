//! The table `transfers`: the ledger.

use domain::Status;
use sqlx::PgConnection;
use uuid::Uuid;

use super::all_rows;
use crate::column::column;
use crate::decode::at;
use crate::error::Error;
use crate::write_set::Decided;

/// Adds every transfer to its order's ledger.
pub(crate) async fn write(
    connection: &mut PgConnection,
    decided: &[Decided<'_>],
) -> Result<(), Error> {
    let rows = all_rows(decided, |changes| &changes.transfers)?;
    if rows.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        r#"
        INSERT INTO transfers (
            subject_id, seq, journal, inbox_id, code, debit, credit, currency, amount_minor,
            reference, recorded_at
        )
        SELECT
            unnest($1::uuid[]), unnest($2::integer[]), unnest($3::integer[]), unnest($4::bigint[]),
            unnest($5::text[]::journal_code[]), unnest($6::text[]::account[]),
            unnest($7::text[]::account[]), unnest($8::text[]::currency_code[]),
            unnest($9::bigint[]), unnest($10::text[]), unnest($11::timestamptz[])
        "#,
        column(&rows, |transfer| Uuid::from(transfer.order)) as _,
        column(&rows, |transfer| transfer.row.seq) as _,
        column(&rows, |transfer| transfer.row.journal) as _,
        column(&rows, |transfer| transfer.inbox) as _,
        column(&rows, |transfer| transfer.row.code.name()) as _,
        column(&rows, |transfer| transfer.row.debit.name()) as _,
        column(&rows, |transfer| transfer.row.credit.name()) as _,
        column(&rows, |transfer| transfer.row.amount.currency().code()) as _,
        column(&rows, |transfer| transfer.row.amount.minor()) as _,
        column(&rows, |transfer| transfer.row.reference.as_str()) as _,
        column(&rows, |transfer| at(transfer.row.at)) as _,
    );
    written.execute(connection).await.map_err(Error::during("write transfers"))?;
    Ok(())
}
