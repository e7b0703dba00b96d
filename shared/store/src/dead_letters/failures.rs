//! What each failure of a dead letter was, and what it says of a replay.

use crate::line::Line;

use super::Row;
use crate::column::column;
use crate::decode::at;
use crate::error::Error;

/// Failures kept of one letter, beside its first.
const KEPT: i64 = 50;

/// A letter as it is after a failure was merged into it.
pub(super) struct Written {
    pub(super) id: i64,
    /// Whether it was known before.
    pub(super) known: bool,
}

/// Keeps the failures of letters; of one that failed often, the first and the latest.
pub(super) async fn keep(
    connection: &mut Line,
    rows: &[Row<'_>],
    written: &[Written],
) -> Result<(), Error> {
    let pairs: Vec<_> = rows.iter().zip(written).collect();
    let kept = sqlx::query!(
        r#"
        INSERT INTO dead_letter_attempts (
            letter_id, failed_at, error_class, error_code, error_detail, attempts, worker_version,
            replay_item
        )
        SELECT
            unnest($1::bigint[]), unnest($2::timestamptz[]), unnest($3::text[]),
            unnest($4::text[]), unnest($5::text[]), unnest($6::integer[]), unnest($7::text[]),
            unnest($8::bigint[])
        ON CONFLICT (letter_id, failed_at) DO NOTHING
        "#,
        column(&pairs, |(_, written)| written.id) as _,
        column(&pairs, |(row, _)| at(row.letter.last_failed_at)) as _,
        column(&pairs, |(row, _)| row.letter.error_class) as _,
        column(&pairs, |(row, _)| row.letter.error_code) as _,
        column(&pairs, |(row, _)| row.letter.error_detail) as _,
        column(&pairs, |(row, _)| row.letter.attempts) as _,
        column(&pairs, |(row, _)| row.letter.worker_version) as _,
        column(&pairs, |(row, _)| row.letter.replay_item) as _,
    );
    kept.execute(&mut *connection).await.map_err(Error::during("keep failures"))?;
    let known: Vec<i64> = written.iter().filter(|one| one.known).map(|one| one.id).collect();
    if known.is_empty() { Ok(()) } else { trim(connection, &known).await }
}

async fn trim(connection: &mut Line, letters: &[i64]) -> Result<(), Error> {
    let trimmed = sqlx::query!(
        r#"
        DELETE FROM dead_letter_attempts AS old
        USING (
            SELECT
                letter_id,
                failed_at,
                row_number() OVER (PARTITION BY letter_id ORDER BY failed_at DESC) AS place,
                min(failed_at) OVER (PARTITION BY letter_id) AS first_failed_at
            FROM dead_letter_attempts
            WHERE letter_id = ANY($1)
        ) AS ranked
        WHERE
            old.letter_id = ranked.letter_id
            AND old.failed_at = ranked.failed_at
            AND ranked.place > $2
            AND ranked.failed_at <> ranked.first_failed_at
        "#,
        letters,
        KEPT,
    );
    trimmed.execute(connection).await.map_err(Error::during("trim failures"))?;
    Ok(())
}

/// The failure of a replayed message.
struct FailedReplay<'a> {
    item: i64,
    letter: i64,
    digest: &'a [u8; 32],
    code: &'a str,
}

/// Closes the replays that failed with these letters; returns the queue of each.
pub(super) async fn close_replays(
    connection: &mut Line,
    rows: &[Row<'_>],
    written: &[Written],
) -> Result<Vec<String>, Error> {
    let failed = rows.iter().zip(written).filter_map(|(row, written)| {
        let (item, code) = (row.letter.replay_item?, row.letter.error_code);
        Some(FailedReplay { item, letter: written.id, digest: row.digest, code })
    });
    let failed: Vec<_> = failed.collect();
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    close_moved(connection, &failed).await?;
    let closed = sqlx::query_scalar!(
        r#"
        UPDATE replay_items AS item
        SET state = 'reparked', state_changed_at = now(), leased_until = NULL, code = failed.code
        FROM
            (
                SELECT
                    unnest($1::bigint[]) AS id, unnest($2::bytea[]) AS digest,
                    unnest($3::text[]) AS code
            ) AS failed,
            dead_letters AS letter,
            replay_batches AS batch
        WHERE
            item.id = failed.id
            AND letter.id = item.letter_id
            AND letter.digest = failed.digest
            AND batch.id = item.batch_id
            AND item.state IN ('sending', 'sent')
        RETURNING coalesce(batch.target, letter.source_queue) AS "queue!"
        "#,
        column(&failed, |failed| failed.item) as _,
        column(&failed, |failed| failed.digest.as_slice()) as _,
        column(&failed, |failed| failed.code) as _,
    );
    closed.fetch_all(connection).await.map_err(Error::during("close replays that failed"))
}

/// A message that was sent to another queue and failed there is a letter of that queue now.
async fn close_moved(connection: &mut Line, failed: &[FailedReplay<'_>]) -> Result<(), Error> {
    let closed = sqlx::query!(
        r#"
        UPDATE dead_letters AS letter
        SET status = 'archived', status_changed_at = now(), archived_code = 'moved'
        FROM
            (
                SELECT
                    unnest($1::bigint[]) AS item, unnest($2::bigint[]) AS letter,
                    unnest($3::bytea[]) AS digest
            ) AS failed
        INNER JOIN replay_items AS item ON item.id = failed.item
        WHERE
            letter.id = item.letter_id
            AND letter.id <> failed.letter
            AND letter.digest = failed.digest
            AND letter.status = 'claimed'
            AND item.state IN ('sending', 'sent')
        "#,
        column(failed, |failed| failed.item) as _,
        column(failed, |failed| failed.letter) as _,
        column(failed, |failed| failed.digest.as_slice()) as _,
    );
    closed.execute(connection).await.map_err(Error::during("close letters that moved"))?;
    Ok(())
}
