//! The table `consent_withdrawals`.

use crate::line::Line;
use contracts::Token;
use uuid::Uuid;

use super::all_rows;
use crate::column::column;
use crate::decode::at;
use crate::error::Error;
use crate::write_set::Decided;

/// Adds what customers took back.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows = all_rows(decided, |changes| &changes.withdrawals)?;
    if rows.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        r#"
        INSERT INTO consent_withdrawals (
            order_id, inbox_id, customer_ref, purpose, text_version, withdrawn_at, recorded_at
        )
        SELECT
            unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::text[]),
            unnest($4::text[]::consent_purpose[]), unnest($5::text[]), unnest($6::timestamptz[]),
            unnest($7::timestamptz[])
        "#,
        column(&rows, |of| Uuid::from(of.order)) as _,
        column(&rows, |of| of.inbox) as _,
        column(&rows, |of| of.row.customer_ref.as_str()) as _,
        column(&rows, |of| of.row.purpose.name()) as _,
        column(&rows, |of| of.row.text_version.as_ref().map(Token::as_str)) as _,
        column(&rows, |of| at(of.row.withdrawn_at)) as _,
        column(&rows, |of| at(of.row.recorded_at)) as _,
    );
    written.execute(connection).await.map_err(Error::during("write withdrawn consent"))?;
    Ok(())
}
