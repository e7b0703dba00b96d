//! Everything that is held of a customer, for the customer.

use crate::line::Line;
use contracts::{OrderId, Timestamp};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CustomerRef, Holdings, count, orders_of};
use crate::customers::{Standing, standing_of};
use crate::database::Database;
use crate::error::Error;
use crate::timeline::{self, Timeline};
use crate::vault::{self, Content, Found, Unreadable, Whereabouts};

/// Everything that is held of a customer.
#[derive(Clone, Debug)]
pub struct Export {
    /// How much there is.
    pub held: Holdings,
    /// What is noted of them.
    pub standing: Standing,
    /// Their orders, oldest first.
    pub orders: Vec<OrderExport>,
    /// What shops sent of them and is still stored, by its place.
    pub contents: Vec<StoredContent>,
}

/// An order of theirs.
#[derive(Clone, Debug, Serialize)]
pub struct OrderExport {
    /// Which one.
    pub order_id: OrderId,
    /// Everything that happened to it.
    pub timeline: Timeline,
}

/// Headers and body that a shop sent.
#[derive(Clone, Debug)]
pub struct StoredContent {
    /// The table it lies in.
    pub table: &'static str,
    /// What it is known by there.
    pub key: String,
    /// The event's type, as far as it is known.
    pub event_type: String,
    /// The order it names.
    pub order_id: Option<String>,
    /// Since when it lies there.
    pub stored_at: Timestamp,
    /// What it says, or why that cannot be read.
    pub content: Result<Content, Unreadable>,
}

/// Reads everything that is held of a customer.
///
/// # Errors
/// When a statement fails.
pub async fn export(database: &mut Database, customer: &CustomerRef) -> Result<Export, Error> {
    let ring = database.keys();
    let mut snapshot = database.begin_snapshot("export").await?;
    let connection = snapshot.connection();
    let held = count(connection, customer).await?;
    let standing = standing_of(connection, customer).await?;
    let ids = orders_of(connection, customer).await?;
    let uuids: Vec<Uuid> = ids.iter().copied().map(Uuid::from).collect();
    let mut rows = events(connection, customer, &uuids).await?;
    rows.extend(letters(connection, customer, &uuids).await?);
    let mut found = Vec::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    for row in &mut rows {
        let (key, headers) = (row.key_id, row.headers.take());
        let body = std::mem::take(&mut row.body);
        found.push(Found { key, whereabouts: row.place.whereabouts(), headers, body });
        places.push((row.place.table(), row.place.key()));
    }
    let opened = vault::open(connection, &ring, found).await?;
    snapshot.rollback().await?;
    let contents =
        rows.into_iter().zip(places).zip(opened).map(|((row, (table, key)), content)| {
            let content = if row.erased { Err(Unreadable::Erased) } else { content };
            let (event_type, order_id, stored_at) =
                (row.event_type, row.order_id, row.stored_at.into());
            StoredContent { table, key, event_type, order_id, stored_at, content }
        });
    let contents = contents.collect();
    let mut orders = Vec::with_capacity(ids.len());
    for order_id in ids {
        let timeline = timeline::of(database, order_id).await?;
        orders.push(OrderExport { order_id, timeline });
    }
    Ok(Export { held, standing, orders, contents })
}

/// A row with content.
struct Row {
    place: Place,
    event_type: String,
    order_id: Option<String>,
    stored_at: OffsetDateTime,
    erased: bool,
    key_id: Option<Uuid>,
    headers: Option<String>,
    body: Vec<u8>,
}

/// Where it was found.
enum Place {
    Parked { queue: String, message_id: String },
    Returning { queue: String, message_id: String },
    Letter { queue: String, message_key: String, digest: Vec<u8> },
}

impl Place {
    fn table(&self) -> &'static str {
        match self {
            Self::Parked { .. } => "parked_events",
            Self::Returning { .. } => "outbox",
            Self::Letter { .. } => "dead_letters",
        }
    }

    fn key(&self) -> String {
        match self {
            Self::Parked { queue, message_id } | Self::Returning { queue, message_id } => {
                format!("{queue} {message_id}")
            }
            Self::Letter { queue, message_key, .. } => format!("{queue} {message_key}"),
        }
    }

    fn whereabouts(&self) -> Whereabouts<'_> {
        match self {
            Self::Parked { queue, message_id } | Self::Returning { queue, message_id } => {
                Whereabouts::Event { queue, message_id }
            }
            Self::Letter { queue, message_key, digest } => {
                Whereabouts::Letter { queue, message_key, digest }
            }
        }
    }
}

/// Events that wait for their parent, and those that went home.
async fn events(
    connection: &mut Line,
    customer: &CustomerRef,
    orders: &[Uuid],
) -> Result<Vec<Row>, Error> {
    let rows = sqlx::query!(
        r#"
        WITH own_keys AS MATERIALIZED (
            SELECT id
            FROM subject_keys
            WHERE
                subject IN (
                    SELECT 'order:' || unnest($2::uuid[])
                    UNION ALL
                    SELECT 'customer:' || $1
                )
        )
        SELECT
            false AS "returning!", queue AS "queue!",
            coalesce(message_id, event_id) AS "message_id!", kind::text AS "event_type!",
            order_id, parked_at AS "stored_at!", key_id, headers::text AS headers, body AS "body!"
        FROM parked_events
        WHERE order_id = ANY($2) OR key_id IN (SELECT own_keys.id FROM own_keys)
        UNION ALL
        SELECT
            true, routing_key, message_id, type_name, order_id, created_at, key_id, headers::text,
            body
        FROM outbox
        WHERE
            exchange = 'return'
            AND body <> ''
            AND (order_id = ANY($2) OR key_id IN (SELECT own_keys.id FROM own_keys))
        ORDER BY 6
        "#,
        customer.as_str(),
        orders,
    );
    let rows = rows.fetch_all(connection).await;
    let rows = rows.map_err(Error::during("read the customer's events"))?.into_iter();
    let rows = rows.map(|row| {
        let (queue, message_id) = (row.queue, row.message_id);
        Row {
            place: if row.returning {
                Place::Returning { queue, message_id }
            } else {
                Place::Parked { queue, message_id }
            },
            event_type: row.event_type,
            order_id: row.order_id.map(|order| order.to_string()),
            stored_at: row.stored_at,
            erased: false,
            key_id: row.key_id,
            headers: row.headers,
            body: row.body,
        }
    });
    Ok(rows.collect())
}

/// Dead letters of theirs, also what is left of emptied ones.
async fn letters(
    connection: &mut Line,
    customer: &CustomerRef,
    orders: &[Uuid],
) -> Result<Vec<Row>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            source_queue, message_key, digest, event_type, order_id, first_failed_at,
            erased_at IS NOT NULL AS "erased!", key_id, headers::text AS headers, body
        FROM dead_letters
        WHERE
            order_id IN (SELECT unnest($2::uuid[])::text)
            OR key_id IN (
                SELECT subject_keys.id
                FROM subject_keys
                WHERE
                    subject_keys.subject IN (
                        SELECT 'order:' || unnest($2::uuid[])
                        UNION ALL
                        SELECT 'customer:' || $1
                    )
            )
        ORDER BY id
        "#,
        customer.as_str(),
        orders,
    );
    let rows = rows.fetch_all(connection).await;
    let rows = rows.map_err(Error::during("read the customer's dead letters"))?.into_iter();
    let rows = rows.map(|row| Row {
        place: Place::Letter {
            queue: row.source_queue,
            message_key: row.message_key,
            digest: row.digest,
        },
        event_type: row.event_type,
        order_id: row.order_id,
        stored_at: row.first_failed_at,
        erased: row.erased,
        key_id: row.key_id,
        headers: row.headers,
        body: row.body,
    });
    Ok(rows.collect())
}
