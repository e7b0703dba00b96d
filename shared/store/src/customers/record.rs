//! What rules know of the customers of a batch.

use std::collections::HashMap;

use crate::line::Line;
use contracts::OrderId;
use domain::OrderState;
use domain::customer::{CustomerDispute, CustomerRecord, CustomerRefund, ORDERS_COUNTED_FROM};
use uuid::Uuid;

use crate::decode::Place;
use crate::error::Error;
use crate::table::{customer_marks, paid_orders, risk_flags};

/// Refunds and disputes of one customer that are read one by one, the latest ones: whoever has
/// more is above every limit that can be chosen.
const READ_EACH: i64 = 1_000;

/// Reads what is known of the orders' customers into the orders.
pub(crate) async fn load(
    connection: &mut Line,
    states: &mut HashMap<OrderId, OrderState>,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = states.keys().copied().map(Uuid::from).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut records = counts(connection, &ids).await?;
    let customers: Vec<&str> = records.keys().map(String::as_str).collect();
    let flags = risk_flags::load(connection, &customers).await?;
    for flag in flags {
        if let Some(record) = records.get_mut(flag.customer_ref.as_str()) {
            record.flags.push(flag);
        }
    }
    let known = |record: &CustomerRecord| record.refunds_90d + record.disputes_90d > 0;
    let known = records.iter().filter(|(_, record)| known(record));
    let known: Vec<String> = known.map(|(customer, _)| customer.clone()).collect();
    if !known.is_empty() {
        refunds(connection, &known, &mut records).await?;
        disputes(connection, &known, &mut records).await?;
    }
    for state in states.values_mut() {
        let customer = state.order.as_ref().map(|order| order.customer_ref.as_str());
        if let Some(record) = customer.and_then(|customer| records.get(customer)) {
            state.customer = record.clone();
        }
    }
    Ok(())
}

/// Locks the marks of the orders' customers and reads them into the orders.
pub(crate) async fn load_marks(
    connection: &mut Line,
    states: &mut HashMap<OrderId, OrderState>,
) -> Result<(), Error> {
    let orders = states.values().filter_map(|state| state.order.as_ref());
    let customers: Vec<&str> = orders.map(|order| order.customer_ref.as_str()).collect();
    if customers.is_empty() || !paid_orders::know(connection, &customers).await? {
        return Ok(());
    }
    let customers: Vec<String> = customers.into_iter().map(str::to_owned).collect();
    let marks = customer_marks::load(connection, &customers).await?;
    for state in states.values_mut() {
        let customer = state.order.as_ref().map(|order| &order.customer_ref);
        state.customer.mark = customer.and_then(|customer| marks.get(customer)).cloned();
    }
    Ok(())
}

/// How much there is of each customer.
async fn counts(
    connection: &mut Line,
    orders: &[Uuid],
) -> Result<HashMap<String, CustomerRecord>, Error> {
    let counted = sqlx::query!(
        r#"
        WITH customers AS MATERIALIZED (
            SELECT DISTINCT customer_ref FROM orders WHERE id = ANY($1)
        ),
        counted AS MATERIALIZED (
            SELECT
                customers.customer_ref,
                (
                    SELECT count(*)
                    FROM refunds
                    WHERE
                        refunds.customer_ref = customers.customer_ref
                        AND refunds.requested_at > now() - INTERVAL '90 days'
                        AND refunds.status <> 'rejected'
                        AND refunds.reason NOT IN (
                            'late_payment', 'overpaid', 'duplicate', 'order_cancelled'
                        )
                ) AS refunds,
                (
                    SELECT count(*)
                    FROM disputes
                    WHERE
                        disputes.customer_ref = customers.customer_ref
                        AND disputes.opened_at > now() - INTERVAL '90 days'
                ) AS disputes
            FROM customers
        )
        SELECT
            customer_ref AS "customer_ref!", refunds AS "refunds!", disputes AS "disputes!",
            CASE
                -- The order at hand may be about to have the one refund that is missing.
                WHEN refunds >= $2::bigint - 1 THEN (
                    SELECT count(*)
                    FROM orders
                    WHERE
                        orders.customer_ref = counted.customer_ref
                        AND orders.placed_at > now() - INTERVAL '90 days'
                )
            END AS orders
        FROM counted
        "#,
        orders,
        ORDERS_COUNTED_FROM,
    );
    let counted = counted.fetch_all(connection).await;
    let counted = counted.map_err(Error::during("read customers"))?.into_iter();
    let record = counted.map(|row| {
        let (refunds_90d, disputes_90d, orders_90d) = (row.refunds, row.disputes, row.orders);
        let counts = CustomerRecord { refunds_90d, disputes_90d, orders_90d, ..Default::default() };
        (row.customer_ref, counts)
    });
    Ok(record.collect())
}

async fn refunds(
    connection: &mut Line,
    customers: &[String],
    records: &mut HashMap<String, CustomerRecord>,
) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            wanted.customer_ref AS "customer_ref!", latest.id, latest.order_id,
            latest.requested_at
        FROM unnest($1::text[]) AS wanted (customer_ref)
        CROSS JOIN LATERAL (
            SELECT refunds.id, refunds.order_id, refunds.requested_at
            FROM refunds
            WHERE
                refunds.customer_ref = wanted.customer_ref
                AND refunds.requested_at > now() - INTERVAL '90 days'
                AND refunds.status <> 'rejected'
                AND refunds.reason NOT IN (
                    'late_payment', 'overpaid', 'duplicate', 'order_cancelled'
                )
            ORDER BY refunds.requested_at DESC
            LIMIT $2
        ) AS latest
        "#,
        customers,
        READ_EACH,
    );
    let rows = rows.fetch_all(connection).await;
    for row in rows.map_err(Error::during("read customers' refunds"))? {
        let (id, order, at) = (row.id.into(), row.order_id.into(), row.requested_at.into());
        if let Some(record) = records.get_mut(&row.customer_ref) {
            record.refunds.push(CustomerRefund { id, order, at });
        }
    }
    Ok(())
}

async fn disputes(
    connection: &mut Line,
    customers: &[String],
    records: &mut HashMap<String, CustomerRecord>,
) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            wanted.customer_ref AS "customer_ref!", latest.id, latest.amount_minor,
            latest.currency AS "currency!", latest.opened_at
        FROM unnest($1::text[]) AS wanted (customer_ref)
        CROSS JOIN LATERAL (
            SELECT
                disputes.id, disputes.amount_minor, disputes.currency::text AS currency,
                disputes.opened_at
            FROM disputes
            WHERE
                disputes.customer_ref = wanted.customer_ref
                AND disputes.opened_at > now() - INTERVAL '90 days'
                AND disputes.status <> 'withdrawn'
            ORDER BY disputes.opened_at DESC
            LIMIT $2
        ) AS latest
        "#,
        customers,
        READ_EACH,
    );
    let rows = rows.fetch_all(connection).await;
    for row in rows.map_err(Error::during("read customers' disputes"))? {
        let place = Place::new("disputes", row.id);
        let amount = place.money("amount_minor", row.amount_minor, &row.currency)?;
        let (id, at) = (row.id.into(), row.opened_at.into());
        if let Some(record) = records.get_mut(&row.customer_ref) {
            record.disputes.push(CustomerDispute { id, amount, at });
        }
    }
    Ok(())
}
