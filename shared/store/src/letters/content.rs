//! Headers and bodies of dead letters; who reads them, and why, is noted.

use serde_json::Value;

use crate::database::{Database, Transaction};
use crate::error::Error;
use crate::vault::{self, Content, Found, Unreadable, Whereabouts};

/// What headers and bodies are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To look at, redacted.
    Show,
    /// To look at as it is.
    Unmask,
    /// To be taken elsewhere.
    Export,
    /// To be checked against the contract.
    Plan,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Unmask => "unmask",
            Self::Export => "export",
            Self::Plan => "plan",
        }
    }
}

/// Headers, properties and body of a letter.
#[derive(Clone, Debug)]
pub struct LetterContent {
    /// The letter.
    pub id: i64,
    /// Its AMQP properties but for the headers.
    pub properties: Value,
    /// Headers and body, or why they cannot be read.
    pub content: Result<Content, Unreadable>,
}

/// Reads headers and bodies, and notes by whom and why; erased letters are left out.
///
/// # Errors
/// When a statement fails, or the login is no operator's.
pub async fn content(
    database: &mut Database,
    actor: &str,
    reason: &str,
    purpose: Purpose,
    ids: &[i64],
) -> Result<Vec<LetterContent>, Error> {
    let step = async |transaction: &mut Transaction<'_>| {
        let ring = transaction.keys();
        let rows = sqlx::query!(
            r#"
            SELECT
                id AS "id!", source_queue AS "source_queue!", message_key AS "message_key!",
                digest AS "digest!", key_id, headers::text AS headers, body AS "body!",
                properties AS "properties!"
            FROM dlq_content($1, $2, $3, $4)
            "#,
            actor,
            reason,
            purpose.name(),
            ids,
        );
        let rows = rows.fetch_all(transaction.connection()).await;
        let mut rows = rows.map_err(Error::during("read the bodies of dead letters"))?;
        let sealed: Vec<_> = rows
            .iter_mut()
            .map(|row| (row.key_id, row.headers.take(), std::mem::take(&mut row.body)))
            .collect();
        let found = rows.iter().zip(sealed).map(|(row, (key, headers, body))| {
            let whereabouts = Whereabouts::Letter {
                queue: &row.source_queue,
                message_key: &row.message_key,
                digest: &row.digest,
            };
            Found { key, whereabouts, headers, body }
        });
        let found = found.collect();
        let opened = vault::open(transaction.connection(), &ring, found).await?;
        let letters = rows.into_iter().zip(opened).map(|(row, content)| {
            let (id, properties) = (row.id, row.properties);
            LetterContent { id, properties, content }
        });
        Ok(letters.collect())
    };
    database.within("read letters", step).await
}
