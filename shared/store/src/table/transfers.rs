//! The table `transfers`: the ledger.

use crate::line::Line;
use domain::Status;
use domain::ledger::Transfer;
use domain::unapplied::UnappliedTransfer;
use uuid::Uuid;

use crate::column::column;
use crate::decode::at;
use crate::error::Error;
use crate::write_set::Decided;

struct Row<'a> {
    /// An order, or money that fits none.
    subject: Uuid,
    inbox: i64,
    transfer: &'a Transfer,
}

/// Adds every transfer to the ledger of its order, or of its money.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows = rows(decided)?;
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
        column(&rows, |row| row.subject) as _,
        column(&rows, |row| row.transfer.seq) as _,
        column(&rows, |row| row.transfer.journal) as _,
        column(&rows, |row| row.inbox) as _,
        column(&rows, |row| row.transfer.code.name()) as _,
        column(&rows, |row| row.transfer.debit.name()) as _,
        column(&rows, |row| row.transfer.credit.name()) as _,
        column(&rows, |row| row.transfer.amount.currency().code()) as _,
        column(&rows, |row| row.transfer.amount.minor()) as _,
        column(&rows, |row| row.transfer.reference.as_str()) as _,
        column(&rows, |row| at(row.transfer.at)) as _,
    );
    written.execute(connection).await.map_err(Error::during("write transfers"))?;
    Ok(())
}

fn rows<'a>(decided: &'a [Decided<'a>]) -> Result<Vec<Row<'a>>, Error> {
    let mut rows = Vec::new();
    for one in decided {
        let inbox = one.inbox.id;
        for transfer in &one.decision.changes.transfers {
            rows.push(Row { subject: one.order()?.into(), inbox, transfer });
        }
        for UnappliedTransfer { money, transfer } in &one.decision.changes.unapplied_transfers {
            rows.push(Row { subject: (*money).into(), inbox, transfer });
        }
    }
    Ok(rows)
}
