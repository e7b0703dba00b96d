//! Whom a leak concerns: by the master key that was lost, by time, or by who opened it.

use contracts::Timestamp;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::actions::{Operator, Role, note};
use crate::database::{Database, Transaction};
use crate::decode::at;
use crate::error::Error;
use crate::line::Line;
use crate::timeline::Time;

/// What leaked; all that is given has to hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leak<'a> {
    /// A master key: what it wraps, or wrapped before a rotation.
    pub master: Option<&'a str>,
    /// Stored, or opened, at this time or later.
    pub since: Option<Timestamp>,
    /// Stored, or opened, before this time.
    pub until: Option<Timestamp>,
    /// Dead letters that this person or login read.
    pub opened_by: Option<&'a str>,
}

/// Something that leaked: what a shop sent, or a key that sealed such things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// The table it lies in.
    pub place: String,
    /// Its id there.
    pub item: String,
    /// The customer, as far as anything tells.
    pub customer_ref: Option<String>,
    /// The order, as far as anything tells.
    pub order_id: Option<Uuid>,
    /// The dead letter that it is, or belongs to.
    pub letter_id: Option<i64>,
    /// Whose key sealed it; nothing for what lies in clear.
    pub subject: Option<String>,
    /// When it was stored.
    pub stored_at: Time,
}

/// Finds what leaked, by customer, and notes in the audit who asked.
///
/// # Errors
/// When a statement fails.
pub async fn affected(
    database: &mut Database,
    leak: Leak<'_>,
    operator: Operator<'_>,
) -> Result<Vec<Affected>, Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let connection = transaction.connection();
        let found = find(connection, leak).await?;
        let detail = json!({
            "master_key": leak.master, "since": leak.since, "until": leak.until,
            "opened_by": leak.opened_by, "found": found.len(),
        });
        note(connection, operator, Role::Admin, "privacy.affected", "leak", detail).await?;
        Ok(found)
    };
    database.within_wide("find what leaked", step).await
}

async fn find(connection: &mut Line, leak: Leak<'_>) -> Result<Vec<Affected>, Error> {
    let found = sqlx::query_as!(
        Affected,
        r#"
        WITH opened AS MATERIALIZED (
            SELECT DISTINCT jsonb_array_elements_text(audit.detail -> 'letters')::bigint AS id
            FROM audit
            WHERE
                $4 IN (audit.actor, audit.login)
                AND audit.action IN ('dlq.show', 'dlq.unmask', 'dlq.export', 'dlq.edit')
                AND ($2::timestamptz IS NULL OR audit.recorded_at >= $2)
                AND ($3::timestamptz IS NULL OR audit.recorded_at < $3)
        ),
        leaked AS MATERIALIZED (
            SELECT
                stored.place, stored.item, stored.letter_id, stored.stored_at, key.subject,
                CASE
                    WHEN
                        stored.order_id
                        ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                        THEN stored.order_id::uuid
                    WHEN key.subject LIKE 'order:%' THEN substr(key.subject, 7)::uuid
                END AS order_id
            FROM stored_content AS stored
            LEFT JOIN subject_keys AS key ON key.id = stored.key_id
            WHERE
                ($1::text IS NULL OR $1 = key.master OR $1 = ANY(key.masters_before))
                AND CASE
                    WHEN $4::text IS NULL
                        THEN
                            ($2::timestamptz IS NULL OR stored.stored_at >= $2)
                            AND ($3::timestamptz IS NULL OR stored.stored_at < $3)
                    ELSE stored.letter_id IN (SELECT opened.id FROM opened)
                END
        )
        SELECT
            leaked.place AS "place!", leaked.item AS "item!",
            coalesce(
                CASE WHEN leaked.subject LIKE 'customer:%' THEN substr(leaked.subject, 10) END,
                orders.customer_ref
            ) AS customer_ref,
            leaked.order_id, leaked.letter_id, leaked.subject AS "subject?",
            leaked.stored_at AS "stored_at!: Time"
        FROM leaked
        LEFT JOIN orders ON orders.id = leaked.order_id
        ORDER BY 3 NULLS LAST, leaked.order_id, leaked.stored_at, leaked.place, leaked.item
        "#,
        leak.master,
        leak.since.map(at),
        leak.until.map(at),
        leak.opened_by,
    );
    found.fetch_all(connection).await.map_err(Error::during("find what leaked"))
}
