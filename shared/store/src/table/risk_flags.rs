//! The table `risk_flags`.

use crate::line::Line;
use domain::Status;
use domain::customer::RiskFlag;
use time::OffsetDateTime;
use uuid::Uuid;

use super::all_rows;
use crate::column::column;
use crate::decode::{Place, at, optional_time};
use crate::error::Error;
use crate::write_set::Decided;

struct Row {
    customer_ref: String,
    id: Uuid,
    rule: String,
    evidence: Vec<Uuid>,
    policy_version: String,
    raised_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    lifted_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for RiskFlag {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("risk_flags", row.id);
        Ok(Self {
            id: row.id.into(),
            customer_ref: place.text("customer_ref", &row.customer_ref)?,
            rule: place.status("rule", &row.rule)?,
            evidence: row.evidence,
            version: place.text("policy_version", &row.policy_version)?,
            raised_at: row.raised_at.into(),
            expires_at: row.expires_at.into(),
            lifted_at: optional_time(row.lifted_at),
        })
    }
}

/// Reads every flag of these customers, the oldest first.
pub(crate) async fn load(
    connection: &mut Line,
    customers: &[&str],
) -> Result<Vec<RiskFlag>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            customer_ref, id, rule::text AS "rule!", evidence, policy_version, raised_at,
            expires_at, lifted_at
        FROM risk_flags
        WHERE customer_ref = ANY($1)
        ORDER BY raised_at, id
        "#,
        customers as _,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read flags"))?;
    rows.into_iter().map(RiskFlag::try_from).collect()
}

/// Adds every flag.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let rows = all_rows(decided, |changes| &changes.flags)?;
    if rows.is_empty() {
        return Ok(());
    }
    // An array of arrays would have to be a matrix: each flag's evidence is one text.
    let written = sqlx::query!(
        r#"
        INSERT INTO risk_flags (
            order_id, customer_ref, id, rule, evidence, policy_version, raised_at, expires_at
        )
        SELECT
            unnest($1::uuid[]), unnest($2::text[]), unnest($3::uuid[]),
            unnest($4::text[]::risk_rule[]), unnest($5::text[])::uuid[], unnest($6::text[]),
            unnest($7::timestamptz[]), unnest($8::timestamptz[])
        "#,
        column(&rows, |of| Uuid::from(of.order)) as _,
        column(&rows, |of| of.row.customer_ref.as_str()) as _,
        column(&rows, |of| Uuid::from(of.row.id)) as _,
        column(&rows, |of| of.row.rule.name()) as _,
        column(&rows, |of| array_text(&of.row.evidence)) as _,
        column(&rows, |of| of.row.version.as_str()) as _,
        column(&rows, |of| at(of.row.raised_at)) as _,
        column(&rows, |of| at(of.row.expires_at)) as _,
    );
    written.execute(connection).await.map_err(Error::during("write flags"))?;
    Ok(())
}

/// Ids as Postgres writes an array of them.
fn array_text(ids: &[Uuid]) -> String {
    let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    format!("{{{}}}", ids.join(","))
}
