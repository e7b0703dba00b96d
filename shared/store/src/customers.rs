//! Customers: what rules know of them, and what people see and lift.

mod record;

use std::collections::HashMap;

use crate::line::Line;
use contracts::{FlagId, OrderId, Token};
use domain::Status as _;
use domain::customer::CustomerMark;
use domain::timer::TimerKind;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::actions::{Operator, Role, note};
use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::locks::lock_orders;
use crate::privacy::CustomerRef;
use crate::table::customer_marks;
use crate::timeline::Time;

pub(crate) use record::{load, load_marks};

/// A flag of a customer.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct FlagRow {
    pub id: Uuid,
    pub order_id: Uuid,
    pub rule: String,
    pub evidence: Vec<Uuid>,
    pub policy_version: String,
    pub raised_at: Time,
    pub expires_at: Time,
    /// Whether it counts now.
    pub live: bool,
    pub lifted_at: Option<Time>,
    pub lifted_by: Option<String>,
    pub lift_reason: Option<String>,
}

/// What is noted of a customer.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// Whose.
    pub customer_ref: String,
    /// Flags, the latest first; also those that expired or were lifted.
    pub flags: Vec<FlagRow>,
    /// What is remembered of unpaid orders.
    pub mark: Option<MarkRow>,
    /// What they took back of what they had agreed to, the earliest first.
    pub withdrawals: Vec<WithdrawalRow>,
}

/// What is remembered of a customer's unpaid orders.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct MarkRow {
    pub unpaid: Vec<String>,
    pub level: Option<String>,
    pub restricted_until: Option<Time>,
    pub restricted_by: Option<Uuid>,
    pub policy_version: Option<String>,
    /// Whether something is closed to the customer now.
    pub restricted: bool,
    pub lifted_at: Option<Time>,
    pub lifted_by: Option<String>,
    pub lift_reason: Option<String>,
}

impl Standing {
    /// Whether nothing is noted.
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty() && self.mark.is_none() && self.withdrawals.is_empty()
    }
}

/// Consent that was taken back.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns, described in the migrations")]
pub struct WithdrawalRow {
    pub order_id: Uuid,
    pub purpose: String,
    pub text_version: Option<String>,
    pub withdrawn_at: Time,
    pub recorded_at: Time,
}

/// Finds an order of a customer, any of them.
///
/// # Errors
/// When the statement fails.
pub async fn any_order(
    database: &mut Database,
    customer: &CustomerRef,
) -> Result<Option<OrderId>, Error> {
    let order = sqlx::query_scalar!(
        "SELECT id FROM orders WHERE customer_ref = $1 LIMIT 1",
        customer.as_str(),
    );
    let order = order.fetch_optional(database.connection()?).await;
    Ok(order.map_err(Error::during("find an order of a customer"))?.map(OrderId::from))
}

/// Reads what a customer took back, the earliest first.
async fn withdrawals(
    connection: &mut Line,
    customer: &CustomerRef,
) -> Result<Vec<WithdrawalRow>, Error> {
    let rows = sqlx::query_as!(
        WithdrawalRow,
        r#"
        SELECT
            order_id, purpose::text AS "purpose!", text_version,
            withdrawn_at AS "withdrawn_at: Time", recorded_at AS "recorded_at: Time"
        FROM consent_withdrawals
        WHERE customer_ref = $1
        ORDER BY withdrawn_at, inbox_id
        "#,
        customer.as_str(),
    );
    let rows = rows.fetch_all(connection).await;
    rows.map_err(Error::during("read the customer's withdrawals"))
}

/// Reads what is noted of a customer.
///
/// # Errors
/// When a statement fails.
pub async fn standing(database: &mut Database, customer: &CustomerRef) -> Result<Standing, Error> {
    let mut snapshot = database.begin_snapshot("standing").await?;
    let standing = standing_of(snapshot.connection(), customer).await?;
    snapshot.rollback().await?;
    Ok(standing)
}

pub(crate) async fn standing_of(
    connection: &mut Line,
    customer: &CustomerRef,
) -> Result<Standing, Error> {
    let flags = sqlx::query_as!(
        FlagRow,
        r#"
        SELECT
            id, order_id, rule::text AS "rule!", evidence, policy_version,
            raised_at AS "raised_at: Time", expires_at AS "expires_at: Time",
            lifted_at IS NULL AND expires_at > now() AS "live!", lifted_at AS "lifted_at: Time",
            lifted_by, lift_reason
        FROM risk_flags
        WHERE customer_ref = $1
        ORDER BY raised_at DESC, id DESC
        "#,
        customer.as_str(),
    );
    let flags = flags.fetch_all(&mut *connection).await;
    let flags = flags.map_err(Error::during("read the customer's flags"))?;
    let mark = sqlx::query_as!(
        MarkRow,
        r#"
        SELECT
            unpaid::text[] AS "unpaid!", level::text,
            restricted_until AS "restricted_until: Time", restricted_by, policy_version,
            coalesce(restricted_until > now(), false) AS "restricted!",
            lifted_at AS "lifted_at: Time", lifted_by, lift_reason
        FROM customer_marks
        WHERE customer_ref = $1
        "#,
        customer.as_str(),
    );
    let mark = mark.fetch_optional(&mut *connection).await;
    let mark = mark.map_err(Error::during("read the customer's mark"))?;
    let withdrawals = withdrawals(connection, customer).await?;
    Ok(Standing { customer_ref: customer.to_string(), flags, mark, withdrawals })
}

/// Reads the marks of these customers, with the open orders of limited ones.
///
/// # Errors
/// When the statement fails, and [`Error::Inconsistent`] for a row that makes no sense.
pub async fn marks(
    transaction: &mut Transaction<'_>,
    customers: &[String],
) -> Result<HashMap<Token<64>, CustomerMark>, Error> {
    let mut marks = customer_marks::load(transaction.connection(), customers).await?;
    customer_marks::count_open(transaction.connection(), &mut marks).await?;
    Ok(marks)
}

/// Lifts what is closed to a customer, and forgets the unpaid orders; whether there was anything.
///
/// It holds at once; `payment-timeout` announces it when the timer comes home.
///
/// # Errors
/// When a statement fails.
pub async fn lift(
    database: &mut Database,
    customer: &CustomerRef,
    actor: &Token<64>,
    reason: &str,
) -> Result<bool, Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let cause = sqlx::query_scalar!(
            r#"
            SELECT restricted_by AS "order!"
            FROM customer_marks
            WHERE customer_ref = $1 AND restricted_until > now()
            "#,
            customer.as_str(),
        );
        let cause = cause.fetch_optional(transaction.connection()).await;
        let Some(cause) = cause.map_err(Error::during("find a restriction"))? else {
            return Ok(false);
        };
        lock_orders(transaction, &[OrderId::from(cause)]).await?;
        let lifted = open_again(transaction, customer, cause, actor, reason).await?;
        if lifted {
            announce_now(transaction, cause).await?;
            let (operator, detail) = (Operator { actor: actor.as_str(), reason }, json!({}));
            let (connection, object) = (transaction.connection(), format!("customer:{customer}"));
            note(connection, operator, Role::Operator, "customer.lift", &object, detail).await?;
        }
        Ok(lifted)
    };
    database.within("lift a restriction", step).await
}

async fn open_again(
    transaction: &mut Transaction<'_>,
    customer: &CustomerRef,
    cause: Uuid,
    actor: &Token<64>,
    reason: &str,
) -> Result<bool, Error> {
    let lifted = sqlx::query!(
        r#"
        UPDATE customer_marks
        SET
            unpaid = '{}',
            restricted_until = now(),
            lifted_at = now(),
            lifted_by = $3,
            lift_reason = $4,
            updated_at = now()
        WHERE customer_ref = $1 AND restricted_by = $2 AND restricted_until > now()
        "#,
        customer.as_str(),
        cause,
        actor.as_str(),
        reason,
    );
    let lifted = lifted.execute(transaction.connection()).await;
    Ok(lifted.map_err(Error::during("lift a restriction"))?.rows_affected() > 0)
}

/// Has the timer of the restriction come home now.
async fn announce_now(transaction: &mut Transaction<'_>, order: Uuid) -> Result<(), Error> {
    let armed = sqlx::query!(
        r#"
        UPDATE timers
        SET
            generation = generation + 1,
            due_at = now(),
            status = 'armed',
            resolved_at = NULL,
            handed_over_at = NULL,
            handovers = 0
        WHERE order_id = $1 AND owner_id = $1 AND kind = $2::text::timer_kind
        "#,
        order,
        TimerKind::CustomerRestrictionEnds.name(),
    );
    let armed = armed.execute(transaction.connection()).await;
    armed.map_err(Error::during("arm a timer of a restriction"))?;
    transaction.hint_timers();
    Ok(())
}

/// Lifts a flag, and every other live one of its rule; returns how many.
///
/// What they rested on is not held against the customer again; without a live flag nothing is
/// changed.
///
/// # Errors
/// When a statement fails.
pub async fn lift_flag(
    database: &mut Database,
    customer: &CustomerRef,
    flag: FlagId,
    actor: &Token<64>,
    reason: &str,
) -> Result<u64, Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let lifted = sqlx::query!(
            r#"
            UPDATE risk_flags
            SET lifted_at = now(), lifted_by = $3, lift_reason = $4
            WHERE
                customer_ref = $1
                AND lifted_at IS NULL
                AND expires_at > now()
                AND rule = (
                    SELECT meant.rule
                    FROM risk_flags AS meant
                    WHERE meant.customer_ref = $1 AND meant.id = $2
                )
            "#,
            customer.as_str(),
            Uuid::from(flag),
            actor.as_str(),
            reason,
        );
        let lifted = lifted.execute(transaction.connection()).await;
        let lifted = lifted.map_err(Error::during("lift a flag"))?.rows_affected();
        if lifted > 0 {
            let operator = Operator { actor: actor.as_str(), reason };
            let detail = json!({ "flag": flag, "lifted": lifted });
            let (connection, object) = (transaction.connection(), format!("customer:{customer}"));
            note(connection, operator, Role::Operator, "customer.lift-flag", &object, detail)
                .await?;
        }
        Ok(lifted)
    };
    database.within("lift a flag", step).await
}
