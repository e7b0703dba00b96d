//! Whether the database serves others, asked when it was too slow for somebody.
//!
//! A statement that waited too long, for a lock or for the server, does not say whose fault that
//! is. Whoever holds a table holds up everybody, and so does a server that is out of breath; both
//! are no message's fault.

use std::time::Duration;

use crate::database::Database;
use crate::error::{Class, Error};
use crate::suspects::{self, Suspect};

/// Longest that a server in good order takes to write one row, twice, on a busy day.
const WRITES_WITHIN: Duration = Duration::from_secs(5);

/// A table that batches write, held or about to be held by somebody in a way that keeps writers
/// out. Everybody may ask; statements on the catalogue gain nothing from being checked against our
/// tables. Partitions are left out: their upkeep locks each for a moment.
const HELD: &str = "
    SELECT c.relname::text
    FROM pg_locks l
    JOIN pg_class c ON c.oid = l.relation
    WHERE l.locktype = 'relation'
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.pid <> pg_backend_pid()
        AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
        AND c.relnamespace = current_schema()::regnamespace
        AND c.relname IN (
            'captures', 'consent_withdrawals', 'customer_marks', 'disputes', 'history', 'inbox',
            'judgements', 'orders', 'outbox', 'parked_events', 'payment_attempts', 'refunds',
            'risk_flags', 'suspects', 'timers', 'transfers', 'unapplied_money')
    ORDER BY 1
    LIMIT 1";

/// Refuses a database in which somebody holds a table that batches write.
///
/// # Errors
/// [`Error::Held`] then, and when the statement fails.
pub async fn is_open(database: &mut Database) -> Result<(), Error> {
    let held = sqlx::query_scalar::<_, String>(HELD).fetch_optional(database.connection()?).await;
    match held.map_err(Error::during("look for locks"))? {
        Some(table) => Err(Error::Held { table }),
        None => Ok(()),
    }
}

/// Refuses a database that serves nobody: a table is held, or one row takes too long to write.
///
/// `queue` is whose messages are held up.
///
/// # Errors
/// Then, and when a statement fails; every one of them means that the database is down.
pub async fn keeps_up(database: &mut Database, queue: &str) -> Result<(), Error> {
    is_open(database).await?;
    let row = Suspect { queue, source: "orderflow", event_id: "pace" };
    let write = async |database: &mut Database| {
        suspects::note(database, row).await?;
        suspects::acquit(database, row).await
    };
    match database.hurried(WRITES_WITHIN, write).await {
        Err(error) if error.class() == Class::Slow || error.code() == "no-answer" => {
            Err(Error::NoAnswer { step: "write a row", within: WRITES_WITHIN })
        }
        other => other,
    }
}
