//! The outbox as the relay sees it: shards to own, rows to send.

mod pending;

use std::time::Duration;

use crate::line::Line;
use contracts::{MessageId, OrderId, Timestamp, Token};
use domain::{OutcomeCode, Status as _};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::column;
use crate::database::Database;
use crate::error::Error;
use crate::vault::Unreadable;

pub use pending::pending;

/// Shards in all; an order's messages are all in one.
const SHARDS: i32 = 16;

/// Classes the relays' advisory locks, apart from those of orders, which have no class.
const LOCK_CLASS: i32 = 0x6f75_7462;

/// Held by every relay, shared: counting its holders counts the relays.
const PRESENCE: i32 = SHARDS;

/// The shards that one relay owns, for as long as its connection lasts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shards {
    present: bool,
    owned: Vec<i16>,
}

impl Shards {
    /// How many are owned.
    pub fn count(&self) -> usize {
        self.owned.len()
    }

    /// Which are owned.
    pub fn owned(&self) -> &[i16] {
        &self.owned
    }
}

/// Through which exchange a message leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// What we announce and command.
    Events,
    /// The way home to a work queue, which is the routing key.
    Return,
}

/// Names a row of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutboxKey {
    order: Uuid,
    id: i64,
    created_at: OffsetDateTime,
}

/// A message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingMessage {
    /// Its row.
    pub key: OutboxKey,
    /// Its shard; within one, messages are sent in the order they come here.
    pub shard: i16,
    /// Its id, stable over re-sends; of a returning message the sender's, which may be any text.
    pub message_id: String,
    /// Where it goes.
    pub exchange: Exchange,
    /// With which routing key.
    pub routing_key: String,
    /// Its CloudEvents type; of a returning message the event's name.
    pub type_name: String,
    /// Whether it must reach a queue.
    pub must_route: bool,
    /// Whether it holds no longer, and is not to be sent.
    pub is_outdated: bool,
    /// Its content type.
    pub content_type: Option<String>,
    /// Headers as typed JSON, of a returning message.
    pub headers_json: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
    /// How often it was published before without success.
    pub attempts: i32,
    /// When it was caused.
    pub created_at: Timestamp,
}

impl PendingMessage {
    /// The order it belongs to; `None` for an event whose order was never found.
    pub fn order(&self) -> Option<OrderId> {
        (!self.key.order.is_nil()).then(|| self.key.order.into())
    }

    /// Its id as one of ours; `None` if somebody else made it.
    pub fn own_message_id(&self) -> Option<MessageId> {
        self.message_id.parse().ok()
    }
}

/// Messages to publish now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// The messages, each shard's in the order to send.
    pub messages: Vec<PendingMessage>,
    /// Returning messages that cannot be read, and why.
    pub unreadable: Vec<(OutboxKey, Unreadable)>,
    /// Whether a shard has more than its part of the limit.
    pub more: bool,
}

/// What waits to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many messages.
    pub count: i64,
    /// How long the oldest has waited.
    pub oldest: Duration,
}

/// Takes this relay's fair share of the shards, and gives up what is more than that.
///
/// Ownership is an advisory lock per shard, held by the connection: a relay that dies loses its
/// shards at once. Call it now and then, while nothing is in flight, because a shard that is given
/// up may be sent by another relay in the next moment.
///
/// # Errors
/// When a statement fails; then close the connection, which gives up everything.
pub async fn own_shards(database: &mut Database, shards: &mut Shards) -> Result<(), Error> {
    let connection = database.connection()?;
    if !shards.present {
        announce_presence(connection).await?;
        shards.present = true;
    }
    let relays = count_relays(connection).await?.max(1);
    let fair = usize::try_from((i64::from(SHARDS) + relays - 1) / relays).unwrap_or(1);
    if shards.owned.len() > fair {
        let surplus = shards.owned.split_off(fair);
        give_up(connection, &surplus).await?;
    }
    if shards.owned.len() < fair {
        let more = take(connection, &shards.owned, fair - shards.owned.len()).await?;
        shards.owned.extend(more);
        shards.owned.sort_unstable();
    }
    Ok(())
}

/// A relay asks every second; a server that hears nothing for so long ends its connection. Else one
/// that was cut off without a word would own its shards until the system gives the connection up.
const GIVE_UP_SILENT: &str = "SET idle_session_timeout = '30s'";

async fn announce_presence(connection: &mut Line) -> Result<(), Error> {
    let doing = "announce the relay";
    sqlx::raw_sql(GIVE_UP_SILENT).execute(&mut *connection).await.map_err(Error::during(doing))?;
    sqlx::query!(r#"SELECT pg_advisory_lock_shared($1, $2) AS "done: ()""#, LOCK_CLASS, PRESENCE)
        .execute(connection)
        .await
        .map_err(Error::during(doing))?;
    Ok(())
}

async fn count_relays(connection: &mut Line) -> Result<i64, Error> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
        FROM pg_locks
        WHERE
            locktype = 'advisory'
            AND classid = $1::integer::oid
            AND objid = $2::integer::oid
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        "#,
        LOCK_CLASS,
        PRESENCE,
    )
    .fetch_one(connection)
    .await
    .map_err(Error::during("count the relays"))
}

async fn give_up(connection: &mut Line, shards: &[i16]) -> Result<(), Error> {
    sqlx::query!(
        "SELECT pg_advisory_unlock($1, shard) FROM unnest($2::smallint[]) AS surplus (shard)",
        LOCK_CLASS,
        shards,
    )
    .fetch_all(connection)
    .await
    .map_err(Error::during("give up shards"))?;
    Ok(())
}

async fn take(connection: &mut Line, owned: &[i16], wanted: usize) -> Result<Vec<i16>, Error> {
    sqlx::query_scalar!(
        r#"
        SELECT shard::smallint AS "shard!"
        FROM generate_series(0, $1::integer - 1) AS all_shards (shard)
        WHERE NOT shard = ANY($2::smallint[]) AND pg_try_advisory_lock($3, shard)
        LIMIT $4
        "#,
        SHARDS,
        owned,
        LOCK_CLASS,
        i64::try_from(wanted).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await
    .map_err(Error::during("take shards"))
}

/// Marks messages as confirmed by the broker; returns how many were still unsent.
///
/// # Errors
/// When the statement fails; the messages are then sent again.
pub async fn mark_sent(database: &mut Database, keys: &[OutboxKey]) -> Result<u64, Error> {
    if keys.is_empty() {
        return Ok(0);
    }
    let marked = sqlx::query!(
        r#"
        UPDATE outbox
        SET sent_at = now(), attempts = outbox.attempts + 1
        FROM (
            SELECT
                unnest($1::uuid[]) AS order_id, unnest($2::bigint[]) AS id,
                unnest($3::timestamptz[]) AS created_at
        ) AS sent
        WHERE
            outbox.order_id = sent.order_id
            AND outbox.id = sent.id
            AND outbox.created_at = sent.created_at
            -- Not IS NULL: the index of all unsent rows would be read for each row to mark.
            AND coalesce(outbox.sent_at, 'infinity') = 'infinity'
        "#,
        column(keys, |key| key.order) as _,
        column(keys, |key| key.id) as _,
        column(keys, |key| key.created_at) as _,
    );
    let marked = marked.execute(database.connection()?).await;
    Ok(marked.map_err(Error::during("mark messages as sent"))?.rows_affected())
}

/// Lets notifications go unsent that hold no longer, and records that; returns how many.
///
/// # Errors
/// When the statement fails; the messages are then looked at again.
pub async fn suppress(
    database: &mut Database,
    keys: &[OutboxKey],
    version: &Token<32>,
) -> Result<u64, Error> {
    if keys.is_empty() {
        return Ok(0);
    }
    let suppressed = sqlx::query!(
        r#"
        WITH suppressed AS (
            UPDATE outbox
            SET sent_at = now(), suppressed_at = now()
            FROM (
                SELECT
                    unnest($1::uuid[]) AS order_id, unnest($2::bigint[]) AS id,
                    unnest($3::timestamptz[]) AS created_at
            ) AS outdated
            WHERE
                outbox.order_id = outdated.order_id
                AND outbox.id = outdated.id
                AND outbox.created_at = outdated.created_at
                AND coalesce(outbox.sent_at, 'infinity') = 'infinity'
            RETURNING
                outbox.order_id, outbox.inbox_id, outbox.message_id, outbox.not_after,
                outbox.while_unpaid
        )
        INSERT INTO judgements (
            order_id, inbox_id, policy, verdict, policy_version, inputs, recorded_at
        )
        SELECT
            order_id, inbox_id, 'notification', $4, $5,
            json_build_object(
                'message', message_id,
                'not_after', to_char(
                    not_after AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
                ),
                'while_unpaid', while_unpaid::text
            ),
            now()
        FROM suppressed
        WHERE inbox_id IS NOT NULL
        "#,
        column(keys, |key| key.order) as _,
        column(keys, |key| key.id) as _,
        column(keys, |key| key.created_at) as _,
        OutcomeCode::NotificationOutdated.name(),
        version.as_str(),
    );
    let suppressed = suppressed.execute(database.connection()?).await;
    Ok(suppressed.map_err(Error::during("suppress messages"))?.rows_affected())
}

/// Puts messages off that the broker returned; they leave the order of sending.
///
/// # Errors
/// When the statement fails; the messages are then sent again without delay.
pub async fn postpone(
    database: &mut Database,
    keys: &[OutboxKey],
    delay: Duration,
) -> Result<u64, Error> {
    if keys.is_empty() {
        return Ok(0);
    }
    let postponed = sqlx::query!(
        r#"
        UPDATE outbox
        SET
            publish_after = now() + make_interval(secs => $4),
            attempts = outbox.attempts + 1
        FROM (
            SELECT
                unnest($1::uuid[]) AS order_id, unnest($2::bigint[]) AS id,
                unnest($3::timestamptz[]) AS created_at
        ) AS returned
        WHERE
            outbox.order_id = returned.order_id
            AND outbox.id = returned.id
            AND outbox.created_at = returned.created_at
            -- Not IS NULL: the index of all unsent rows would be read for each row to mark.
            AND coalesce(outbox.sent_at, 'infinity') = 'infinity'
        "#,
        column(keys, |key| key.order) as _,
        column(keys, |key| key.id) as _,
        column(keys, |key| key.created_at) as _,
        delay.as_secs_f64(),
    );
    let postponed = postponed.execute(database.connection()?).await;
    Ok(postponed.map_err(Error::during("postpone messages"))?.rows_affected())
}

/// What waits to be sent, over all shards; postponed messages included.
///
/// # Errors
/// When the statement fails.
pub async fn backlog(database: &mut Database) -> Result<Backlog, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            count(*) AS "count!",
            coalesce(extract(EPOCH FROM clock_timestamp() - min(created_at)), 0)::float8
                AS "oldest!"
        FROM outbox
        WHERE sent_at IS NULL
        "#,
    );
    let row = row.fetch_one(database.connection()?).await;
    let row = row.map_err(Error::during("measure the outbox"))?;
    Ok(Backlog { count: row.count, oldest: Duration::from_secs_f64(row.oldest.max(0.0)) })
}

/// Makes the partitions from today to so many days ahead; returns how many were missing.
///
/// # Errors
/// When the statement fails.
pub async fn ensure_partitions(database: &mut Database, days_ahead: i32) -> Result<i32, Error> {
    sqlx::query_scalar!(r#"SELECT ensure_outbox_partitions($1) AS "made!""#, days_ahead)
        .fetch_one(database.connection()?)
        .await
        .map_err(Error::during("make outbox partitions"))
}

/// Drops the partitions that end before a time, but none with unsent messages.
///
/// # Errors
/// When the statement fails.
pub async fn drop_partitions(database: &mut Database, before: Timestamp) -> Result<i32, Error> {
    let before = OffsetDateTime::from(before);
    sqlx::query_scalar!(r#"SELECT drop_outbox_partitions($1) AS "dropped!""#, before)
        .fetch_one(database.connection()?)
        .await
        .map_err(Error::during("drop outbox partitions"))
}
