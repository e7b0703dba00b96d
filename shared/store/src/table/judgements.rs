//! The table `judgements`.

use crate::line::Line;
use domain::Status;
use domain::judgement::Judgement;
use uuid::Uuid;

use super::all_rows;
use crate::column::column;
use crate::decode::at;
use crate::error::Error;
use crate::write_set::Decided;

/// Adds every decision of policy.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows = all_rows(decided, |changes| &changes.judgements)?;
    if rows.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        r#"
        INSERT INTO judgements (
            order_id, inbox_id, policy, verdict, policy_version, inputs, recorded_at
        )
        SELECT
            unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::text[]::policy_kind[]),
            unnest($4::text[]), unnest($5::text[]), unnest($6::text[]::json[]),
            unnest($7::timestamptz[])
        "#,
        column(&rows, |of| Uuid::from(of.order)) as _,
        column(&rows, |of| of.inbox) as _,
        column(&rows, |of| of.row.policy.name()) as _,
        column(&rows, |of| of.row.verdict.name()) as _,
        column(&rows, |of| of.row.version.as_str()) as _,
        column(&rows, |of| inputs(of.row)) as _,
        column(&rows, |of| at(of.row.at)) as _,
    );
    written.execute(connection).await.map_err(Error::during("write judgements"))?;
    Ok(())
}

fn inputs(judgement: &Judgement) -> String {
    let pairs =
        judgement.inputs.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
    serde_json::Value::Object(pairs.collect()).to_string()
}
