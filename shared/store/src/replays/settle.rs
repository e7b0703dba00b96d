//! What became of letters that were sent, or could not be.

use crate::line::Line;

use super::ItemId;
use crate::column::column;
use crate::database::{Database, Transaction};
use crate::error::Error;

/// What became of an item that was leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The broker has it; its consumer says what becomes of it.
    Sent {
        /// The trace it was sent with.
        trace_id: String,
    },
    /// No queue took it.
    Returned,
    /// It was not sent, for a reason with this code.
    Skipped(&'static str),
    /// Whether the broker has it is not known: it is sent again.
    Unknown,
}

/// Notes what became of leased items; the letters of those that were not sent are parked again.
///
/// # Errors
/// When a statement fails.
pub async fn settle(database: &mut Database, items: &[(ItemId, Settled)]) -> Result<(), Error> {
    let sent: Vec<(i64, &str)> = items
        .iter()
        .filter_map(|(item, settled)| match settled {
            Settled::Sent { trace_id } => Some((item.0, trace_id.as_str())),
            Settled::Returned | Settled::Skipped(_) | Settled::Unknown => None,
        })
        .collect();
    let back: Vec<(i64, &str, &str)> = items
        .iter()
        .filter_map(|(item, settled)| match settled {
            Settled::Returned => Some((item.0, "returned", "no-queue")),
            Settled::Skipped(code) => Some((item.0, "skipped", *code)),
            Settled::Sent { .. } | Settled::Unknown => None,
        })
        .collect();
    let step = async |transaction: &mut Transaction<'_>| {
        give_back(transaction.connection(), &back).await?;
        mark_sent(transaction.connection(), &sent).await
    };
    database.within("settle replayed letters", step).await
}

/// One whose failure, or success, came first is not moved back.
async fn mark_sent(connection: &mut Line, sent: &[(i64, &str)]) -> Result<(), Error> {
    if sent.is_empty() {
        return Ok(());
    }
    let marked = sqlx::query!(
        r#"
        UPDATE replay_items AS item
        SET
            state = CASE item.state WHEN 'sending' THEN 'sent' ELSE item.state END,
            state_changed_at = CASE item.state
                WHEN 'sending' THEN now()
                ELSE item.state_changed_at
            END,
            leased_until = NULL,
            sent_at = now(),
            trace_id = sent.trace_id
        FROM (SELECT unnest($1::bigint[]) AS id, unnest($2::text[]) AS trace_id) AS sent
        WHERE item.id = sent.id
        "#,
        column(sent, |(item, _)| *item) as _,
        column(sent, |(_, trace_id)| *trace_id) as _,
    );
    marked.execute(connection).await.map_err(Error::during("mark letters as sent"))?;
    Ok(())
}

async fn give_back(connection: &mut Line, back: &[(i64, &str, &str)]) -> Result<(), Error> {
    if back.is_empty() {
        return Ok(());
    }
    // Letters before items, as everybody does.
    let parked = sqlx::query!(
        r#"
        UPDATE dead_letters AS letter
        SET status = 'parked', status_changed_at = now(), replays = letter.replays - 1
        FROM replay_items AS item
        WHERE
            item.id = ANY($1)
            AND item.state = 'sending'
            AND letter.id = item.letter_id
            AND letter.status = 'claimed'
        "#,
        column(back, |(item, _, _)| *item) as _,
    );
    parked.execute(&mut *connection).await.map_err(Error::during("park letters again"))?;
    let closed = sqlx::query!(
        r#"
        UPDATE replay_items AS item
        SET
            state = back.state, state_changed_at = now(), leased_until = NULL, code = back.code
        FROM (
            SELECT
                unnest($1::bigint[]) AS id,
                unnest($2::text[]::replay_item_state[]) AS state,
                unnest($3::text[]) AS code
        ) AS back
        WHERE item.id = back.id AND item.state = 'sending'
        "#,
        column(back, |(item, _, _)| *item) as _,
        column(back, |(_, state, _)| *state) as _,
        column(back, |(_, _, code)| *code) as _,
    );
    closed.execute(connection).await.map_err(Error::during("close replays"))?;
    Ok(())
}

/// A replayed message that its consumer is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The item that its header names.
    pub item: ItemId,
    /// SHA-256 of its body.
    pub digest: [u8; 32],
}

/// Resolves letters whose messages succeeded in `queue`, in the transaction of that success.
///
/// A header alone proves nothing: queue and body must be those of the item. Whatever state the
/// item is in, a success is one; a letter that another replay has in hand is left to it. Returns
/// how many items were closed.
///
/// # Errors
/// When a statement fails.
pub async fn resolve(
    transaction: &mut Transaction<'_>,
    queue: &str,
    done: &[Done],
) -> Result<u64, Error> {
    if done.is_empty() {
        return Ok(0);
    }
    let connection = transaction.connection();
    let letters = sqlx::query!(
        r#"
        UPDATE dead_letters AS letter
        SET status = 'resolved', status_changed_at = now()
        FROM
            (SELECT unnest($1::bigint[]) AS item, unnest($2::bytea[]) AS digest) AS done
        INNER JOIN replay_items AS item ON item.id = done.item
        INNER JOIN replay_batches AS batch ON batch.id = item.batch_id
        WHERE
            letter.id = item.letter_id
            AND letter.digest = done.digest
            AND coalesce(batch.target, letter.source_queue) = $3
            AND letter.status IN ('parked', 'claimed')
            AND NOT EXISTS (
                SELECT FROM replay_items AS other
                WHERE
                    other.letter_id = letter.id
                    AND other.id <> item.id
                    AND other.state IN ('claimed', 'sending', 'sent')
            )
        "#,
        column(done, |done| done.item.0) as _,
        column(done, |done| done.digest.as_slice()) as _,
        queue,
    );
    letters.execute(&mut *connection).await.map_err(Error::during("resolve dead letters"))?;
    let closed = sqlx::query!(
        r#"
        UPDATE replay_items AS item
        SET state = 'resolved', state_changed_at = now(), leased_until = NULL, code = NULL
        FROM
            (SELECT unnest($1::bigint[]) AS item, unnest($2::bytea[]) AS digest) AS done,
            replay_batches AS batch,
            dead_letters AS letter
        WHERE
            item.id = done.item
            AND item.state <> 'resolved'
            AND batch.id = item.batch_id
            AND letter.id = item.letter_id
            AND letter.digest = done.digest
            AND coalesce(batch.target, letter.source_queue) = $3
        "#,
        column(done, |done| done.item.0) as _,
        column(done, |done| done.digest.as_slice()) as _,
        queue,
    );
    let closed = closed.execute(connection).await;
    Ok(closed.map_err(Error::during("close replays that succeeded"))?.rows_affected())
}
