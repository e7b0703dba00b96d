//! Dead letters, moved from the broker's queues into tables.

mod failures;
mod groups;

use crate::line::Line;
use contracts::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

use crate::column::column;
use crate::database::Transaction;
use crate::decode::{Place, at};
use crate::error::Error;
use crate::vault::{self, Plain, Stored, Subject, Whereabouts};

pub use groups::{MOST_OPEN_GROUPS, other_fingerprint};

use failures::Written;

/// What identifies a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySource {
    /// Its CloudEvents source and id.
    CloudEvents,
    /// The digest of its body, and what identity it has besides, because it lacks one of these.
    Digest,
}

impl KeySource {
    fn name(self) -> &'static str {
        match self {
            Self::CloudEvents => "ce",
            Self::Digest => "digest",
        }
    }
}

/// A message that a worker gave up on.
#[derive(Clone, Copy, Debug)]
pub struct DeadLetter<'a> {
    /// The work queue whose worker gave up on it.
    pub source_queue: &'a str,
    /// What it is known by; with `source_queue` and the digest of the body unique.
    pub message_key: &'a str,
    /// Where that comes from.
    pub key_source: KeySource,
    /// Its CloudEvents type, or what came in its place.
    pub event_type: &'a str,
    /// The order it belongs to, as far as it says.
    pub order_id: Option<&'a str>,
    /// The customer it names, as far as it says; its content is sealed with their key.
    pub customer_ref: Option<&'a str>,
    /// Whose fault it was.
    pub error_class: &'a str,
    /// What went wrong, as a stable code.
    pub error_code: &'a str,
    /// What went wrong, in words.
    pub error_detail: Option<&'a str>,
    /// What of that is not about this message alone.
    pub detail_pattern: &'a str,
    /// Groups like failures.
    pub fingerprint: &'a [u8; 32],
    /// How often it was tried, up to this failure.
    pub attempts: i32,
    /// When it failed first.
    pub first_failed_at: Timestamp,
    /// When it failed last.
    pub last_failed_at: Timestamp,
    /// Which build gave up on it.
    pub worker_version: Option<&'a str>,
    /// The item of a replay that it failed in, if it was replayed.
    pub replay_item: Option<i64>,
    /// The exchange it was published to.
    pub exchange: &'a str,
    /// The routing key it was published with.
    pub routing_key: &'a str,
    /// Its properties as JSON.
    pub properties_json: &'a str,
    /// Its headers as typed JSON.
    pub headers_json: &'a str,
    /// Its body, byte for byte.
    pub body: &'a [u8],
}

/// A dead letter that does not fit [`DeadLetter`]: it must not block the others.
#[derive(Clone, Copy, Debug)]
pub struct RawDeadLetter<'a> {
    /// The queue it was taken from.
    pub source_queue: &'a str,
    /// Why it does not fit.
    pub reason: &'a str,
    /// Its headers in any encoding.
    pub headers: &'a [u8],
    /// Its body, byte for byte.
    pub body: &'a [u8],
}

/// Adds dead letters, or merges them with earlier failures of the same messages.
///
/// The same message has the same queue, key and body: neither a retry nor a replay changes any of
/// them. Two bodies that claim one id are two messages, whatever their failures are.
///
/// A failure told twice counts once; an older failure than the one known widens the window and
/// counts, but changes nothing else; a newer one replaces everything and makes the letter
/// `parked` again. One that failed in a replay closes its item; one that another replay has in
/// hand stays there. Returns the target queue of each item that was closed.
///
/// # Errors
/// When the statement fails; find the culprit by ingesting one at a time.
pub async fn ingest(
    transaction: &mut Transaction<'_>,
    letters: &[DeadLetter<'_>],
) -> Result<Vec<String>, Error> {
    if letters.is_empty() {
        return Ok(Vec::new());
    }
    let overflowing = groups::overflowing(transaction.connection(), letters).await?;
    let mut reparked = Vec::new();
    let mut rest: Vec<&DeadLetter<'_>> = letters.iter().collect();
    // Rows are locked in one sequence, so that parkers do not wait for each other in a circle.
    rest.sort_by_key(|letter| identity(letter));
    while !rest.is_empty() {
        // One statement may touch a row once: further failures of a message come in the next.
        let mut seen = HashSet::new();
        let (now, later) = rest.into_iter().partition(|letter| seen.insert(identity(letter)));
        reparked.extend(upsert(transaction, now, &overflowing).await?);
        rest = later;
    }
    // Last: a group is shared by many, and its row is locked to the end.
    groups::see(transaction.connection(), letters, &overflowing).await?;
    Ok(reparked)
}

/// What makes two letters failures of one message.
fn identity<'a>(letter: &DeadLetter<'a>) -> (&'a str, &'a str, &'a [u8]) {
    (letter.source_queue, letter.message_key, letter.body)
}

async fn upsert(
    transaction: &mut Transaction<'_>,
    letters: Vec<&DeadLetter<'_>>,
    overflowing: &HashSet<[u8; 32]>,
) -> Result<Vec<String>, Error> {
    let other = other_fingerprint();
    let digests: Vec<[u8; 32]> = letters.iter().map(|letter| digest(&[letter.body])).collect();
    let contents = letters.iter().zip(&digests).map(|(letter, digest)| Plain {
        subject: Subject::named(letter.customer_ref, letter.order_id),
        whereabouts: Whereabouts::Letter {
            queue: letter.source_queue,
            message_key: letter.message_key,
            digest,
        },
        headers: Some(letter.headers_json),
        body: letter.body,
    });
    let contents: Vec<Plain<'_>> = contents.collect();
    let stored = vault::seal(transaction, &contents).await?;
    let rows = letters.iter().zip(&digests).zip(stored);
    let rows = rows.map(|((letter, digest), stored)| {
        let over = overflowing.contains(letter.fingerprint);
        let fingerprint = if over { &other } else { letter.fingerprint };
        Row { letter, digest, fingerprint, stored }
    });
    let rows: Vec<_> = rows.collect();
    let connection = transaction.connection();
    let written = in_sequence(&rows, write(connection, &rows).await?)?;
    failures::keep(connection, &rows, &written).await?;
    failures::close_replays(connection, &rows, &written).await
}

/// A letter as it is stored.
struct Row<'a> {
    letter: &'a DeadLetter<'a>,
    digest: &'a [u8; 32],
    fingerprint: &'a [u8; 32],
    stored: Stored<'a>,
}

/// A row as it came back.
struct WrittenRow {
    id: i64,
    source_queue: String,
    message_key: String,
    digest: Vec<u8>,
    known: bool,
}

async fn write(connection: &mut Line, rows: &[Row<'_>]) -> Result<Vec<WrittenRow>, Error> {
    let written = sqlx::query_as!(
        WrittenRow,
        r#"
        INSERT INTO dead_letters AS known (
            source_queue, message_key, key_source, event_type, order_id, error_class, error_code,
            error_detail, fingerprint, attempts, first_failed_at, last_failed_at, worker_version,
            exchange, routing_key, properties, headers, body, key_id, digest, replay_item
        )
        SELECT * FROM unnest(
            $1::text[], $2::text[], $3::text[]::dead_letter_key_source[], $4::text[], $5::text[],
            $6::text[], $7::text[], $8::text[], $9::bytea[], $10::integer[], $11::timestamptz[],
            $12::timestamptz[], $13::text[], $14::text[], $15::text[], $16::text[]::json[],
            $17::text[]::json[], $18::bytea[], $19::uuid[], $20::bytea[], $21::bigint[]
        )
        ON CONFLICT (source_queue, message_key, digest) DO UPDATE
        SET
            attempts = known.attempts + CASE
                WHEN excluded.last_failed_at = known.last_failed_at THEN 0 ELSE excluded.attempts
            END,
            first_failed_at = least(known.first_failed_at, excluded.first_failed_at),
            last_failed_at = greatest(known.last_failed_at, excluded.last_failed_at),
            (
                status, status_changed_at, event_type, order_id, error_class, error_code,
                error_detail, fingerprint, worker_version, exchange, routing_key, properties,
                headers, body, key_id, erased_at, replay_item, archived_code
            ) = (
                SELECT
                    status_after_failure(known.id, known.status, excluded.replay_item), now(),
                    excluded.event_type, excluded.order_id, excluded.error_class,
                    excluded.error_code, excluded.error_detail, excluded.fingerprint,
                    excluded.worker_version, excluded.exchange, excluded.routing_key,
                    excluded.properties, excluded.headers, excluded.body, excluded.key_id,
                    excluded.erased_at, excluded.replay_item, excluded.archived_code
                WHERE excluded.last_failed_at > known.last_failed_at
                UNION ALL
                SELECT
                    known.status, known.status_changed_at, known.event_type, known.order_id,
                    known.error_class, known.error_code, known.error_detail, known.fingerprint,
                    known.worker_version, known.exchange, known.routing_key, known.properties,
                    known.headers, known.body, known.key_id, known.erased_at, known.replay_item,
                    known.archived_code
                WHERE excluded.last_failed_at <= known.last_failed_at
            )
        RETURNING id, source_queue, message_key, digest, xmax::text <> '0' AS "known!"
        "#,
        column(rows, |row| row.letter.source_queue) as _,
        column(rows, |row| row.letter.message_key) as _,
        column(rows, |row| row.letter.key_source.name()) as _,
        column(rows, |row| row.letter.event_type) as _,
        column(rows, |row| row.letter.order_id) as _,
        column(rows, |row| row.letter.error_class) as _,
        column(rows, |row| row.letter.error_code) as _,
        column(rows, |row| row.letter.error_detail) as _,
        column(rows, |row| row.fingerprint.as_slice()) as _,
        column(rows, |row| row.letter.attempts) as _,
        column(rows, |row| at(row.letter.first_failed_at)) as _,
        column(rows, |row| at(row.letter.last_failed_at)) as _,
        column(rows, |row| row.letter.worker_version) as _,
        column(rows, |row| row.letter.exchange) as _,
        column(rows, |row| row.letter.routing_key) as _,
        column(rows, |row| row.letter.properties_json) as _,
        column(rows, |row| row.stored.headers) as _,
        column(rows, |row| row.stored.body.as_ref()) as _,
        column(rows, |row| row.stored.key) as _,
        column(rows, |row| row.digest.as_slice()) as _,
        column(rows, |row| row.letter.replay_item) as _,
    );
    written.fetch_all(connection).await.map_err(Error::during("write dead letters"))
}

/// What was written, in the sequence of the rows.
fn in_sequence(rows: &[Row<'_>], written: Vec<WrittenRow>) -> Result<Vec<Written>, Error> {
    let mut by_key: HashMap<_, _> = written
        .into_iter()
        .map(|row| {
            let written = Written { id: row.id, known: row.known };
            ((row.source_queue, row.message_key, row.digest), written)
        })
        .collect();
    let of_row = |row: &Row<'_>| {
        let letter = row.letter;
        let key =
            (letter.source_queue.to_owned(), letter.message_key.to_owned(), row.digest.to_vec());
        Place::new("dead_letters", letter.message_key).known("message_key", by_key.remove(&key))
    };
    rows.iter().map(of_row).collect()
}

/// Keeps dead letters that do not fit, byte for byte; one told twice is kept once.
///
/// # Errors
/// When the statement fails.
pub async fn ingest_raw(
    transaction: &mut Transaction<'_>,
    letters: &[RawDeadLetter<'_>],
) -> Result<(), Error> {
    if letters.is_empty() {
        return Ok(());
    }
    let digests: Vec<[u8; 32]> =
        letters.iter().map(|letter| digest(&[letter.headers, letter.body])).collect();
    // Headers in any encoding are one piece with the body: they are read by people only.
    let pieces: Vec<Vec<u8>> =
        letters.iter().map(|letter| [letter.headers, b"\n", letter.body].concat()).collect();
    let contents = letters.iter().zip(&digests).zip(&pieces).map(|((letter, digest), piece)| {
        let whereabouts = Whereabouts::RawLetter { queue: letter.source_queue, digest };
        Plain { subject: Subject::today(), whereabouts, headers: None, body: piece }
    });
    let contents: Vec<Plain<'_>> = contents.collect();
    let stored = vault::seal(transaction, &contents).await?;
    let written = sqlx::query!(
        r#"
        INSERT INTO dead_letters_raw (source_queue, digest, reason, key_id, content)
        SELECT
            unnest($1::text[]), unnest($2::bytea[]), unnest($3::text[]), unnest($4::uuid[]),
            unnest($5::bytea[])
        ON CONFLICT (source_queue, digest) DO NOTHING
        "#,
        column(letters, |letter| letter.source_queue) as _,
        column(&digests, <[u8; 32]>::as_slice) as _,
        column(letters, |letter| letter.reason) as _,
        column(&stored, |stored| stored.key) as _,
        column(&stored, |stored| stored.body.as_ref()) as _,
    );
    let written = written.execute(transaction.connection()).await;
    written.map_err(Error::during("write raw dead letters"))?;
    Ok(())
}

/// SHA-256 of parts, one behind the other.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().into()
}
