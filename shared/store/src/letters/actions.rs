//! What people do about dead letters; each is noted in the audit by the database itself.

use super::compiled::Compiled;
use crate::database::{Database, Transaction};
use crate::dead_letters::{self, DeadLetter};
use crate::error::Error;

/// Who acts, and why.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// A name that the audit knows.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Puts parked letters aside for good, at most `most`, with a code of why; how many.
///
/// # Errors
/// When the statement fails or is refused.
pub async fn archive(
    database: &mut Database,
    said: Said<'_>,
    filter: &Compiled,
    code: &str,
    most: Option<i64>,
) -> Result<i64, Error> {
    let done = sqlx::query_scalar!(
        r#"SELECT dlq_archive($1, $2, $3, $4, $5, $6) AS "changed!""#,
        said.actor,
        said.reason,
        code,
        filter.value(),
        filter.text(),
        most,
    );
    let done = done.fetch_one(database.connection()?).await;
    done.map_err(Error::during("archive dead letters"))
}

/// Takes archived letters back, at most `most`; how many.
///
/// # Errors
/// When the statement fails or is refused.
pub async fn restore(
    database: &mut Database,
    said: Said<'_>,
    filter: &Compiled,
    most: Option<i64>,
) -> Result<i64, Error> {
    let done = sqlx::query_scalar!(
        r#"SELECT dlq_restore($1, $2, $3, $4, $5) AS "changed!""#,
        said.actor,
        said.reason,
        filter.value(),
        filter.text(),
        most,
    );
    let done = done.fetch_one(database.connection()?).await;
    done.map_err(Error::during("restore dead letters"))
}

/// The reason codes that letters are archived with.
///
/// # Errors
/// When the statement fails.
pub async fn archive_codes(database: &mut Database) -> Result<Vec<String>, Error> {
    let codes = sqlx::query_scalar!(r#"SELECT archive_codes() AS "codes!""#);
    let codes = codes.fetch_one(database.connection()?).await;
    codes.map_err(Error::during("read the reason codes"))
}

/// Adds a note to a group, its fingerprint in hex; the note's number.
///
/// # Errors
/// When the statement fails or is refused.
pub async fn note(
    database: &mut Database,
    actor: &str,
    group: &str,
    text: &str,
) -> Result<i64, Error> {
    let noted = sqlx::query_scalar!(
        r#"SELECT dlq_note($1, decode($2, 'hex'), $3) AS "noted!""#,
        actor,
        group,
        text,
    );
    let noted = noted.fetch_one(database.connection()?).await;
    noted.map_err(Error::during("note on a group"))
}

/// What a replay would select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// By which a later replay is held to it.
    pub digest: Vec<u8>,
    /// How many letters.
    pub selected: i64,
    /// How many others are part of another replay.
    pub held: i64,
    /// How many others were replayed too often.
    pub guarded: i64,
}

/// What a replay of these letters would select now.
///
/// # Errors
/// When the statement fails or is refused.
pub async fn select(
    database: &mut Database,
    filter: &Compiled,
    most: Option<i64>,
    forced: bool,
) -> Result<Selection, Error> {
    let selection = sqlx::query_as!(
        Selection,
        r#"
        SELECT
            set_digest AS "digest!", selected AS "selected!", held AS "held!",
            guarded AS "guarded!"
        FROM replay_plan($1, $2, $3)
        "#,
        filter.value(),
        most,
        forced,
    );
    let selection = selection.fetch_one(database.connection()?).await;
    selection.map_err(Error::during("plan a replay"))
}

/// How a replay is to go.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Another queue than the one that failed.
    pub target: Option<String>,
    /// Messages in a second.
    pub rate_per_second: f64,
    /// Messages sent and not decided yet.
    pub max_in_flight: i32,
    /// So many go first and alone.
    pub canary: i32,
    /// It stops when more than this share fails again.
    pub stop_percent: i32,
    /// But not before so many are decided.
    pub stop_after: i32,
    /// It waits while more than this wait in the target queue.
    pub max_backlog: i32,
    /// At most so many letters.
    pub most: Option<i64>,
    /// Also what was replayed too often.
    pub forced: bool,
}

/// A replay that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its number.
    pub batch_id: i64,
    /// How many letters are its.
    pub claimed: i64,
    /// How many others are part of another replay.
    pub held: i64,
    /// How many others were replayed too often.
    pub guarded: i64,
}

/// Freezes a selection and replays it; with a digest, only that very selection.
///
/// # Errors
/// When the statement fails or is refused.
pub async fn start(
    database: &mut Database,
    said: Said<'_>,
    filter: &Compiled,
    terms: &Terms,
    expected: Option<&[u8]>,
) -> Result<Started, Error> {
    let started = sqlx::query_as!(
        Started,
        r#"
        SELECT
            batch_id AS "batch_id!", claimed AS "claimed!", held AS "held!",
            guarded AS "guarded!"
        FROM replay_start($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        "#,
        said.actor,
        said.reason,
        filter.value(),
        filter.text(),
        terms.target,
        terms.rate_per_second,
        terms.max_in_flight,
        terms.canary,
        terms.stop_percent,
        terms.stop_after,
        terms.max_backlog,
        terms.most,
        terms.forced,
        expected,
    );
    let started = started.fetch_one(database.connection()?).await;
    started.map_err(Error::during("start a replay"))
}

/// Parks letters of an export; what is known already stays as it is.
///
/// # Errors
/// When a statement fails, or the login is no administrator's.
pub async fn import(
    database: &mut Database,
    said: Said<'_>,
    letters: &[DeadLetter<'_>],
) -> Result<(), Error> {
    let count = i64::try_from(letters.len()).unwrap_or(i64::MAX);
    let step = async |transaction: &mut Transaction<'_>| {
        dead_letters::ingest(transaction, letters).await?;
        let noted = sqlx::query_scalar!(
            r#"
            SELECT audit_append(
                $1, 'admin', 'dlq.import', $3::bigint || ' letters', $2,
                jsonb_build_object('letters', $3::bigint)
            )
            "#,
            said.actor,
            said.reason,
            count,
        );
        let noted = noted.fetch_one(transaction.connection()).await;
        noted.map_err(Error::during("note an import"))?;
        Ok(())
    };
    database.within("import letters", step).await
}
