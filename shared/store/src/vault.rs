//! Headers and bodies of shops at rest: sealed with a key of their subject.
//!
//! A key belongs to an order, to a customer where no order is known, or to a day where neither is.
//! It lies beside what it seals, wrapped by a master key that the database never sees; once it is
//! destroyed, nobody can read what it sealed, in no replica and no later backup.

mod cipher;
mod masters;
mod ring;
mod subject;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::line::Line;
use uuid::Uuid;

use crate::column::column;
use crate::database::Transaction;
use crate::decode::Place;
use crate::error::Error;

pub use masters::{introduce, rotate};
pub use ring::{InvalidKeys, KeyRing};
pub(crate) use subject::{Subject, Whereabouts};

use cipher::{Cipher, KEY_BYTES, NoRandomness, random};
use ring::MasterKey;

/// How often keys are asked for again after somebody else made them first.
const KEY_TRIES: u32 = 5;

/// Stands for headers that there are none of; no headers are that long.
const NO_HEADERS: u32 = u32::MAX;

/// What a shop sent, before it is stored.
pub(crate) struct Plain<'a> {
    /// Whose key seals it.
    pub(crate) subject: Subject,
    /// The place it is sealed for.
    pub(crate) whereabouts: Whereabouts<'a>,
    /// Headers as typed JSON.
    pub(crate) headers: Option<&'a str>,
    /// The body.
    pub(crate) body: &'a [u8],
}

/// What is stored of it: with a key, the headers are sealed with the body.
pub(crate) struct Stored<'a> {
    /// The key; absent when it is stored in clear.
    pub(crate) key: Option<Uuid>,
    /// The headers in clear.
    pub(crate) headers: Option<&'a str>,
    /// The body in clear, or headers and body sealed.
    pub(crate) body: Cow<'a, [u8]>,
}

/// What a shop sent, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Headers as typed JSON.
    pub headers_json: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// Why stored content cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Unreadable {
    /// Its key was destroyed: it is gone for good.
    Erased,
    /// The key file of this process lacks the master key of this name.
    KeyMissing(String),
    /// It was changed, or moved from the place it was sealed for.
    Damaged,
}

impl Unreadable {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::KeyMissing(_) => "key-missing",
            Self::Damaged => "damaged",
        }
    }
}

/// Prepares content for storing; without a current master key it stays in clear.
///
/// The keys are locked until the end of the transaction, so that none is destroyed before what it
/// seals can be seen.
pub(crate) async fn seal<'a>(
    transaction: &mut Transaction<'_>,
    contents: &[Plain<'a>],
) -> Result<Vec<Stored<'a>>, Error> {
    let ring = transaction.keys();
    let Some(current) = ring.current() else {
        return Ok(contents.iter().map(in_clear).collect());
    };
    let mut subjects: Vec<&str> = contents.iter().map(|one| one.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let keys = keys_of(transaction.connection(), &ring, current, &subjects).await?;
    contents.iter().map(|content| sealed(&keys, content)).collect()
}

fn in_clear<'a>(content: &Plain<'a>) -> Stored<'a> {
    Stored { key: None, headers: content.headers, body: Cow::Borrowed(content.body) }
}

fn sealed(
    keys: &HashMap<String, (Uuid, Cipher)>,
    content: &Plain<'_>,
) -> Result<Stored<'static>, Error> {
    let subject = content.subject.as_str();
    let place = Place::new("subject_keys", subject);
    let (key, cipher) = place.known("subject", keys.get(subject))?;
    let joined = join(content.headers, content.body);
    let body = cipher.seal(&content.whereabouts.context(), &joined)?;
    Ok(Stored { key: Some(*key), headers: None, body: Cow::Owned(body) })
}

/// The live keys of subjects; those that have none get one.
async fn keys_of(
    connection: &mut Line,
    ring: &KeyRing,
    current: &MasterKey,
    subjects: &[&str],
) -> Result<HashMap<String, (Uuid, Cipher)>, Error> {
    let mut keys = HashMap::with_capacity(subjects.len());
    for _ in 0..KEY_TRIES {
        let candidates = subjects.iter().map(|subject| Candidate::new(subject, current));
        let candidates: Vec<_> = candidates.collect::<Result<_, Error>>()?;
        for row in find_or_make(connection, current, &candidates).await? {
            let key = opened_key(ring, row.id, &row.master, &row.wrapped)?;
            keys.insert(row.asked, (row.id, Cipher::new(&key)));
        }
        // Another transaction may have made one meanwhile; the next statement sees it.
        if keys.len() == subjects.len() {
            break;
        }
    }
    Ok(keys)
}

/// A key for a subject that may have one already.
struct Candidate<'a> {
    subject: &'a str,
    id: Uuid,
    wrapped: Vec<u8>,
}

impl<'a> Candidate<'a> {
    fn new(subject: &'a str, current: &MasterKey) -> Result<Self, Error> {
        let id = uuid::Builder::from_random_bytes(random()?).into_uuid();
        let wrapped = current.wrap(id, &random::<KEY_BYTES>()?)?;
        Ok(Self { subject, id, wrapped })
    }
}

/// A live key.
struct KeyRow {
    asked: String,
    id: Uuid,
    master: String,
    wrapped: Vec<u8>,
}

async fn find_or_make(
    connection: &mut Line,
    current: &MasterKey,
    candidates: &[Candidate<'_>],
) -> Result<Vec<KeyRow>, Error> {
    let keys = sqlx::query_as!(
        KeyRow,
        r#"
        WITH wanted AS MATERIALIZED (
            SELECT
                asked,
                CASE asked
                    WHEN 'day' THEN 'day:' || to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')
                    ELSE asked
                END AS subject,
                id,
                wrapped
            FROM (
                SELECT
                    unnest($1::text[]) AS asked, unnest($2::uuid[]) AS id,
                    unnest($3::bytea[]) AS wrapped
            ) AS candidate
        ),
        known AS MATERIALIZED (
            SELECT subject_keys.subject, subject_keys.id, subject_keys.master, subject_keys.wrapped
            FROM wanted
            INNER JOIN subject_keys
                ON
                    subject_keys.subject = wanted.subject
                    AND subject_keys.destroyed_at IS NULL
            ORDER BY subject_keys.subject
            FOR SHARE OF subject_keys
        ),
        made AS (
            INSERT INTO subject_keys (subject, id, master, wrapped)
            SELECT wanted.subject, wanted.id, $4, wanted.wrapped
            FROM wanted
            WHERE NOT EXISTS (SELECT FROM known WHERE known.subject = wanted.subject)
            ORDER BY wanted.subject
            ON CONFLICT (subject) WHERE destroyed_at IS NULL DO NOTHING
            RETURNING subject, id, master, wrapped
        )
        SELECT
            wanted.asked AS "asked!", key.id AS "id!", key.master AS "master!",
            key.wrapped AS "wrapped!"
        FROM (
            SELECT subject, id, master, wrapped FROM known
            UNION ALL
            SELECT subject, id, master, wrapped FROM made
        ) AS key
        INNER JOIN wanted ON wanted.subject = key.subject
        "#,
        column(candidates, |candidate| candidate.subject) as _,
        column(candidates, |candidate| candidate.id) as _,
        column(candidates, |candidate| candidate.wrapped.as_slice()) as _,
        current.name(),
    );
    keys.fetch_all(connection).await.map_err(Error::during("find the keys of subjects"))
}

/// The key of a subject that something new is sealed with.
fn opened_key(
    ring: &KeyRing,
    id: Uuid,
    master: &str,
    wrapped: &[u8],
) -> Result<[u8; KEY_BYTES], Error> {
    let named = ring.named(master).ok_or_else(|| Error::KeyMissing { name: master.to_owned() })?;
    Place::new("subject_keys", id).known("wrapped", named.unwrap_key(id, wrapped).ok())
}

/// Stored content and where it was found.
pub(crate) struct Found<'a> {
    /// The key that sealed it, if one did.
    pub(crate) key: Option<Uuid>,
    /// The place it was sealed for.
    pub(crate) whereabouts: Whereabouts<'a>,
    /// The headers in clear.
    pub(crate) headers: Option<String>,
    /// The body in clear, or headers and body sealed.
    pub(crate) body: Vec<u8>,
}

/// Reads content back; asks for keys only if some of it is sealed.
pub(crate) async fn open(
    connection: &mut Line,
    ring: &KeyRing,
    found: Vec<Found<'_>>,
) -> Result<Vec<Result<Content, Unreadable>>, Error> {
    let mut ids: Vec<Uuid> = found.iter().filter_map(|found| found.key).collect();
    ids.sort_unstable();
    ids.dedup();
    let keys = ciphers(connection, ring, &ids).await?;
    Ok(found.into_iter().map(|found| opened(&keys, found)).collect())
}

fn opened(
    keys: &HashMap<Uuid, Result<Cipher, Unreadable>>,
    found: Found<'_>,
) -> Result<Content, Unreadable> {
    let Found { key, whereabouts, headers, body } = found;
    let Some(key) = key else { return Ok(Content { headers_json: headers, body }) };
    // A key whose row is gone was not needed any more, or somebody removed it.
    let cipher = keys.get(&key).ok_or(Unreadable::Erased)?.as_ref().map_err(Clone::clone)?;
    let joined = cipher.open(&whereabouts.context(), &body).or(Err(Unreadable::Damaged))?;
    split(&joined).ok_or(Unreadable::Damaged)
}

async fn ciphers(
    connection: &mut Line,
    ring: &KeyRing,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Result<Cipher, Unreadable>>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!("SELECT id, master, wrapped FROM subject_keys WHERE id = ANY($1)", ids);
    let rows = rows.fetch_all(connection).await.map_err(Error::during("read keys"))?;
    let cipher = |id, master: String, wrapped: Option<Vec<u8>>| {
        let wrapped = wrapped.ok_or(Unreadable::Erased)?;
        let named = ring.named(&master).ok_or(Unreadable::KeyMissing(master))?;
        let key = named.unwrap_key(id, &wrapped).or(Err(Unreadable::Damaged))?;
        Ok(Cipher::new(&key))
    };
    Ok(rows.into_iter().map(|row| (row.id, cipher(row.id, row.master, row.wrapped))).collect())
}

/// Headers and body as one piece: the length of the headers, the headers, the body.
fn join(headers: Option<&str>, body: &[u8]) -> Vec<u8> {
    let length = headers.map_or(NO_HEADERS, |headers| {
        u32::try_from(headers.len()).expect("headers come in one frame of 128 KiB")
    });
    [&length.to_be_bytes()[..], headers.unwrap_or_default().as_bytes(), body].concat()
}

fn split(joined: &[u8]) -> Option<Content> {
    let (length, rest) = joined.split_first_chunk()?;
    let length = u32::from_be_bytes(*length);
    if length == NO_HEADERS {
        return Some(Content { headers_json: None, body: rest.to_vec() });
    }
    let (headers, body) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let headers = String::from_utf8(headers.to_vec()).ok()?;
    Some(Content { headers_json: Some(headers), body: body.to_vec() })
}

impl From<NoRandomness> for Error {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_body_come_back_apart() {
        for (headers, body) in
            [(None, &b"body"[..]), (Some(""), b""), (Some("{}"), b"\xff\0"), (Some("[1]"), b"")]
        {
            let content = split(&join(headers, body)).unwrap();
            assert_eq!((content.headers_json.as_deref(), content.body.as_slice()), (headers, body));
        }
        assert_eq!(split(b"\0\0\0\x09short"), None);
        assert_eq!(split(b""), None);
    }
}
