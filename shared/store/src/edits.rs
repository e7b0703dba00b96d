//! Changes of dead letters that cannot succeed as they are: proposed by one person, made by two.
//!
//! A change is a JSON Patch over the body. What comes of it is another message, with an id of its
//! own: the inbox may know the old one, and two bodies under one id are what nobody should send.

mod document;

use contracts::Token;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::vault::{self, Content, Found, Plain, Stored, Subject, Unreadable, Whereabouts};

pub use document::PatchError;

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The database refused, for a reason that its SQLSTATE tells.
    #[error(transparent)]
    Store(#[from] Error),
    /// There is no such letter or edit, or its content is gone.
    #[error("failed to edit: there is nothing to edit")]
    Nothing,
    /// The content cannot be read.
    #[error("failed to edit: the content is {}", .0.code())]
    Unreadable(Unreadable),
    /// The patch does not fit.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// What comes of it breaks the contract.
    #[error("failed to edit: what comes of it is not valid: {0}")]
    Invalid(String),
}

/// A message as a patch makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The queue that gave up on the original.
    pub queue: String,
    /// Its properties as JSON, without headers.
    pub properties_json: String,
    /// Its headers as typed JSON.
    pub headers_json: Option<String>,
    /// The new body.
    pub body: Vec<u8>,
    /// What the patch changes, place by place.
    pub differences: Vec<Difference>,
}

/// A place that a patch changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// JSON pointer.
    pub pointer: String,
    /// What was there.
    pub before: Option<Value>,
    /// What is there then.
    pub after: Option<Value>,
}

/// Whether a worker would accept the message; says what is wrong else.
pub type Check<'a> = &'a dyn Fn(&Edited) -> Result<(), String>;

/// Who does it, and why.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The person.
    pub actor: &'a str,
    /// Why they do it.
    pub reason: &'a str,
}

/// What is kept of a proposal.
#[derive(Serialize, Deserialize)]
struct Proposal {
    patch: Value,
    differences: Vec<Difference>,
}

/// A letter to be edited.
struct Original {
    id: i64,
    queue: String,
    message_key: String,
    digest: Vec<u8>,
    properties_json: String,
    content: Content,
}

/// Proposes a change; returns its number and what would come of it.
///
/// # Errors
/// See [`EditError`]; nothing is kept then.
pub async fn propose(
    database: &mut Database,
    who: Who<'_>,
    letter: i64,
    patch: &str,
    check: Check<'_>,
) -> Result<(i64, Edited), EditError> {
    let step = async |transaction: &mut Transaction<'_>| {
        let original = read(transaction, who, letter).await?;
        let patch = document::parse_patch(patch)?;
        let (edited, _) = apply(&original, &patch, check, Uuid::nil())?;
        let proposal = Proposal { patch, differences: edited.differences.clone() };
        let kept = serde_json::to_vec(&proposal).expect("a proposal has text keys");
        let whereabouts = Whereabouts::Edit { letter, base: &original.digest };
        let plain = Plain { subject: subject(&original), whereabouts, headers: None, body: &kept };
        let sealed = seal_one(transaction, plain).await?;
        let number = sqlx::query_scalar!(
            r#"SELECT dlq_edit_propose($1, $2, $3, $4, $5, $6) AS "number!""#,
            who.actor,
            who.reason,
            letter,
            original.digest,
            sealed.key,
            sealed.body.as_ref(),
        );
        let number = number.fetch_one(transaction.connection()).await;
        Ok::<_, EditError>((number.map_err(Error::during("propose an edit"))?, edited))
    };
    database.within("propose an edit", step).await
}

/// What an edit would change.
///
/// # Errors
/// See [`EditError`].
pub async fn differences(
    database: &mut Database,
    actor: &str,
    edit: i64,
) -> Result<Vec<Difference>, EditError> {
    let step = async |transaction: &mut Transaction<'_>| {
        Ok::<_, EditError>(proposal(transaction, actor, edit).await?.1.differences)
    };
    database.within("show an edit", step).await
}

/// Makes the change that somebody else proposed; returns the new letter.
///
/// # Errors
/// See [`EditError`]; nothing is changed then.
pub async fn approve(
    database: &mut Database,
    who: Who<'_>,
    edit: i64,
    new_id: Uuid,
    check: Check<'_>,
) -> Result<i64, EditError> {
    let step = async |transaction: &mut Transaction<'_>| {
        let (letter, proposal) = proposal(transaction, who.actor, edit).await?;
        let original = read(transaction, who, letter).await?;
        let (edited, source) = apply(&original, &proposal.patch, check, new_id)?;
        let key = format!("{source} {new_id}");
        let digest: [u8; 32] = Sha256::digest(&edited.body).into();
        let plain = Plain {
            subject: subject(&original),
            whereabouts: Whereabouts::Letter {
                queue: &original.queue,
                message_key: &key,
                digest: &digest,
            },
            headers: edited.headers_json.as_deref(),
            body: &edited.body,
        };
        let sealed = seal_one(transaction, plain).await?;
        let order = order(&serde_json::from_slice(&edited.body).unwrap_or_default());
        let made = sqlx::query_scalar!(
            r#"
            SELECT
                dlq_edit_approve(
                    $1, $2, $3, $4, $5, $6::text::jsonb, $7, $8::text::json, $9, $10
                ) AS "letter!"
            "#,
            who.actor,
            who.reason,
            edit,
            key,
            order,
            edited.properties_json,
            sealed.key,
            sealed.headers,
            sealed.body.as_ref(),
            digest.as_slice(),
        );
        let made = made.fetch_one(transaction.connection()).await;
        Ok::<_, EditError>(made.map_err(Error::during("approve an edit"))?)
    };
    database.within("approve an edit", step).await
}

/// Drops a proposal.
///
/// # Errors
/// When the database refuses.
pub async fn reject(database: &mut Database, who: Who<'_>, edit: i64) -> Result<(), Error> {
    let rejected =
        sqlx::query!("SELECT dlq_edit_reject($1, $2, $3) AS done", who.actor, who.reason, edit);
    let rejected = rejected.fetch_one(database.connection()?).await;
    rejected.map(drop).map_err(Error::during("reject an edit"))
}

/// The patched message under its new id, and its source.
fn apply(
    original: &Original,
    patch: &Value,
    check: Check<'_>,
    new_id: Uuid,
) -> Result<(Edited, String), EditError> {
    let patched = document::patched(&original.content, &original.properties_json, patch, new_id)?;
    let edited = Edited { queue: original.queue.clone(), ..patched.edited };
    check(&edited).map_err(EditError::Invalid)?;
    Ok((edited, patched.source))
}

async fn read(
    transaction: &mut Transaction<'_>,
    who: Who<'_>,
    letter: i64,
) -> Result<Original, EditError> {
    let row = sqlx::query!(
        r#"
        SELECT
            id AS "id!", source_queue AS "source_queue!", message_key AS "message_key!",
            digest AS "digest!", key_id, headers::text AS headers, body AS "body!",
            properties::text AS "properties!"
        FROM dlq_content($1, $2, 'edit', ARRAY[$3::bigint])
        "#,
        who.actor,
        who.reason,
        letter,
    );
    let row = row.fetch_optional(transaction.connection()).await;
    let row = row.map_err(Error::during("read a dead letter"))?.ok_or(EditError::Nothing)?;
    let whereabouts = Whereabouts::Letter {
        queue: &row.source_queue,
        message_key: &row.message_key,
        digest: &row.digest,
    };
    let found = Found { key: row.key_id, whereabouts, headers: row.headers, body: row.body };
    let content = open_one(transaction, found).await?;
    Ok(Original {
        id: row.id,
        queue: row.source_queue,
        message_key: row.message_key,
        digest: row.digest,
        properties_json: row.properties,
        content,
    })
}

async fn proposal(
    transaction: &mut Transaction<'_>,
    actor: &str,
    edit: i64,
) -> Result<(i64, Proposal), EditError> {
    let row = sqlx::query!(
        r#"
        SELECT
            letter_id AS "letter_id!", base_digest AS "base_digest!", key_id,
            content AS "content!"
        FROM dlq_edit_content($1, $2)
        "#,
        actor,
        edit,
    );
    let row = row.fetch_optional(transaction.connection()).await;
    let row = row.map_err(Error::during("read an edit"))?.ok_or(EditError::Nothing)?;
    let whereabouts = Whereabouts::Edit { letter: row.letter_id, base: &row.base_digest };
    let found = Found { key: row.key_id, whereabouts, headers: None, body: row.content };
    let content = open_one(transaction, found).await?;
    let proposal = serde_json::from_slice(&content.body);
    Ok((row.letter_id, proposal.or(Err(EditError::Unreadable(Unreadable::Damaged)))?))
}

async fn open_one(
    transaction: &mut Transaction<'_>,
    found: Found<'_>,
) -> Result<Content, EditError> {
    let ring = transaction.keys();
    let mut opened = vault::open(transaction.connection(), &ring, vec![found]).await?;
    opened.pop().ok_or(EditError::Nothing)?.map_err(EditError::Unreadable)
}

async fn seal_one<'a>(
    transaction: &mut Transaction<'_>,
    plain: Plain<'a>,
) -> Result<Stored<'a>, EditError> {
    let sealed = vault::seal(transaction, &[plain]).await?.pop();
    sealed.ok_or(EditError::Nothing)
}

/// Whose key seals what comes of a letter.
fn subject(original: &Original) -> Subject {
    let body: Value = serde_json::from_slice(&original.content.body).unwrap_or_default();
    let customer = data(&body).get("customer_ref").and_then(Value::as_str);
    let customer = customer.filter(|text| text.parse::<Token<64>>().is_ok());
    tracing::debug!(letter = original.id, key = original.message_key, "a dead letter is edited");
    Subject::named(customer, order(&body).as_deref())
}

fn order(body: &Value) -> Option<String> {
    data(body).get("order_id").and_then(Value::as_str).map(str::to_owned)
}

fn data(body: &Value) -> &Value {
    body.get("data").unwrap_or(body)
}
