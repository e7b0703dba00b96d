//! The master keys that a database knows of, by name and proof; never the keys themselves.

use crate::line::Line;

use crate::column::column;
use crate::database::{Database, Transaction};
use crate::error::Error;

use super::ring::{KeyRing, MasterKey};

/// Most keys wrapped anew by one transaction.
const ROTATE_AT_ONCE: i64 = 1000;

/// Makes the current master key known, and checks that this process has every key in use.
///
/// # Errors
/// [`Error::KeyMissing`] or [`Error::KeyDiffers`] for a key that something may be sealed with, and
/// any statement's.
pub async fn introduce(database: &mut Database) -> Result<(), Error> {
    let ring = database.keys();
    // Whoever lacks a key makes none known: all others would lack that one.
    check(database, &ring).await?;
    if let Some(current) = ring.current() {
        sqlx::query!(
            "INSERT INTO master_keys (name, proof) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            current.name(),
            current.proof(),
        )
        .execute(database.connection()?)
        .await
        .map_err(Error::during("make the master key known"))?;
        // Somebody else may have made another one known by its name meanwhile.
        check(database, &ring).await?;
    }
    Ok(())
}

/// Whether a process has every key in use.
async fn check(database: &mut Database, ring: &KeyRing) -> Result<(), Error> {
    let known = sqlx::query!("SELECT name, proof FROM master_keys ORDER BY name");
    let known = known.fetch_all(database.connection()?).await;
    for row in known.map_err(Error::during("read the names of master keys"))? {
        match ring.named(&row.name) {
            None => return Err(Error::KeyMissing { name: row.name }),
            Some(key) if key.proof().as_slice() != row.proof => {
                return Err(Error::KeyDiffers { name: row.name });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Wraps every key that an older master key wraps with the current one; returns how many.
///
/// The older master keys are then forgotten, and may leave the key file.
///
/// Without a current master key there is nothing to do.
///
/// # Errors
/// When one of the older master keys is missing, or a statement fails.
pub async fn rotate(database: &mut Database) -> Result<u64, Error> {
    introduce(database).await?;
    let ring = database.keys();
    let Some(current) = ring.current() else { return Ok(0) };
    let mut rotated = 0;
    loop {
        let step = rotate_some(database, &ring, current).await?;
        rotated += step;
        if step == 0 {
            return Ok(rotated);
        }
    }
}

async fn rotate_some(
    database: &mut Database,
    ring: &KeyRing,
    current: &MasterKey,
) -> Result<u64, Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let connection = transaction.connection();
        let rotated = wrap_anew(connection, ring, current).await?;
        forget_unused(connection, current).await?;
        Ok(rotated)
    };
    database.within_wide("rotate keys", step).await
}

async fn wrap_anew(
    connection: &mut Line,
    ring: &KeyRing,
    current: &MasterKey,
) -> Result<u64, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT id, master, wrapped AS "wrapped!"
        FROM subject_keys
        WHERE destroyed_at IS NULL AND master <> $1
        ORDER BY subject
        LIMIT $2
        FOR UPDATE
        "#,
        current.name(),
        ROTATE_AT_ONCE,
    );
    let rows = rows.fetch_all(&mut *connection).await;
    let rows = rows.map_err(Error::during("find keys to rotate"))?;
    let mut wrapped = Vec::with_capacity(rows.len());
    for row in &rows {
        let key = super::opened_key(ring, row.id, &row.master, &row.wrapped)?;
        wrapped.push((row.id, current.wrap(row.id, &key)?));
    }
    let written = sqlx::query!(
        r#"
        UPDATE subject_keys
        SET
            master = $1,
            wrapped = again.wrapped,
            masters_before = subject_keys.masters_before || subject_keys.master
        FROM (
            SELECT unnest($2::uuid[]) AS id, unnest($3::bytea[]) AS wrapped
        ) AS again
        WHERE subject_keys.id = again.id
        "#,
        current.name(),
        column(&wrapped, |(id, _)| *id) as _,
        column(&wrapped, |(_, wrapped)| wrapped.as_slice()) as _,
    );
    let written = written.execute(connection).await;
    Ok(written.map_err(Error::during("wrap keys anew"))?.rows_affected())
}

/// Forgets the master keys that wrap nothing any more.
async fn forget_unused(connection: &mut Line, current: &MasterKey) -> Result<(), Error> {
    let forgotten = sqlx::query!(
        r#"
        DELETE FROM master_keys
        WHERE
            name <> $1
            AND NOT EXISTS (
                SELECT
                FROM subject_keys
                WHERE
                    subject_keys.master = master_keys.name
                    AND subject_keys.destroyed_at IS NULL
            )
        "#,
        current.name(),
    );
    forgotten.execute(connection).await.map_err(Error::during("forget master keys"))?;
    Ok(())
}
