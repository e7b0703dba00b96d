//! What is held of a customer: counted, read back, made unreadable.
//!
//! Rows of orders, money and history name a customer by a pseudonym and stay. What goes is what
//! shops sent in their own words, headers and bodies of parked events and dead letters, and what
//! we noted of the customer: flags and marks.

mod affected;
mod erase;
mod export;

use crate::line::Line;
use contracts::{OrderId, Token};
use serde::Serialize;

use crate::database::Database;
use crate::error::Error;
use crate::timeline::Time;

pub use affected::{Affected, Leak, affected};
pub use erase::{Erased, Erasure, Obstacle, Order, erase};
pub use export::{Export, OrderExport, StoredContent, export};

/// A customer, as shops name them.
pub type CustomerRef = Token<64>;

/// What is held of a customer beside rows that only know the pseudonym.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// Their orders.
    pub orders: i64,
    /// Live keys of the customer and of their orders.
    pub keys: i64,
    /// Events that wait for their parent.
    pub parked: i64,
    /// When the last of these stops waiting.
    pub parked_until: Option<Time>,
    /// Events on their way home, not sent yet.
    pub returning: i64,
    /// Dead letters that nobody resolved or archived.
    pub open_letters: i64,
    /// Dead letters that are done with.
    pub closed_letters: i64,
    /// Disputes that are not closed.
    pub open_disputes: i64,
    /// Flags and marks of theirs, whether they count now or not.
    pub marks: i64,
    /// When they were erased last.
    pub erased_at: Option<Time>,
}

impl Holdings {
    /// Whether nothing here ever heard of the customer.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Counts what is held of a customer.
///
/// # Errors
/// When a statement fails.
pub async fn holdings(database: &mut Database, customer: &CustomerRef) -> Result<Holdings, Error> {
    let mut snapshot = database.begin_snapshot("holdings").await?;
    let held = count(snapshot.connection(), customer).await?;
    snapshot.rollback().await?;
    Ok(held)
}

/// Whether a customer was erased; nobody writes to them any more (case 68).
///
/// # Errors
/// When the statement fails.
pub async fn is_erased(database: &mut Database, customer: &CustomerRef) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM erasures WHERE customer_ref = $1) AS "erased!""#,
        customer.as_str(),
    )
    .fetch_one(database.connection()?)
    .await
    .map_err(Error::during("look for an erasure"))
}

async fn count(connection: &mut Line, customer: &CustomerRef) -> Result<Holdings, Error> {
    sqlx::query_as!(
        Holdings,
        r#"
        WITH theirs AS MATERIALIZED (
            SELECT id FROM orders WHERE customer_ref = $1
        ),
        own_keys AS MATERIALIZED (
            SELECT id
            FROM subject_keys
            WHERE
                destroyed_at IS NULL
                AND subject IN (
                    SELECT 'order:' || theirs.id FROM theirs
                    UNION ALL
                    SELECT 'customer:' || $1
                )
        ),
        letters AS MATERIALIZED (
            SELECT status IN ('resolved', 'archived') AS closed
            FROM dead_letters
            WHERE
                erased_at IS NULL
                AND (
                    key_id IN (SELECT own_keys.id FROM own_keys)
                    OR order_id IN (SELECT theirs.id::text FROM theirs)
                )
        ),
        waiting AS MATERIALIZED (
            SELECT park_until
            FROM parked_events
            WHERE
                order_id IN (SELECT theirs.id FROM theirs)
                OR key_id IN (SELECT own_keys.id FROM own_keys)
        )
        SELECT
            (SELECT count(*) FROM theirs) AS "orders!",
            (SELECT count(*) FROM own_keys) AS "keys!",
            (SELECT count(*) FROM waiting) AS "parked!",
            (SELECT max(park_until) FROM waiting) AS "parked_until: Time",
            (
                SELECT count(*)
                FROM outbox
                WHERE
                    sent_at IS NULL
                    AND exchange = 'return'
                    AND (
                        order_id IN (SELECT theirs.id FROM theirs)
                        OR key_id IN (SELECT own_keys.id FROM own_keys)
                    )
            ) AS "returning!",
            (SELECT count(*) FROM letters WHERE NOT closed) AS "open_letters!",
            (SELECT count(*) FROM letters WHERE closed) AS "closed_letters!",
            (
                SELECT count(*)
                FROM disputes
                WHERE customer_ref = $1 AND status IN ('needs_response', 'under_review')
            ) AS "open_disputes!",
            (
                (SELECT count(*) FROM risk_flags WHERE customer_ref = $1)
                + (SELECT count(*) FROM customer_marks WHERE customer_ref = $1)
            ) AS "marks!",
            (SELECT max(erased_at) FROM erasures WHERE customer_ref = $1) AS "erased_at: Time"
        "#,
        customer.as_str(),
    )
    .fetch_one(connection)
    .await
    .map_err(Error::during("count what is held of the customer"))
}

/// The orders of a customer, oldest first.
async fn orders_of(connection: &mut Line, customer: &CustomerRef) -> Result<Vec<OrderId>, Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM orders WHERE customer_ref = $1 ORDER BY placed_at, id",
        customer.as_str(),
    );
    let ids = ids.fetch_all(connection).await;
    let ids = ids.map_err(Error::during("find the customer's orders"))?;
    Ok(ids.into_iter().map(OrderId::from).collect())
}
