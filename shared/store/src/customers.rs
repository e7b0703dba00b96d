//! Customers: what rules know of them, and what people see and lift.

mod record;

use contracts::{FlagId, Token};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::privacy::CustomerRef;
use crate::timeline::Time;

pub(crate) use record::load;

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
}

impl Standing {
    /// Whether nothing is noted.
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }
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
    connection: &mut PgConnection,
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
    Ok(Standing { customer_ref: customer.to_string(), flags })
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
        Ok(lifted.map_err(Error::during("lift a flag"))?.rows_affected())
    };
    database.within("lift a flag", step).await
}
