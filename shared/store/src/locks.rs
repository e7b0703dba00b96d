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
    Ok(lock_orders_of(transaction, orders, &[]).await?.0)
}

/// As [`lock_orders`]; also says which of these customers have a mark, which most have not.
///
/// # Errors
/// When a lock is not had within the connection's lock timeout.
pub async fn lock_orders_of(
    transaction: &mut Transaction<'_>,
    orders: &[OrderId],
    customers: &[&str],
) -> Result<(Timestamp, Vec<String>), Error> {
    let mut keys: Vec<i64> = orders.iter().map(|order| key(*order)).collect();
    keys.sort_unstable();
    keys.dedup();
    let locked = sqlx::query!(
        r#"
        WITH held AS MATERIALIZED (
            SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS wanted (key)
        )
        SELECT
            clock_timestamp() AS "now!",
            ARRAY(
                SELECT customer_ref FROM customer_marks WHERE customer_ref = ANY($2)
            ) AS "marked!"
        FROM (SELECT count(*) FROM held) AS all_held
        "#,
        &keys,
        customers as _,
    );
    let locked = locked.fetch_one(transaction.connection()).await;
    let locked = locked.map_err(Error::during("lock orders"))?;
    let now = locked.now.into();
    transaction.set_locked_at(now);
    transaction.remember_marked(locked.marked.clone());
    Ok((now, locked.marked))
}

/// Both halves of the id: two orders with one key only wait for each other without need.
fn key(order: OrderId) -> i64 {
    let (high, low) = Uuid::from(order).as_u64_pair();
    (high ^ low).cast_signed()
}
