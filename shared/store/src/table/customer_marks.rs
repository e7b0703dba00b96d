//! The table `customer_marks`.

use std::collections::HashMap;

use crate::line::Line;
use contracts::Token;
use domain::Status;
use domain::customer::{CustomerMark, MarkChange, MarkStep, Restriction, RestrictionLevel};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::decode::{Place, at};
use crate::error::Error;
use crate::write_set::Decided;

struct Row {
    customer_ref: String,
    unpaid: Vec<OffsetDateTime>,
    level: Option<String>,
    restricted_until: Option<OffsetDateTime>,
    restricted_by: Option<Uuid>,
    policy_version: Option<String>,
    paid: Option<Vec<OffsetDateTime>>,
}

impl TryFrom<Row> for CustomerMark {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let place = Place::new("customer_marks", &row.customer_ref);
        let level = place.optional_status("level", row.level.as_deref())?;
        let version = place.optional_text("policy_version", row.policy_version.as_deref())?;
        let restriction = match (level, row.restricted_until, row.restricted_by, version) {
            (Some(level), Some(until), Some(by), Some(version)) => {
                Some(Restriction { level, until: until.into(), by: by.into(), version })
            }
            _ => None,
        };
        let times = |times: Vec<OffsetDateTime>| times.into_iter().map(Into::into).collect();
        Ok(Self {
            customer_ref: place.text("customer_ref", &row.customer_ref)?,
            unpaid: times(row.unpaid),
            paid: row.paid.map(times),
            open: 0,
            restriction,
        })
    }
}

/// Reads the marks of these customers; most have none.
///
/// Open orders are not counted, and what was paid is there where it was looked up.
pub(crate) async fn load(
    connection: &mut Line,
    customers: &[String],
) -> Result<HashMap<Token<64>, CustomerMark>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            customer_ref, unpaid, level::text, restricted_until, restricted_by, policy_version,
            CASE WHEN cardinality(unpaid) >= 2 THEN paid END AS paid
        FROM customer_marks
        WHERE customer_ref = ANY($1)
        "#,
        customers,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read marks"))?;
    let marks = rows.into_iter().map(CustomerMark::try_from);
    marks.map(|mark| mark.map(|mark| (mark.customer_ref.clone(), mark))).collect()
}

/// Counts the open orders of limited customers: finding a customer's orders is work.
pub(crate) async fn count_open(
    connection: &mut Line,
    marks: &mut HashMap<Token<64>, CustomerMark>,
) -> Result<(), Error> {
    let level = |mark: &CustomerMark| mark.restriction.as_ref().map(|it| it.level);
    let limited = |mark: &&CustomerMark| level(mark) == Some(RestrictionLevel::Limited);
    let limited = marks.values().filter(limited);
    let limited: Vec<String> = limited.map(|mark| mark.customer_ref.to_string()).collect();
    if limited.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query!(
        r#"
        SELECT
            customer_ref,
            (
                SELECT count(*)
                FROM orders
                WHERE
                    orders.customer_ref = customer_marks.customer_ref
                    AND orders.status = 'pending_payment'
            ) AS "open!"
        FROM customer_marks
        WHERE customer_ref = ANY($1) AND restricted_until > now()
        "#,
        &limited,
    );
    let rows = rows.fetch_all(connection).await.map_err(Error::during("count open orders"))?;
    let open: HashMap<_, _> = rows.into_iter().map(|row| (row.customer_ref, row.open)).collect();
    for mark in marks.values_mut() {
        mark.open = open.get(mark.customer_ref.as_str()).copied().unwrap_or_default();
    }
    Ok(())
}

/// Writes every change of a mark, customers in one sequence in all batches.
pub(crate) async fn write(connection: &mut Line, decided: &[Decided<'_>]) -> Result<(), Error> {
    let all = decided.iter().flat_map(|one| &one.decision.changes.marks);
    let mut changes: Vec<&MarkChange> = all.collect();
    if changes.is_empty() {
        return Ok(());
    }
    // A stable sort: the steps of one customer stay in their sequence.
    changes.sort_by(|a, b| a.customer_ref.cmp(&b.customer_ref));
    hold(connection, &changes).await?;
    count(connection, &changes).await?;
    for change in changes {
        let customer = change.customer_ref.as_str();
        match &change.step {
            MarkStep::Unpaid { .. } => {}
            MarkStep::Restrict(restriction) => restrict(connection, customer, restriction).await?,
            MarkStep::Lift { by } => lift(connection, customer, (*by).into()).await?,
        }
    }
    Ok(())
}

/// Locks the rows that are there, so that two batches never wait for each other in a circle.
async fn hold(connection: &mut Line, changes: &[&MarkChange]) -> Result<(), Error> {
    let customers: Vec<String> = changes.iter().map(|it| it.customer_ref.to_string()).collect();
    let held = sqlx::query!(
        r#"
        SELECT FROM customer_marks
        WHERE customer_ref = ANY($1)
        ORDER BY customer_ref
        FOR UPDATE
        "#,
        &customers,
    );
    held.execute(connection).await.map_err(Error::during("lock marks"))?;
    Ok(())
}

/// Adds the orders that expired; those of another batch stay, because nothing is replaced.
async fn count(connection: &mut Line, changes: &[&MarkChange]) -> Result<(), Error> {
    let (mut customers, mut times, mut limits) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        if let MarkStep::Unpaid { at: expired_at, forget_before } = &change.step {
            customers.push(change.customer_ref.to_string());
            times.push(at(*expired_at));
            limits.push(at(*forget_before));
        }
    }
    if customers.is_empty() {
        return Ok(());
    }
    let counted = sqlx::query!(
        r#"
        INSERT INTO customer_marks (customer_ref, unpaid, updated_at)
        SELECT customer_ref, array_agg(expired_at ORDER BY expired_at), max(expired_at)
        FROM
            unnest($1::text[], $2::timestamptz[]) AS expired (customer_ref, expired_at)
        GROUP BY customer_ref
        ORDER BY customer_ref
        ON CONFLICT (customer_ref) DO UPDATE
        SET
            unpaid = ARRAY(
                SELECT known.at
                FROM unnest(customer_marks.unpaid || excluded.unpaid) AS known (at)
                WHERE
                    known.at >= (
                        SELECT min(limits.at) FROM unnest($3::timestamptz[]) AS limits (at)
                    )
                ORDER BY known.at
            ),
            updated_at = excluded.updated_at
        "#,
        &customers,
        &times,
        &limits,
    );
    counted.execute(connection).await.map_err(Error::during("count unpaid orders"))?;
    Ok(())
}

/// Restricts a customer; a level and an end that are more stay as they are.
async fn restrict(
    connection: &mut Line,
    customer: &str,
    restriction: &Restriction,
) -> Result<(), Error> {
    let restricted = sqlx::query!(
        r#"
        UPDATE customer_marks
        SET
            level = CASE
                WHEN restricted_until > now()
                    THEN greatest(level, $2::text::restriction_level)
                ELSE $2::text::restriction_level
            END,
            restricted_until = greatest(restricted_until, $3),
            restricted_by = CASE
                WHEN restricted_until > $3 THEN restricted_by
                ELSE $4
            END,
            policy_version = $5
        WHERE customer_ref = $1
        "#,
        customer,
        restriction.level.name(),
        at(restriction.until),
        Uuid::from(restriction.by),
        restriction.version.as_str(),
    );
    restricted.execute(connection).await.map_err(Error::during("restrict a customer"))?;
    Ok(())
}

/// Ends a restriction, unless another order caused it anew.
async fn lift(connection: &mut Line, customer: &str, by: Uuid) -> Result<(), Error> {
    let lifted = sqlx::query!(
        r#"
        UPDATE customer_marks
        SET level = NULL, restricted_until = NULL, restricted_by = NULL, policy_version = NULL
        WHERE customer_ref = $1 AND restricted_by = $2
        "#,
        customer,
        by,
    );
    lifted.execute(connection).await.map_err(Error::during("end a restriction"))?;
    Ok(())
}
