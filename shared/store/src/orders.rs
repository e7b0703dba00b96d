//! Orders as rules see them: found, then read whole.

use std::collections::{HashMap, HashSet};

use contracts::{OrderId, OrderRef};
use domain::OrderState;
use domain::timer::TimerKind;
use uuid::Uuid;

use crate::column::column;
use crate::customers;
use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::table;

/// How much the rules of a worker need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The order and everything that belongs to it.
    Order,
    /// That, and what is known of its customer.
    OrderAndCustomer,
    /// The order, and the mark of its customer.
    OrderAndMark,
}

/// Finds the orders that events refer to; the answers are in the order of `references`.
///
/// # Errors
/// When a statement fails.
pub async fn resolve(
    transaction: &mut Transaction<'_>,
    references: &[OrderRef],
) -> Result<Vec<Option<OrderId>>, Error> {
    let mut payments = Vec::new();
    let mut disputes = Vec::new();
    for (place, reference) in (0..).zip(references) {
        match reference {
            OrderRef::Order(_) => {}
            OrderRef::Payment { provider, payment_ref } => {
                payments.push((place, provider.as_str(), payment_ref.as_str()));
            }
            OrderRef::Dispute { provider, dispute_ref } => {
                disputes.push((place, provider.as_str(), dispute_ref.as_str()));
            }
        }
    }
    let mut found = by_payment(transaction, &payments).await?;
    found.extend(by_dispute(transaction, &disputes).await?);
    let order = |(place, reference): (i64, &OrderRef)| match reference {
        OrderRef::Order(id) => Some(*id),
        OrderRef::Payment { .. } | OrderRef::Dispute { .. } => found.get(&place).copied(),
    };
    Ok((0..).zip(references).map(order).collect())
}

/// The place of a reference in its batch, its provider, and what the provider calls it.
type Reference<'a> = (i64, &'a str, &'a str);

async fn by_payment(
    transaction: &mut Transaction<'_>,
    references: &[Reference<'_>],
) -> Result<HashMap<i64, OrderId>, Error> {
    if references.is_empty() {
        return Ok(HashMap::new());
    }
    let found = sqlx::query!(
        r#"
        SELECT wanted.place AS "place!", attempt.order_id AS "order_id!"
        FROM (
            SELECT
                unnest($1::bigint[]) AS place, unnest($2::text[]) AS provider,
                unnest($3::text[]) AS reference
        ) AS wanted
        INNER JOIN payment_attempts AS attempt
            ON attempt.provider = wanted.provider AND attempt.provider_ref = wanted.reference
        UNION ALL
        -- Money that fits no order names one all the same.
        SELECT wanted.place AS "place!", money.claimed_order
        FROM (
            SELECT
                unnest($1::bigint[]) AS place, unnest($2::text[]) AS provider,
                unnest($3::text[]) AS reference
        ) AS wanted
        INNER JOIN unapplied_money AS money
            ON money.provider = wanted.provider AND money.provider_ref = wanted.reference
        WHERE
            NOT EXISTS (
                SELECT FROM payment_attempts AS attempt
                WHERE
                    attempt.provider = money.provider
                    AND attempt.provider_ref = money.provider_ref
            )
        "#,
        column(references, |(place, ..)| *place) as _,
        column(references, |(_, provider, _)| *provider) as _,
        column(references, |(_, _, reference)| *reference) as _,
    );
    let found = found.fetch_all(transaction.connection()).await;
    let found = found.map_err(Error::during("find orders by payment"))?;
    Ok(found.into_iter().map(|row| (row.place, row.order_id.into())).collect())
}

async fn by_dispute(
    transaction: &mut Transaction<'_>,
    references: &[Reference<'_>],
) -> Result<HashMap<i64, OrderId>, Error> {
    if references.is_empty() {
        return Ok(HashMap::new());
    }
    let found = sqlx::query!(
        r#"
        SELECT wanted.place AS "place!", dispute.order_id
        FROM (
            SELECT
                unnest($1::bigint[]) AS place, unnest($2::text[]) AS provider,
                unnest($3::text[]) AS reference
        ) AS wanted
        INNER JOIN disputes AS dispute
            ON dispute.provider = wanted.provider AND dispute.provider_ref = wanted.reference
        "#,
        column(references, |(place, ..)| *place) as _,
        column(references, |(_, provider, _)| *provider) as _,
        column(references, |(_, _, reference)| *reference) as _,
    );
    let found = found.fetch_all(transaction.connection()).await;
    let found = found.map_err(Error::during("find orders by dispute"))?;
    Ok(found.into_iter().map(|row| (row.place, row.order_id.into())).collect())
}

/// What an event needs to find before it can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parent {
    /// Its order.
    Order,
    /// Its order, and money that was taken for it.
    Money,
}

/// Which of these orders are there with what is needed of them, without waiting for anybody.
///
/// # Errors
/// When the statement fails.
pub async fn with_parent(
    database: &mut Database,
    orders: &[OrderId],
    parent: Parent,
) -> Result<HashSet<OrderId>, Error> {
    let mut ids: Vec<Uuid> = orders.iter().copied().map(Uuid::from).collect();
    ids.sort_unstable();
    ids.dedup();
    let transfers = match parent {
        Parent::Order => 0,
        Parent::Money => 1,
    };
    let found = sqlx::query_scalar!(
        r#"SELECT id FROM orders WHERE id = ANY($1) AND ledger_len >= $2"#,
        &ids,
        transfers,
    );
    let found = found.fetch_all(database.connection()?).await;
    let found = found.map_err(Error::during("look for orders"))?;
    Ok(found.into_iter().map(OrderId::from).collect())
}

/// Reads orders with all that belongs to them; unknown orders are absent.
///
/// Take their locks first ([`lock_orders`](crate::locks::lock_orders)).
///
/// # Errors
/// When a statement fails, and [`Error::Inconsistent`] for a row that makes no sense.
pub async fn load(
    transaction: &mut Transaction<'_>,
    orders: &[OrderId],
    scope: Scope,
) -> Result<HashMap<OrderId, OrderState>, Error> {
    let mut ids: Vec<Uuid> = orders.iter().copied().map(Uuid::from).collect();
    ids.sort_unstable();
    ids.dedup();
    let connection = transaction.connection();
    let mut states = HashMap::with_capacity(ids.len());
    let found = table::orders::load(connection, &ids).await?;
    for order in found.orders {
        let id = order.id;
        states.insert(id, OrderState { order: Some(order), ..OrderState::default() });
    }
    transaction.remember_marked(found.marked);
    load_children(transaction, &ids, &mut states).await?;
    match scope {
        Scope::Order => {}
        Scope::OrderAndCustomer => customers::load(transaction.connection(), &mut states).await?,
        Scope::OrderAndMark => customers::load_marks(transaction.connection(), &mut states).await?,
    }
    Ok(states)
}

/// Reads what belongs to the orders found, and what waits for those that are not.
///
/// Money without an order has a timer, and a timer is all that an unknown order can have.
///
/// An attempt, a refund or a dispute begins with a line of history, and a capture belongs to an
/// attempt. So an order whose own opening is its only line has timers and nothing else, which
/// saves the payment of a new order, the most common event of all, four fruitless searches.
async fn load_children(
    transaction: &mut Transaction<'_>,
    ids: &[Uuid],
    states: &mut HashMap<OrderId, OrderState>,
) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let connection = transaction.connection();
    let mut with_money: Vec<Uuid> = Vec::new();
    for (order, timer) in table::timers::load(connection, ids).await? {
        if timer.kind == TimerKind::UnappliedMoneyDue {
            with_money.push(order.into());
        }
        states.entry(order).or_default().timers.push(timer);
    }
    if !with_money.is_empty() {
        for money in table::unapplied_money::load(connection, &with_money).await? {
            states.entry(money.claimed_order).or_default().unapplied.push(money);
        }
    }
    let grown: Vec<Uuid> = states
        .values()
        .filter_map(|state| state.order.as_ref())
        .filter(|order| order.history_len > 1)
        .map(|order| order.id.into())
        .collect();
    if grown.is_empty() {
        return Ok(());
    }
    for (order, attempt) in table::attempts::load(connection, &grown).await? {
        states.entry(order).or_default().attempts.push(attempt);
    }
    for (order, capture) in table::captures::load(connection, &grown).await? {
        states.entry(order).or_default().captures.push(capture);
    }
    for (order, refund) in table::refunds::load(connection, &grown).await? {
        states.entry(order).or_default().refunds.push(refund);
    }
    for (order, dispute) in table::disputes::load(connection, &grown).await? {
        states.entry(order).or_default().disputes.push(dispute);
    }
    Ok(())
}
