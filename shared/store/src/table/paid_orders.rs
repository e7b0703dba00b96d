//! What customers paid, kept with their marks in `customer_marks`.
//!
//! Only customers of whom orders expired unpaid have a mark. Before the third one expires, what
//! they paid is looked up once, which is work that grows with all orders; from then on, each
//! transaction that has an order paid adds it. The row of the mark is locked for either, so that
//! neither misses the other.

use std::collections::HashSet;

use crate::line::Line;
use contracts::Timestamp;
use domain::history::Change;
use domain::order::OrderStatus;

use crate::column::column;
use crate::decode::at;
use crate::error::Error;
use crate::write_set::Decided;

/// Paid orders of one customer that are kept, the latest ones: more than make up for anything.
const KEPT: i64 = 1_000;

/// An order of a customer with a mark that was paid.
pub(crate) struct PaidOrder<'a> {
    customer: &'a str,
    paid_at: Timestamp,
}

/// The orders that these decisions have paid, of customers who have a mark.
pub(crate) fn of_marked<'a>(decided: &'a [Decided<'_>], marked: &[String]) -> Vec<PaidOrder<'a>> {
    if marked.is_empty() {
        return Vec::new();
    }
    let marked: HashSet<&str> = marked.iter().map(String::as_str).collect();
    let paid = decided.iter().filter(|one| is_payment(one)).filter_map(|one| {
        let order = one.decision.changes.order.as_ref()?;
        let customer = order.customer_ref.as_str();
        let paid_at = order.paid_at.filter(|_| marked.contains(customer))?;
        Some(PaidOrder { customer, paid_at })
    });
    paid.collect()
}

fn is_payment(one: &Decided<'_>) -> bool {
    let is_payment = |change| matches!(change, Change::Order(_, _, OrderStatus::Paid));
    one.decision.changes.history.iter().any(|line| is_payment(line.change))
}

/// Adds paid orders where what the customer paid is known; where not, a look-up will find them.
pub(crate) async fn note(connection: &mut Line, paid: &[PaidOrder<'_>]) -> Result<(), Error> {
    if paid.is_empty() {
        return Ok(());
    }
    let customers: Vec<&str> = paid.iter().map(|order| order.customer).collect();
    if hold(connection, &customers).await?.known.is_empty() {
        return Ok(());
    }
    let noted = sqlx::query!(
        r#"
        UPDATE customer_marks
        SET
            paid = ARRAY(
                SELECT known.at
                FROM (
                    SELECT unnest(customer_marks.paid) AS at
                    UNION ALL
                    SELECT noted.at
                    FROM unnest($1::text[], $2::timestamptz[]) AS noted (customer_ref, at)
                    WHERE noted.customer_ref = customer_marks.customer_ref
                ) AS known
                WHERE known.at > now() - INTERVAL '30 days'
                ORDER BY known.at DESC
                LIMIT $3
            )
        WHERE customer_ref = ANY($1) AND paid IS NOT NULL
        "#,
        &customers as _,
        column(paid, |order| at(order.paid_at)) as _,
        KEPT,
    );
    noted.execute(connection).await.map_err(Error::during("note paid orders"))?;
    Ok(())
}

/// Makes sure that it is known what these customers paid, where it matters; locks their marks.
///
/// Returns whether any has a mark.
pub(crate) async fn know(connection: &mut Line, customers: &[&str]) -> Result<bool, Error> {
    let Held { known, unknown } = hold(connection, customers).await?;
    if !unknown.is_empty() {
        look_up(connection, &unknown).await?;
    }
    Ok(!(known.is_empty() && unknown.is_empty()))
}

/// Marks that were locked.
#[derive(Default)]
struct Held {
    /// Whose payments are known, or do not matter.
    known: Vec<String>,
    /// Whose payments are to be looked up.
    unknown: Vec<String>,
}

/// Locks marks, customers in one sequence in all batches.
///
/// A payment that was being decided while the mark was made has not seen it, so a look-up of the
/// mark's first minute, which is longer than a batch takes, is made once more after it.
async fn hold(connection: &mut Line, customers: &[&str]) -> Result<Held, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            customer_ref,
            coalesce(
                paid IS NULL
                OR (
                    paid_looked_up_at < unpaid[1] + INTERVAL '1 minute'
                    AND now() >= unpaid[1] + INTERVAL '1 minute'
                ),
                false
            ) AND cardinality(unpaid) >= 2 AS "is_unknown!"
        FROM customer_marks
        WHERE customer_ref = ANY($1)
        ORDER BY customer_ref
        FOR UPDATE
        "#,
        customers as _,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("lock marks"))?;
    let mut held = Held::default();
    for row in rows {
        let list = if row.is_unknown { &mut held.unknown } else { &mut held.known };
        list.push(row.customer_ref);
    }
    Ok(held)
}

/// Finds what these customers paid. Their marks are locked, so a payment is either committed and
/// found, or adds itself later.
async fn look_up(connection: &mut Line, customers: &[String]) -> Result<(), Error> {
    let found = sqlx::query!(
        r#"
        UPDATE customer_marks
        SET
            paid_looked_up_at = now(),
            paid = ARRAY(
                SELECT orders.paid_at
                FROM orders
                WHERE
                    orders.customer_ref = customer_marks.customer_ref
                    AND orders.paid_at > now() - INTERVAL '30 days'
                ORDER BY orders.paid_at DESC
                LIMIT $2
            )
        WHERE customer_ref = ANY($1)
        "#,
        customers,
        KEPT,
    );
    found.execute(connection).await.map_err(Error::during("look up paid orders"))?;
    Ok(())
}
