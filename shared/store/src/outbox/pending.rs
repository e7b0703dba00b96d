//! What the relay sends next.

use std::mem::take;

use contracts::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Exchange, OutboxKey, Pending, PendingMessage, Shards};
use crate::database::Database;
use crate::decode::Place;
use crate::error::Error;
use crate::vault::{self, Content, Found, Unreadable, Whereabouts};

struct Row {
    order_id: Uuid,
    id: i64,
    created_at: OffsetDateTime,
    shard: i16,
    message_id: String,
    exchange: String,
    routing_key: String,
    type_name: String,
    must_route: bool,
    content_type: Option<String>,
    key_id: Option<Uuid>,
    headers: Option<String>,
    body: Vec<u8>,
    attempts: i32,
    is_outdated: bool,
}

impl Row {
    /// The message, and the key that it is sealed with.
    fn message(self) -> Result<(PendingMessage, Option<Uuid>), Error> {
        let key = OutboxKey { order: self.order_id, id: self.id, created_at: self.created_at };
        let message = PendingMessage {
            key,
            shard: self.shard,
            message_id: self.message_id,
            exchange: exchange(key, &self.exchange)?,
            routing_key: self.routing_key,
            type_name: self.type_name,
            must_route: self.must_route,
            is_outdated: self.is_outdated,
            content_type: self.content_type,
            headers_json: self.headers,
            body: self.body,
            attempts: self.attempts,
            created_at: Timestamp::from(self.created_at),
        };
        Ok((message, self.key_id))
    }
}

/// The oldest messages of the owned shards that are due, each shard's in the order to send.
///
/// The limit is spread evenly over the shards, so that a busy one holds up no other.
///
/// # Errors
/// When the statement fails, or a row makes no sense.
pub async fn pending(
    database: &mut Database,
    shards: &Shards,
    limit: usize,
) -> Result<Pending, Error> {
    if shards.owned.is_empty() {
        return Ok(Pending::default());
    }
    let per_shard = limit.div_ceil(shards.owned.len());
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            message.order_id, message.id, message.created_at, message.shard, message.message_id,
            message.exchange::text AS "exchange!", message.routing_key, message.type_name,
            message.must_route, message.content_type, message.key_id,
            message.headers::text AS headers, message.body, message.attempts,
            coalesce(message.not_after <= now(), false)
            -- Looked at for these only: whoever paid or called off meanwhile is not asked to pay.
            OR CASE
                WHEN message.while_unpaid
                    THEN NOT EXISTS (
                        SELECT FROM orders
                        WHERE orders.id = message.order_id AND orders.status = 'pending_payment'
                    )
                ELSE false
            END AS "is_outdated!"
        FROM unnest($1::smallint[]) AS own (shard)
        CROSS JOIN LATERAL (
            SELECT
                order_id, id, created_at, shard, message_id, exchange, routing_key, type_name,
                must_route, content_type, key_id, headers, body, attempts, not_after,
                while_unpaid
            FROM outbox
            WHERE
                outbox.shard = own.shard
                AND outbox.sent_at IS NULL
                AND outbox.publish_after <= now()
                AND outbox.created_at <= now()
            ORDER BY outbox.id
            LIMIT $2
        ) AS message
        ORDER BY message.id
        "#,
        &shards.owned,
        i64::try_from(per_shard).unwrap_or(i64::MAX),
    );
    let rows = rows.fetch_all(database.connection()?).await;
    let rows = rows.map_err(Error::during("read the outbox"))?.into_iter().map(Row::message);
    let rows: Vec<(PendingMessage, Option<Uuid>)> = rows.collect::<Result<_, Error>>()?;
    let more = shards.owned.iter().any(|shard| {
        rows.iter().filter(|(message, _)| message.shard == *shard).count() >= per_shard
    });
    let mut pending = Pending { more, ..Pending::default() };
    for message in readable(database, rows).await? {
        match message {
            Ok(message) => pending.messages.push(message),
            Err(unreadable) => pending.unreadable.push(unreadable),
        }
    }
    Ok(pending)
}

/// Opens what is sealed, in place; most messages are our own and in clear.
async fn readable(
    database: &mut Database,
    mut rows: Vec<(PendingMessage, Option<Uuid>)>,
) -> Result<Vec<Result<PendingMessage, (OutboxKey, Unreadable)>>, Error> {
    let ring = database.keys();
    let sealed = rows.iter_mut().filter(|(_, key)| key.is_some()).map(|(message, key)| {
        let PendingMessage { routing_key: queue, message_id, body, .. } = message;
        let whereabouts = Whereabouts::Event { queue, message_id };
        Found { key: *key, whereabouts, headers: None, body: take(body) }
    });
    let sealed: Vec<Found<'_>> = sealed.collect();
    let mut opened = vault::open(database.connection()?, &ring, sealed).await?.into_iter();
    let messages = rows.into_iter().map(|(message, key)| {
        // As many were opened, in this order, as have a key.
        match key.and_then(|_| opened.next()) {
            None => Ok(message),
            Some(Ok(Content { headers_json, body })) => {
                Ok(PendingMessage { headers_json, body, ..message })
            }
            Some(Err(why)) => Err((message.key, why)),
        }
    });
    Ok(messages.collect())
}

fn exchange(key: OutboxKey, name: &str) -> Result<Exchange, Error> {
    let known = match name {
        "events" => Some(Exchange::Events),
        "return" => Some(Exchange::Return),
        _ => None,
    };
    Place::new("outbox", key.id).known("exchange", known)
}
