//! Keys whose time is over.

use crate::line::Line;
use uuid::Uuid;

use super::{Kind, Periods, Share};
use crate::database::{Database, Transaction};
use crate::error::Error;

/// A key whose time is over, and whether something open still needs it.
struct Candidate {
    id: Uuid,
    needed: bool,
}

/// How many keys of a kind would go.
pub(super) async fn share(
    connection: &mut Line,
    kind: Kind,
    periods: &Periods,
) -> Result<Share, Error> {
    let found = candidates(connection, kind, periods, None).await?;
    let kept = found.iter().filter(|key| key.needed).count();
    let count = |keys: usize| i64::try_from(keys).unwrap_or(i64::MAX);
    Ok(Share { kind, rows: count(found.len() - kept), bytes: 0, kept: count(kept) })
}

/// Destroys or deletes the keys of a kind; returns how many.
pub(super) async fn trim(
    database: &mut Database,
    kind: Kind,
    periods: &Periods,
) -> Result<i64, Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let connection = transaction.connection();
        let found = candidates(connection, kind, periods, None).await?;
        let locked = lock(connection, &free(found)).await?;
        // Once more under lock: something may have been sealed meanwhile.
        let found = candidates(connection, kind, periods, Some(&locked)).await?;
        end(connection, kind, &free(found)).await
    };
    database.within_wide("trim keys", step).await
}

fn free(found: Vec<Candidate>) -> Vec<Uuid> {
    found.into_iter().filter(|key| !key.needed).map(|key| key.id).collect()
}

async fn candidates(
    connection: &mut Line,
    kind: Kind,
    periods: &Periods,
    among: Option<&[Uuid]>,
) -> Result<Vec<Candidate>, Error> {
    match kind {
        Kind::DayKeys => old_days(connection, periods, among).await,
        Kind::ErasedKeys => of_erased(connection, among).await,
        Kind::UnusedKeys => unused(connection, among).await,
        Kind::SentMessages
        | Kind::AcceptedEvents
        | Kind::ClosedLetters
        | Kind::EndedMarks
        | Kind::Suspects
        | Kind::Orders => Ok(Vec::new()),
    }
}

async fn old_days(
    connection: &mut Line,
    periods: &Periods,
    among: Option<&[Uuid]>,
) -> Result<Vec<Candidate>, Error> {
    let keys = sqlx::query_as!(
        Candidate,
        r#"
        SELECT
            key.id,
            EXISTS (
                SELECT FROM sealed_content AS content WHERE content.key_id = key.id AND content.open
            ) AS "needed!"
        FROM subject_keys AS key
        WHERE
            key.destroyed_at IS NULL
            AND key.subject LIKE 'day:%'
            AND key.created_at < now() - make_interval(secs => $1)
            AND ($2::uuid[] IS NULL OR key.id = ANY($2))
        "#,
        periods.day_keys.as_secs_f64(),
        among,
    );
    keys.fetch_all(connection).await.map_err(Error::during("find keys of old days"))
}

async fn of_erased(connection: &mut Line, among: Option<&[Uuid]>) -> Result<Vec<Candidate>, Error> {
    let keys = sqlx::query_as!(
        Candidate,
        r#"
        SELECT
            key.id AS "id!",
            EXISTS (
                SELECT FROM sealed_content AS content WHERE content.key_id = key.id AND content.open
            ) AS "needed!"
        FROM keys_of_erased AS key
        WHERE $1::uuid[] IS NULL OR key.id = ANY($1)
        "#,
        among,
    );
    keys.fetch_all(connection).await.map_err(Error::during("find keys of erased customers"))
}

async fn unused(connection: &mut Line, among: Option<&[Uuid]>) -> Result<Vec<Candidate>, Error> {
    let keys = sqlx::query_as!(
        Candidate,
        r#"
        SELECT key.id, false AS "needed!"
        FROM subject_keys AS key
        WHERE
            NOT EXISTS (SELECT FROM sealed_content AS content WHERE content.key_id = key.id)
            AND ($1::uuid[] IS NULL OR key.id = ANY($1))
        "#,
        among,
    );
    keys.fetch_all(connection).await.map_err(Error::during("find unused keys"))
}

/// Those of the keys that nobody uses right now, locked.
async fn lock(connection: &mut Line, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let locked = sqlx::query_scalar!(
        "SELECT id FROM subject_keys WHERE id = ANY($1) ORDER BY subject FOR UPDATE SKIP LOCKED",
        ids,
    );
    locked.fetch_all(connection).await.map_err(Error::during("lock keys"))
}

async fn end(connection: &mut Line, kind: Kind, ids: &[Uuid]) -> Result<i64, Error> {
    let ended = if kind == Kind::UnusedKeys {
        sqlx::query!("DELETE FROM subject_keys WHERE id = ANY($1)", ids).execute(connection).await
    } else {
        let destroyed = sqlx::query!(
            "UPDATE subject_keys SET wrapped = NULL, destroyed_at = now() WHERE id = ANY($1)",
            ids,
        );
        destroyed.execute(connection).await
    };
    let ended = ended.map_err(Error::during("end keys"))?.rows_affected();
    Ok(i64::try_from(ended).unwrap_or(i64::MAX))
}
