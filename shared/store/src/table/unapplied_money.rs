//! The table `unapplied_money`, with the transfer that books each of its rows.

use domain::Status;
use domain::changes::UnappliedMoney;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::column::column;
use crate::decode::at;
use crate::error::Error;
use crate::write_set::Decided;

struct Row<'a> {
    inbox: i64,
    money: &'a UnappliedMoney,
}

/// Adds money that fits no order and books it to suspense; money known before is left alone.
pub(crate) async fn write(
    connection: &mut PgConnection,
    decided: &[Decided<'_>],
) -> Result<(), Error> {
    let rows: Vec<Row<'_>> = decided
        .iter()
        .flat_map(|one| {
            let inbox = one.inbox.id;
            one.decision.changes.unapplied.iter().map(move |money| Row { inbox, money })
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        r#"
        WITH reported AS (
            SELECT
                unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS inbox_id,
                unnest($3::text[]) AS provider, unnest($4::text[]) AS capture_ref,
                unnest($5::uuid[]) AS claimed_order,
                unnest($6::text[]::currency_code[]) AS currency,
                unnest($7::bigint[]) AS amount_minor,
                unnest($8::text[]::unapplied_cause[]) AS cause,
                unnest($9::timestamptz[]) AS occurred_at,
                unnest($10::timestamptz[]) AS recorded_at
        ),
        kept AS (
            INSERT INTO unapplied_money (
                id, provider, capture_ref, claimed_order, currency, amount_minor, cause,
                occurred_at, recorded_at
            )
            SELECT
                id, provider, capture_ref, claimed_order, currency, amount_minor, cause,
                occurred_at, recorded_at
            FROM reported
            ON CONFLICT (provider, capture_ref, cause) DO NOTHING
            RETURNING id
        )
        INSERT INTO transfers (
            subject_id, seq, journal, inbox_id, code, debit, credit, currency, amount_minor,
            reference, recorded_at
        )
        SELECT
            id, 1, 1, inbox_id, 'capture', 'psp_receivable', 'suspense', currency, amount_minor,
            capture_ref, recorded_at
        FROM reported
        INNER JOIN kept USING (id)
        "#,
        column(&rows, |row| row.money.id) as _,
        column(&rows, |row| row.inbox) as _,
        column(&rows, |row| row.money.provider.as_str()) as _,
        column(&rows, |row| row.money.capture_ref.as_str()) as _,
        column(&rows, |row| Uuid::from(row.money.claimed_order)) as _,
        column(&rows, |row| row.money.amount.currency().code()) as _,
        column(&rows, |row| row.money.amount.minor()) as _,
        column(&rows, |row| row.money.cause.name()) as _,
        column(&rows, |row| at(row.money.occurred_at)) as _,
        column(&rows, |row| at(row.money.recorded_at)) as _,
    );
    written.execute(connection).await.map_err(Error::during("write unapplied money"))?;
    Ok(())
}
