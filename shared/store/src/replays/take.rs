//! What is sent next, as fast as its replay may go.

use std::time::Duration;

use crate::line::Line;
use uuid::Uuid;

use super::ItemId;
use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::vault::{self, Content, Found, Unreadable, Whereabouts};

/// A queue that running replays send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub queue: String,
    /// Ready messages in it beyond which nothing more is sent.
    pub max_backlog: i64,
}

/// Where running replays want to send, with the strictest of their limits.
///
/// # Errors
/// When the statement fails.
pub async fn targets(database: &mut Database) -> Result<Vec<Target>, Error> {
    let targets = sqlx::query_as!(
        Target,
        r#"
        SELECT
            coalesce(batch.target, letter.source_queue) AS "queue!",
            min(batch.max_backlog)::bigint AS "max_backlog!"
        FROM replay_batches AS batch
        CROSS JOIN LATERAL (
            SELECT item.letter_id
            FROM replay_items AS item
            WHERE item.batch_id = batch.id AND item.state IN ('claimed', 'sending')
            ORDER BY item.id
            LIMIT 1000
        ) AS item
        INNER JOIN dead_letters AS letter ON letter.id = item.letter_id
        WHERE batch.state = 'running'
        GROUP BY 1
        "#,
    );
    let targets = targets.fetch_all(database.connection()?).await;
    targets.map_err(Error::during("find where replays go"))
}

/// A letter to be sent; leased until then.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its item.
    pub item: ItemId,
    /// The how manieth replay of its message this is.
    pub replay: i32,
    /// The replay it belongs to.
    pub batch: i64,
    /// The queue it goes to.
    pub target: String,
    /// The queue that gave up on it.
    pub source_queue: String,
    /// Its properties as JSON, without headers.
    pub properties_json: String,
    /// Its headers and body, or why they cannot be read.
    pub content: Result<Content, Unreadable>,
}

/// Leases what may be sent now of one running replay, at most `most`; nothing to `full` queues.
///
/// Its rate is used up by what is leased; so any number of processes share it.
///
/// # Errors
/// When a statement fails.
pub async fn take(
    database: &mut Database,
    full: &[String],
    lease: Duration,
    most: i64,
) -> Result<Vec<Letter>, Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let Some((batch, room)) = room(transaction.connection(), most).await? else {
            return Ok(Vec::new());
        };
        let leased = lease_items(transaction.connection(), batch, full, lease, room).await?;
        if leased.is_empty() {
            return Ok(Vec::new());
        }
        spend(transaction.connection(), batch, leased.len()).await?;
        open(transaction, leased).await
    };
    database.within("take what is to be replayed", step).await
}

/// The replay that waited longest, locked, and how many of its letters may be sent now.
async fn room(connection: &mut Line, most: i64) -> Result<Option<(i64, i64)>, Error> {
    let batch = sqlx::query!(
        r#"
        SELECT
            batch.id,
            batch.max_in_flight,
            CASE WHEN batch.canary_passed THEN NULL ELSE batch.canary END AS canary,
            floor(
                extract(EPOCH FROM now() - greatest(batch.paced_at, now() - window_.length))
                * batch.rate_per_second
            )::bigint AS "earned!"
        FROM replay_batches AS batch
        CROSS JOIN LATERAL (
            -- What was not used for a second is lost; a slower pace needs longer for one.
            SELECT make_interval(secs => greatest(1.0, 1.0 / batch.rate_per_second)) AS length
        ) AS window_
        WHERE
            batch.state = 'running'
            AND batch.paced_at <= now() - make_interval(secs => 1.0 / batch.rate_per_second)
        ORDER BY batch.paced_at
        LIMIT 1
        FOR UPDATE OF batch SKIP LOCKED
        "#,
    );
    let batch = batch.fetch_optional(&mut *connection).await;
    let Some(batch) = batch.map_err(Error::during("find a running replay"))? else {
        return Ok(None);
    };
    let under_way = sqlx::query!(
        r#"
        SELECT
            (
                SELECT count(*) FROM replay_items
                WHERE
                    batch_id = $1
                    AND (state = 'sent' OR (state = 'sending' AND leased_until >= now()))
            ) AS "in_flight!",
            (
                SELECT count(*) FROM (
                    SELECT FROM replay_items
                    WHERE
                        batch_id = $1
                        AND state <> 'claimed'
                        AND (leased_until IS NULL OR leased_until >= now())
                        AND $2::integer IS NOT NULL
                    LIMIT $2
                ) AS begun
            ) AS "begun!"
        "#,
        batch.id,
        batch.canary,
    );
    let under_way = under_way.fetch_one(connection).await;
    let under_way = under_way.map_err(Error::during("count what is under way"))?;
    let canary = batch.canary.map_or(i64::MAX, |canary| i64::from(canary) - under_way.begun);
    let free = i64::from(batch.max_in_flight) - under_way.in_flight;
    Ok(Some((batch.id, batch.earned.min(free).min(canary).min(most))).filter(|(_, n)| *n > 0))
}

/// A leased item with its letter as it is stored.
struct Leased {
    item: i64,
    replay: i32,
    batch: i64,
    target: String,
    source_queue: String,
    message_key: String,
    digest: Vec<u8>,
    properties: String,
    erased: bool,
    key_id: Option<Uuid>,
    headers: Option<String>,
    body: Vec<u8>,
}

async fn lease_items(
    connection: &mut Line,
    batch: i64,
    full: &[String],
    lease: Duration,
    room: i64,
) -> Result<Vec<Leased>, Error> {
    let leased = sqlx::query_as!(
        Leased,
        r#"
        WITH chosen AS MATERIALIZED (
            SELECT item.id, coalesce(batch.target, letter.source_queue) AS target
            FROM replay_items AS item
            INNER JOIN replay_batches AS batch ON batch.id = item.batch_id
            INNER JOIN dead_letters AS letter ON letter.id = item.letter_id
            WHERE
                item.batch_id = $1
                AND (
                    item.state = 'claimed'
                    OR (item.state = 'sending' AND item.leased_until < now())
                )
                AND coalesce(batch.target, letter.source_queue) <> ALL($2)
            ORDER BY item.id
            LIMIT $4
            FOR UPDATE OF item SKIP LOCKED
        ),
        leased AS (
            UPDATE replay_items AS item
            SET
                state = 'sending',
                state_changed_at = now(),
                leased_until = now() + make_interval(secs => $3),
                tries = item.tries + 1
            FROM chosen
            WHERE item.id = chosen.id
            RETURNING item.id, item.replay, item.batch_id, item.letter_id, chosen.target
        )
        SELECT
            leased.id AS "item!", leased.replay AS "replay!", leased.batch_id AS "batch!",
            leased.target AS "target!", letter.source_queue, letter.message_key, letter.digest,
            letter.properties::text AS "properties!",
            letter.erased_at IS NOT NULL AS "erased!", letter.key_id,
            letter.headers::text AS headers, letter.body
        FROM leased
        INNER JOIN dead_letters AS letter ON letter.id = leased.letter_id
        ORDER BY leased.id
        "#,
        batch,
        full,
        lease.as_secs_f64(),
        room,
    );
    leased.fetch_all(connection).await.map_err(Error::during("lease what is to be replayed"))
}

/// Uses up the time that so many letters take at the replay's rate.
async fn spend(connection: &mut Line, batch: i64, count: usize) -> Result<(), Error> {
    let spent = sqlx::query!(
        r#"
        UPDATE replay_batches
        SET
            paced_at = greatest(
                paced_at,
                now() - make_interval(secs => greatest(1.0, 1.0 / rate_per_second))
            ) + make_interval(secs => $2 / rate_per_second),
            last_progress_at = now()
        WHERE id = $1
        "#,
        batch,
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)),
    );
    spent.execute(connection).await.map_err(Error::during("pace a replay"))?;
    Ok(())
}

async fn open(
    transaction: &mut Transaction<'_>,
    leased: Vec<Leased>,
) -> Result<Vec<Letter>, Error> {
    let ring = transaction.keys();
    let found = leased.iter().map(|one| Found {
        key: one.key_id,
        whereabouts: Whereabouts::Letter {
            queue: &one.source_queue,
            message_key: &one.message_key,
            digest: &one.digest,
        },
        headers: one.headers.clone(),
        body: one.body.clone(),
    });
    let contents = vault::open(transaction.connection(), &ring, found.collect()).await?;
    let letters = leased.into_iter().zip(contents).map(|(one, content)| Letter {
        item: ItemId(one.item),
        replay: one.replay,
        batch: one.batch,
        target: one.target,
        source_queue: one.source_queue,
        properties_json: one.properties,
        content: if one.erased { Err(Unreadable::Erased) } else { content },
    });
    Ok(letters.collect())
}
