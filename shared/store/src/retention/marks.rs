//! Flags and marks of customers whose time is over.

use std::time::Duration;

use crate::line::Line;

use super::{AT_ONCE, Kind, Share};
use crate::error::Error;

/// How many would go; what counts now stays, however old it is.
pub(super) async fn share(connection: &mut Line, period: Duration) -> Result<Share, Error> {
    let rows = sqlx::query_scalar!(
        r#"
        SELECT
            (
                SELECT count(*)
                FROM risk_flags
                WHERE least(expires_at, lifted_at) < now() - make_interval(secs => $1)
            ) + (
                SELECT count(*)
                FROM customer_marks
                WHERE
                    greatest(updated_at, restricted_until)
                    < now() - make_interval(secs => $1)
            ) AS "rows!"
        "#,
        period.as_secs_f64(),
    );
    let rows = rows.fetch_one(connection).await.map_err(Error::during("count old marks"))?;
    Ok(Share { kind: Kind::EndedMarks, rows, bytes: 0, kept: 0 })
}

/// Deletes some of them; returns how many.
pub(super) async fn delete(connection: &mut Line, period: Duration) -> Result<i64, Error> {
    sqlx::query_scalar!(
        r#"
        WITH flags AS (
            DELETE FROM risk_flags
            WHERE
                ctid = ANY(
                    ARRAY(
                        SELECT old.ctid
                        FROM risk_flags AS old
                        WHERE
                            least(old.expires_at, old.lifted_at)
                            < now() - make_interval(secs => $1)
                        LIMIT $2
                    )
                )
                AND least(expires_at, lifted_at) < now() - make_interval(secs => $1)
            RETURNING id
        ),
        marks AS (
            DELETE FROM customer_marks
            WHERE
                customer_ref = ANY(
                    ARRAY(
                        SELECT old.customer_ref
                        FROM customer_marks AS old
                        WHERE
                            greatest(old.updated_at, old.restricted_until)
                            < now() - make_interval(secs => $1)
                        LIMIT $2
                    )
                )
                AND greatest(updated_at, restricted_until) < now() - make_interval(secs => $1)
            RETURNING customer_ref
        )
        SELECT greatest(
            (SELECT count(*) FROM flags), (SELECT count(*) FROM marks)
        ) AS "count!"
        "#,
        period.as_secs_f64(),
        AT_ONCE,
    )
    .fetch_one(connection)
    .await
    .map_err(Error::during("delete old marks"))
}
