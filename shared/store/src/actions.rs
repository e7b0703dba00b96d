//! What operators do beside dead letters, noted in the audit.

use crate::line::Line;
use contracts::{RefundId, Token};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, Transaction};
use crate::error::Error;

/// Who acts, and why.
#[derive(Clone, Copy, Debug)]
pub struct Operator<'a> {
    /// A name that the audit knows, such as a login.
    pub actor: &'a str,
    /// Why, without personal data.
    pub reason: &'a str,
}

/// In which role somebody acts; the login must have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Decides on money, refunds and customers.
    Operator,
    /// Does what cannot be taken back.
    Admin,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// Notes an action in the transaction that does it; the last step, because it holds a lock.
pub(crate) async fn note(
    connection: &mut Line,
    operator: Operator<'_>,
    role: Role,
    action: &str,
    object: &str,
    detail: Value,
) -> Result<(), Error> {
    let noted = sqlx::query_scalar!(
        r#"SELECT audit_append($1, $2::text::operator_role, $3, $4, $5, $6) AS "id!""#,
        operator.actor,
        role.name(),
        action,
        object,
        operator.reason,
        detail,
    );
    noted.fetch_one(connection).await.map(drop).map_err(Error::during("note an action"))
}

/// A refund that a person may decide on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewedRefund {
    /// The order that it belongs to.
    pub order_id: Uuid,
    /// Where it stands.
    pub status: String,
    /// Whether it is approved, and its provider was not told of it yet.
    pub held: bool,
    /// Who approved it first, where two must.
    pub first_approver: Option<Token<64>>,
    /// Another name under which the same login approved it.
    pub approved_as: Option<String>,
}

/// Finds a refund by its id; `actor` is who looks, under the login of this connection.
///
/// # Errors
/// When a statement fails.
pub async fn refund(
    database: &mut Database,
    id: RefundId,
    actor: &Token<64>,
) -> Result<Option<ReviewedRefund>, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            order_id, status::text AS "status!", held_until IS NOT NULL AS "held!", first_approver,
            (
                SELECT min(audit.actor)
                FROM audit
                WHERE
                    audit.action = 'refund.approve'
                    AND audit.object = 'refund:' || refunds.id
                    AND audit.login = session_user
                    AND audit.actor <> $2
            ) AS approved_as
        FROM refunds
        WHERE id = $1
        "#,
        Uuid::from(id),
        actor.as_str(),
    );
    let row = row.fetch_optional(database.connection()?).await;
    let row = row.map_err(Error::during("find a refund"))?;
    Ok(row.map(|row| ReviewedRefund {
        order_id: row.order_id,
        status: row.status,
        held: row.held,
        first_approver: row.first_approver.and_then(|name| name.parse().ok()),
        approved_as: row.approved_as,
    }))
}

/// Notes what an event will tell, before it is published: what is done was noted.
///
/// `object` is what the event is about, such as `refund:ID`.
///
/// # Errors
/// When a statement fails.
pub async fn note_event(
    database: &mut Database,
    operator: Operator<'_>,
    object: &str,
    action: &str,
    event: &str,
) -> Result<(), Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let detail = serde_json::json!({ "event": event });
        note(transaction.connection(), operator, Role::Operator, action, object, detail).await
    };
    database.within("note an event", step).await
}
