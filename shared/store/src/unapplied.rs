//! Money that fits no order, for the people who decide on it.

use contracts::{MoneyId, OrderId, Token};
use domain::Status as _;
use domain::timer::TimerKind;
use domain::unapplied::MoneyDecision;
use serde::Serialize;
use uuid::Uuid;

use crate::actions::{Operator, Role, note};
use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::locks::lock_orders;
use crate::timeline::Time;

/// Money that fits no order, as it stands.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct MoneyRow {
    pub id: Uuid,
    pub cause: String,
    pub provider: String,
    pub capture_ref: String,
    pub claimed_order: Uuid,
    pub currency: String,
    pub amount_minor: i64,
    pub occurred_at: Time,
    pub recorded_at: Time,
    /// When it is looked at again, if it is.
    pub due_at: Option<Time>,
    pub decision: Option<String>,
    pub decided_by: Option<String>,
    pub decision_reason: Option<String>,
    pub decided_at: Option<Time>,
    pub refund_id: Option<Uuid>,
    pub refund_status: Option<String>,
    pub resolved_at: Option<Time>,
    pub resolution: Option<String>,
}

/// Reads money that waits for somebody, or all there is, the oldest first and at most `limit`.
///
/// # Errors
/// When the statement fails.
pub async fn list(
    database: &mut Database,
    resolved_too: bool,
    limit: i64,
) -> Result<Vec<MoneyRow>, Error> {
    read(database, None, resolved_too, limit).await
}

/// Reads one sum of money.
///
/// # Errors
/// When the statement fails.
pub async fn find(database: &mut Database, id: MoneyId) -> Result<Option<MoneyRow>, Error> {
    Ok(read(database, Some(id), true, 1).await?.into_iter().next())
}

async fn read(
    database: &mut Database,
    id: Option<MoneyId>,
    resolved_too: bool,
    limit: i64,
) -> Result<Vec<MoneyRow>, Error> {
    let rows = sqlx::query_as!(
        MoneyRow,
        r#"
        SELECT
            money.id, money.cause::text AS "cause!", money.provider, money.capture_ref,
            money.claimed_order, money.currency::text AS "currency!", money.amount_minor,
            money.occurred_at AS "occurred_at: Time", money.recorded_at AS "recorded_at: Time",
            timers.due_at AS "due_at?: Time", money.decision::text, money.decided_by,
            money.decision_reason, money.decided_at AS "decided_at: Time", money.refund_id,
            money.refund_status::text, money.resolved_at AS "resolved_at: Time",
            money.resolution::text
        FROM unapplied_money AS money
        LEFT JOIN timers
            ON
                timers.order_id = money.claimed_order
                AND timers.kind = 'unapplied_money_due'
                AND timers.owner_id = money.id
                AND timers.status = 'armed'
        WHERE ($1::uuid IS NULL OR money.id = $1) AND ($2 OR money.resolved_at IS NULL)
        ORDER BY money.recorded_at, money.id
        LIMIT $3
        "#,
        id.map(Uuid::from),
        resolved_too,
        limit,
    );
    let rows = rows.fetch_all(database.connection()?).await;
    rows.map_err(Error::during("read unapplied money"))
}

/// What came of a person's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The rules will do what it says.
    Recorded,
    /// There is no such money.
    Unknown,
    /// It is settled already what becomes of it.
    AlreadyResolved,
}

/// Records what a person wants to become of money, and has it looked at now.
///
/// Only the decision is written: the money is moved by the rules, when the timer comes home.
///
/// # Errors
/// When a statement fails.
pub async fn decide(
    database: &mut Database,
    id: MoneyId,
    decision: MoneyDecision,
    actor: &Token<64>,
    reason: &str,
) -> Result<Recorded, Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let Some(order) = claimed_order(transaction, id).await? else {
            return Ok(Recorded::Unknown);
        };
        lock_orders(transaction, &[order]).await?;
        if !record(transaction, id, decision, actor, reason).await? {
            return Ok(Recorded::AlreadyResolved);
        }
        look_now(transaction, order, id).await?;
        let action = match decision {
            MoneyDecision::Refund => "money.refund",
            MoneyDecision::WriteOff => "money.write-off",
        };
        let operator = Operator { actor: actor.as_str(), reason };
        let detail = serde_json::json!({ "order": order });
        let object = format!("money:{id}");
        note(transaction.connection(), operator, Role::Operator, action, &object, detail).await?;
        Ok(Recorded::Recorded)
    };
    database.within("decide on unapplied money", step).await
}

async fn claimed_order(
    transaction: &mut Transaction<'_>,
    id: MoneyId,
) -> Result<Option<OrderId>, Error> {
    let order = sqlx::query_scalar!(
        r#"SELECT claimed_order FROM unapplied_money WHERE id = $1"#,
        Uuid::from(id),
    );
    let order = order.fetch_optional(transaction.connection()).await;
    Ok(order.map_err(Error::during("find unapplied money"))?.map(OrderId::from))
}

async fn record(
    transaction: &mut Transaction<'_>,
    id: MoneyId,
    decision: MoneyDecision,
    actor: &Token<64>,
    reason: &str,
) -> Result<bool, Error> {
    let recorded = sqlx::query!(
        r#"
        UPDATE unapplied_money
        SET
            decision = $2::text::unapplied_decision,
            decided_by = $3,
            decision_reason = $4,
            decided_at = now()
        WHERE id = $1 AND resolved_at IS NULL
        "#,
        Uuid::from(id),
        decision.name(),
        actor.as_str(),
        reason,
    );
    let recorded = recorded.execute(transaction.connection()).await;
    Ok(recorded.map_err(Error::during("record a decision on money"))?.rows_affected() > 0)
}

async fn look_now(
    transaction: &mut Transaction<'_>,
    order: OrderId,
    id: MoneyId,
) -> Result<(), Error> {
    let armed = sqlx::query!(
        r#"
        INSERT INTO timers (order_id, kind, owner_id, generation, due_at, status)
        VALUES ($1, $2::text::timer_kind, $3, 1, now(), 'armed')
        ON CONFLICT (order_id, kind, owner_id) DO UPDATE
        SET
            generation = timers.generation + 1,
            due_at = excluded.due_at,
            status = excluded.status,
            resolved_at = NULL,
            handed_over_at = NULL,
            handovers = 0
        "#,
        Uuid::from(order),
        TimerKind::UnappliedMoneyDue.name(),
        Uuid::from(id),
    );
    let armed = armed.execute(transaction.connection()).await;
    armed.map_err(Error::during("arm a timer of money"))?;
    transaction.hint_timers();
    Ok(())
}
