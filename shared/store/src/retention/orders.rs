//! Orders whose years are over, with their history and ledger: as one, or not at all.

use contracts::OrderId;
use uuid::Uuid;

use super::{Kind, Share};
use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::line::Line;
use crate::locks::lock_orders;

/// Most orders that go in one transaction; each has some dozens of rows.
const AT_ONCE: i64 = 500;

/// How many would go.
pub(super) async fn share(connection: &mut Line) -> Result<Share, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            count(*) FILTER (WHERE done) AS "rows!", count(*) FILTER (WHERE NOT done) AS "kept!"
        FROM orders_past_retention
        "#,
    );
    let row = row.fetch_one(connection).await.map_err(Error::during("count old orders"))?;
    Ok(Share { kind: Kind::Orders, rows: row.rows, bytes: 0, kept: row.kept })
}

/// Deletes them step by step; returns how many went.
pub(super) async fn delete(database: &mut Database) -> Result<i64, Error> {
    let mut all = 0;
    loop {
        let step = async |transaction: &mut Transaction<'_>| {
            let found = old(transaction.connection(), None).await?;
            let orders: Vec<OrderId> = found.into_iter().map(OrderId::from).collect();
            lock_orders(transaction, &orders).await?;
            // Once more under lock: something may have come for one meanwhile.
            let locked: Vec<Uuid> = orders.into_iter().map(Uuid::from).collect();
            let gone = old(transaction.connection(), Some(&locked)).await?;
            delete_lives(transaction.connection(), &gone).await?;
            Ok::<_, Error>((locked.len(), gone.len()))
        };
        let (found, gone) = database.within_wide("let orders go", step).await?;
        all += i64::try_from(gone).unwrap_or(i64::MAX);
        if gone == 0 || i64::try_from(found).unwrap_or(i64::MAX) < AT_ONCE {
            return Ok(all);
        }
    }
}

async fn old(connection: &mut Line, among: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
    let orders = sqlx::query_scalar!(
        r#"
        SELECT order_id AS "order_id!"
        FROM orders_past_retention
        WHERE done AND ($1::uuid[] IS NULL OR order_id = ANY($1))
        ORDER BY order_id
        LIMIT $2
        "#,
        among,
        AT_ONCE,
    );
    orders.fetch_all(connection).await.map_err(Error::during("find old orders"))
}

/// Deletes every row of these orders, and of money that claims them.
///
/// Who took consent back stays: it proves that nothing may be sent.
async fn delete_lives(connection: &mut Line, orders: &[Uuid]) -> Result<(), Error> {
    let deleted = sqlx::query!(
        r#"
        WITH money AS (
            DELETE FROM unapplied_money WHERE claimed_order = ANY($1) RETURNING id
        ),
        ledger AS (
            DELETE FROM transfers
            WHERE subject_id = ANY($1) OR subject_id IN (SELECT money.id FROM money)
        ),
        past AS (
            DELETE FROM history WHERE order_id = ANY($1)
        ),
        judged AS (
            DELETE FROM judgements WHERE order_id = ANY($1)
        ),
        clocks AS (
            DELETE FROM timers WHERE order_id = ANY($1)
        ),
        disputed AS (
            DELETE FROM disputes WHERE order_id = ANY($1)
        ),
        refunded AS (
            DELETE FROM refunds WHERE order_id = ANY($1)
        ),
        captured AS (
            DELETE FROM captures WHERE order_id = ANY($1)
        ),
        attempted AS (
            DELETE FROM payment_attempts WHERE order_id = ANY($1)
        )
        DELETE FROM orders WHERE id = ANY($1)
        "#,
        orders,
    );
    deleted.execute(connection).await.map(drop).map_err(Error::during("delete old orders"))
}
