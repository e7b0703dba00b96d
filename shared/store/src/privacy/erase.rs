//! Erasure: keys destroyed, letters emptied, the deed recorded, all at once or not at all.

use crate::line::Line;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{CustomerRef, Holdings, count, orders_of};
use crate::actions::{Operator, Role, note};
use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::timeline::Time;

/// Who asks for an erasure, and how.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Whose bodies are to become unreadable.
    pub customer: &'a CustomerRef,
    /// Who says so.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Whether open disputes and open dead letters are given up.
    pub force: bool,
}

/// What stands against an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Obstacle {
    /// Events wait for their parent; each ends by itself, and its money is booked then.
    Parked {
        /// How many.
        count: i64,
        /// When the last of them ends.
        until: Option<Time>,
    },
    /// Events are on their way home and not decided.
    Returning {
        /// How many.
        count: i64,
    },
    /// Dead letters may hold money that nobody booked.
    OpenLetters {
        /// How many.
        count: i64,
    },
    /// Disputes need their evidence.
    OpenDisputes {
        /// How many.
        count: i64,
    },
}

impl Obstacle {
    /// Everything that stands against erasing what is held.
    pub fn of(held: &Holdings) -> Vec<Self> {
        let obstacles = [
            (held.parked, Self::Parked { count: held.parked, until: held.parked_until }),
            (held.returning, Self::Returning { count: held.returning }),
            (held.open_letters, Self::OpenLetters { count: held.open_letters }),
            (held.open_disputes, Self::OpenDisputes { count: held.open_disputes }),
        ];
        obstacles.into_iter().filter(|(count, _)| *count > 0).map(|(_, it)| it).collect()
    }

    /// Whether a person may decide against it; what passes by itself is waited for.
    pub fn may_be_forced(self) -> bool {
        match self {
            Self::Parked { .. } | Self::Returning { .. } => false,
            Self::OpenLetters { .. } | Self::OpenDisputes { .. } => true,
        }
    }
}

/// What an erasure came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// Everything is unreadable.
    Done(Erased),
    /// Nothing was changed.
    Refused(Vec<Obstacle>),
}

/// What became unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Keys destroyed.
    pub keys_destroyed: i32,
    /// Dead letters emptied.
    pub letters_emptied: i32,
    /// Flags and marks deleted.
    pub marks_deleted: i32,
}

/// Makes everything that shops sent of a customer unreadable, for good.
///
/// Refuses while events of theirs are not decided: a parked capture is money. Once more, it finds
/// what came since; without anything new it records nothing new.
///
/// # Errors
/// When a statement fails; then nothing was changed.
pub async fn erase(database: &mut Database, order: Order<'_>) -> Result<Erasure, Error> {
    let step = async |transaction: &mut Transaction<'_>| steps(transaction, order).await;
    database.within_wide("erase", step).await
}

async fn steps(transaction: &mut Transaction<'_>, order: Order<'_>) -> Result<Erasure, Error> {
    let connection = transaction.connection();
    let orders = orders_of(connection, order.customer).await?;
    let orders: Vec<Uuid> = orders.into_iter().map(Uuid::from).collect();
    // Locked first: whoever seals with one of them commits before it is looked for.
    let keys = lock_keys(connection, order.customer, &orders).await?;
    let held = count(connection, order.customer).await?;
    let obstacles = Obstacle::of(&held);
    if obstacles.iter().any(|it| !(order.force && it.may_be_forced())) {
        return Ok(Erasure::Refused(obstacles));
    }
    let letters_emptied = empty_letters(connection, &orders, &keys).await?;
    empty_messages(connection, &orders).await?;
    let keys_destroyed = destroy(connection, &keys).await?;
    let marks_deleted = delete_marks(connection, order.customer).await?;
    let erased = Erased { keys_destroyed, letters_emptied, marks_deleted };
    if held.erased_at.is_none() || erased != Erased::default() {
        record(connection, order, !obstacles.is_empty(), erased).await?;
        let operator = Operator { actor: order.by, reason: order.reason };
        let detail = json!({ "erased": erased, "forced": !obstacles.is_empty() });
        let object = format!("customer:{}", order.customer);
        note(connection, operator, Role::Admin, "privacy.erase", &object, detail).await?;
    }
    Ok(Erasure::Done(erased))
}

async fn lock_keys(
    connection: &mut Line,
    customer: &CustomerRef,
    orders: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let keys = sqlx::query_scalar!(
        r#"
        SELECT id
        FROM subject_keys
        WHERE
            destroyed_at IS NULL
            AND subject IN (
                SELECT 'order:' || unnest($2::uuid[])
                UNION ALL
                SELECT 'customer:' || $1
            )
        ORDER BY subject
        FOR UPDATE
        "#,
        customer.as_str(),
        orders,
    );
    keys.fetch_all(connection).await.map_err(Error::during("lock the customer's keys"))
}

/// Takes headers and bodies out of dead letters; an open one is closed, for nobody can mend it.
async fn empty_letters(
    connection: &mut Line,
    orders: &[Uuid],
    keys: &[Uuid],
) -> Result<i32, Error> {
    let emptied = sqlx::query!(
        r#"
        UPDATE dead_letters
        SET
            key_id = NULL,
            headers = NULL,
            body = '',
            erased_at = now(),
            status = CASE WHEN status = 'resolved' THEN status ELSE 'archived' END,
            status_changed_at = CASE
                WHEN status IN ('resolved', 'archived') THEN status_changed_at
                ELSE now()
            END
        WHERE
            erased_at IS NULL
            AND (key_id = ANY($2) OR order_id IN (SELECT unnest($1::uuid[])::text))
        "#,
        orders,
        keys,
    );
    let emptied = emptied.execute(&mut *connection).await;
    let emptied = emptied.map_err(Error::during("empty dead letters"))?;
    empty_edits(connection).await?;
    Ok(i32::try_from(emptied.rows_affected()).unwrap_or(i32::MAX))
}

/// Takes what people wanted to change out of the edits of letters that are empty now.
async fn empty_edits(connection: &mut Line) -> Result<(), Error> {
    let emptied = sqlx::query!(
        r#"
        UPDATE dead_letter_edits
        SET key_id = NULL, content = ''
        FROM dead_letters
        WHERE
            dead_letters.id = dead_letter_edits.letter_id
            AND dead_letters.erased_at IS NOT NULL
            AND dead_letter_edits.content <> ''
        "#,
    );
    emptied.execute(connection).await.map_err(Error::during("empty edits"))?;
    Ok(())
}

/// Takes headers and bodies out of events that went home and lie here until their day is dropped.
async fn empty_messages(connection: &mut Line, orders: &[Uuid]) -> Result<(), Error> {
    let emptied = sqlx::query!(
        r#"
        UPDATE outbox
        SET headers = NULL, body = '', key_id = NULL
        WHERE order_id = ANY($1) AND exchange = 'return' AND sent_at IS NOT NULL
        "#,
        orders,
    );
    emptied.execute(connection).await.map_err(Error::during("empty returned messages"))?;
    Ok(())
}

async fn destroy(connection: &mut Line, keys: &[Uuid]) -> Result<i32, Error> {
    let destroyed = sqlx::query!(
        "UPDATE subject_keys SET wrapped = NULL, destroyed_at = now() WHERE id = ANY($1)",
        keys,
    );
    let destroyed = destroyed.execute(connection).await.map_err(Error::during("destroy keys"))?;
    Ok(i32::try_from(destroyed.rows_affected()).unwrap_or(i32::MAX))
}

/// Forgets what was noted of the customer.
async fn delete_marks(connection: &mut Line, customer: &CustomerRef) -> Result<i32, Error> {
    let deleted = sqlx::query_scalar!(
        r#"
        WITH flags AS (
            DELETE FROM risk_flags WHERE customer_ref = $1 RETURNING id
        ),
        marks AS (
            DELETE FROM customer_marks WHERE customer_ref = $1 RETURNING customer_ref
        )
        SELECT
            ((SELECT count(*) FROM flags) + (SELECT count(*) FROM marks))::integer AS "count!"
        "#,
        customer.as_str(),
    );
    let deleted = deleted.fetch_one(connection).await;
    deleted.map_err(Error::during("delete what was noted of the customer"))
}

async fn record(
    connection: &mut Line,
    order: Order<'_>,
    forced: bool,
    erased: Erased,
) -> Result<(), Error> {
    let recorded = sqlx::query!(
        r#"
        INSERT INTO erasures (
            customer_ref, erased_by, reason, forced, keys_destroyed, letters_emptied,
            marks_deleted
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        "#,
        order.customer.as_str(),
        order.by,
        order.reason,
        forced,
        erased.keys_destroyed,
        erased.letters_emptied,
        erased.marks_deleted,
    );
    recorded.execute(connection).await.map_err(Error::during("record the erasure"))?;
    Ok(())
}
