//! A dead letter as a line of a file, with every type and byte.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker::{Headers, Properties};
use contracts::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::dead_letters::{DeadLetter, KeySource};
use store::letters::LetterRow;

/// The form of a line.
pub(crate) const FORM: &str = "orderflow-dead-letter-1";

/// A dead letter that can be read back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Exported {
    pub(crate) form: String,
    /// Of the database it comes from; a letter that is read back gets another.
    pub(crate) id: Option<i64>,
    /// Where it stood; a letter that is read back is parked.
    pub(crate) status: Option<String>,
    pub(crate) source_queue: String,
    pub(crate) message_key: String,
    pub(crate) key_source: String,
    pub(crate) event_type: String,
    pub(crate) order_id: Option<String>,
    pub(crate) customer_ref: Option<String>,
    pub(crate) error_class: String,
    pub(crate) error_code: String,
    pub(crate) error_detail: Option<String>,
    /// What its failures have in common with like ones; absent in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail_pattern: Option<String>,
    /// In hex.
    pub(crate) fingerprint: String,
    pub(crate) attempts: i32,
    pub(crate) first_failed_at: String,
    pub(crate) last_failed_at: String,
    pub(crate) worker_version: Option<String>,
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    /// AMQP properties but for the headers.
    pub(crate) properties: Value,
    /// Headers with their AMQP types.
    pub(crate) headers: Option<Headers>,
    /// The body, byte for byte.
    pub(crate) body_base64: Option<String>,
    /// The body as it may be shown, in place of the body itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) redacted_body: Option<Value>,
    /// Why headers and body are missing: `erased`, `key-missing`, `damaged` or `redacted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<String>,
}

/// A line that was read back, with its texts in the types of the store.
pub(crate) struct Readable {
    exported: Exported,
    key_source: KeySource,
    fingerprint: [u8; 32],
    first_failed_at: Timestamp,
    last_failed_at: Timestamp,
    properties_json: String,
    headers_json: String,
    body: Vec<u8>,
}

/// Why a line cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unimportable {
    /// It has no headers and body, for this reason.
    NoContent(String),
    /// This part of it is not what it has to be.
    Wrong(&'static str),
}

impl Exported {
    /// A letter without headers and body.
    pub(crate) fn of(row: &LetterRow) -> Self {
        Self {
            form: FORM.to_owned(),
            id: Some(row.id),
            status: Some(row.status.clone()),
            source_queue: row.source_queue.clone(),
            message_key: row.message_key.clone(),
            key_source: row.key_source.clone(),
            event_type: row.event_type.clone(),
            order_id: row.order_id.clone(),
            customer_ref: None,
            error_class: row.error_class.clone(),
            error_code: row.error_code.clone(),
            error_detail: row.error_detail.clone(),
            detail_pattern: None,
            fingerprint: row.fingerprint.clone(),
            attempts: row.attempts,
            first_failed_at: row.first_failed_at.to_string(),
            last_failed_at: row.last_failed_at.to_string(),
            worker_version: row.worker_version.clone(),
            exchange: row.exchange.clone(),
            routing_key: row.routing_key.clone(),
            properties: row.properties.clone(),
            headers: None,
            body_base64: None,
            redacted_body: None,
            missing: Some("erased".to_owned()),
        }
    }

    /// With headers (typed JSON) and body; the customer it names decides whose key seals it.
    #[must_use]
    pub(crate) fn with(mut self, headers_json: Option<&str>, body: &[u8]) -> Self {
        self.headers = Some(headers(headers_json));
        self.body_base64 = Some(STANDARD.encode(body));
        self.customer_ref = customer(body);
        self.missing = None;
        self
    }

    /// In the types of the store.
    pub(crate) fn readable(self) -> Result<Readable, Unimportable> {
        use Unimportable::Wrong;
        if self.form != FORM {
            return Err(Wrong("form"));
        }
        if let Some(why) = self.missing {
            return Err(Unimportable::NoContent(why));
        }
        let time = |text: &str| text.parse::<Timestamp>().ok();
        let key_source = match &*self.key_source {
            "ce" => KeySource::CloudEvents,
            "digest" => KeySource::Digest,
            _ => return Err(Wrong("key_source")),
        };
        let body = self.body_base64.as_deref().ok_or(Wrong("body_base64"))?;
        let headers = self.headers.as_ref().ok_or(Wrong("headers"))?;
        serde_json::from_value::<Properties>(self.properties.clone())
            .or(Err(Wrong("properties")))?;
        Ok(Readable {
            key_source,
            fingerprint: hex(&self.fingerprint).ok_or(Wrong("fingerprint"))?,
            first_failed_at: time(&self.first_failed_at).ok_or(Wrong("first_failed_at"))?,
            last_failed_at: time(&self.last_failed_at).ok_or(Wrong("last_failed_at"))?,
            properties_json: self.properties.to_string(),
            headers_json: serde_json::to_string(headers).expect("headers have text keys"),
            body: STANDARD.decode(body).or(Err(Wrong("body_base64")))?,
            exported: self,
        })
    }
}

impl Readable {
    /// As the store takes it.
    pub(crate) fn letter(&self) -> DeadLetter<'_> {
        let it = &self.exported;
        let pattern = it.detail_pattern.as_deref();
        DeadLetter {
            source_queue: &it.source_queue,
            message_key: &it.message_key,
            key_source: self.key_source,
            event_type: &it.event_type,
            order_id: it.order_id.as_deref(),
            customer_ref: it.customer_ref.as_deref(),
            error_class: &it.error_class,
            error_code: &it.error_code,
            error_detail: it.error_detail.as_deref(),
            // Shown with a group that is new here; which group it is, the fingerprint says.
            detail_pattern: pattern.or(it.error_detail.as_deref()).unwrap_or_default(),
            fingerprint: &self.fingerprint,
            attempts: it.attempts,
            first_failed_at: self.first_failed_at,
            last_failed_at: self.last_failed_at,
            worker_version: it.worker_version.as_deref(),
            replay_item: None,
            exchange: &it.exchange,
            routing_key: &it.routing_key,
            properties_json: &self.properties_json,
            headers_json: &self.headers_json,
            body: &self.body,
        }
    }
}

/// Headers from typed JSON.
pub(crate) fn headers(json: Option<&str>) -> Headers {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

fn customer(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("data").unwrap_or(&body).get("customer_ref")?.as_str().map(str::to_owned)
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> =
        pairs.iter().filter_map(|[high, low]| u8::try_from(high * 16 + low).ok()).collect();
    if rest.is_empty() { bytes.try_into().ok() } else { None }
}
