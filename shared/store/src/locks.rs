//! One lock per order, held to the end of the transaction.

use contracts::{OrderId, Timestamp};
use uuid::Uuid;

use crate::database::Transaction;
use crate::error::Error;

/// Locks orders, known or not, until the transaction ends; returns the database's clock after.
///
/// Every writer takes the locks of all its orders first, in one statement and in the same sequence,
/// so two batches never wait for each other in a circle. A row lock would not do: an event that
/// finds no order must wait for the one that creates it (case 22). The clock is read once the
/// last lock is held, so of two decisions on one order the later one has the later time.
///
/// # Errors
/// When a lock is not had within the connection's lock timeout.
pub async fn lock_orders(
    transaction: &mut Transaction<'_>,
    orders: &[OrderId],
) -> Result<Timestamp, Error> {
    let mut keys: Vec<i64> = orders.iter().map(|order| key(*order)).collect();
    keys.sort_unstable();
    keys.dedup();
    let now = sqlx::query_scalar!(
        r#"
        WITH held AS MATERIALIZED (
            SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS wanted (key)
        )
        SELECT clock_timestamp() AS "now!" FROM (SELECT count(*) FROM held) AS all_held
        "#,
        &keys,
    );
    let now = now.fetch_one(transaction.connection()).await;
    let now = now.map_err(Error::during("lock orders"))?.into();
    transaction.set_locked_at(now);
    Ok(now)
}

/// Both halves of the id: two orders with one key only wait for each other without need.
fn key(order: OrderId) -> i64 {
    let (high, low) = Uuid::from(order).as_u64_pair();
    (high ^ low).cast_signed()
}
