//! From a delivery of a dead queue to the row that operators work with.

use std::time::Duration;

use broker::{Delivery, HeaderValue, Headers};
use contracts::Timestamp;
use runtime::{STAND_IN_ID, headers};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::dead_letters::{DeadLetter, KeySource, RawDeadLetter};

/// Longest text taken from a header into a column.
const TEXT: usize = 1024;
/// The key of a message that names itself in no way; its body alone tells it apart.
const NAMELESS: &str = "-";

/// Where a dead letter was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The dead queue of this work queue.
    WorkQueue(String),
    /// The queue of what no binding matched.
    Unroutable(String),
}

impl Origin {
    pub(crate) fn queue(&self) -> &str {
        match self {
            Self::WorkQueue(queue) | Self::Unroutable(queue) => queue,
        }
    }
}

/// Who sent what, as far as it can be read; never fails, because poison must be parked too.
#[derive(Debug, Default, PartialEq, Eq)]
struct Identity {
    source: Option<String>,
    id: Option<String>,
    event_type: Option<String>,
    order: Option<String>,
    customer: Option<String>,
}

/// What the database keeps of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    source_queue: String,
    message_key: String,
    key_source: KeySource,
    event_type: String,
    order_id: Option<String>,
    customer_ref: Option<String>,
    error_class: String,
    error_code: String,
    error_detail: Option<String>,
    detail_pattern: String,
    fingerprint: [u8; 32],
    attempts: i32,
    first_failed_at: Timestamp,
    last_failed_at: Timestamp,
    worker_version: Option<String>,
    replay_item: Option<i64>,
    exchange: String,
    routing_key: String,
    properties: String,
    headers: String,
    body: Vec<u8>,
}

/// The row of a dead letter; `now` stands in for times that the message does not carry.
pub(crate) fn letter(delivery: &Delivery, origin: &Origin, now: Timestamp) -> Letter {
    let head = &delivery.properties.headers;
    let identity = Identity::of(delivery);
    let (class, code) = failure(head, origin);
    let detail = head.str(headers::ERROR_MESSAGE).map(|text| cut(text).to_owned());
    let event_type = identity.event_type.clone().unwrap_or_else(|| "unknown".to_owned());
    let (message_key, key_source) = key(&identity, delivery);
    let source_queue = head.str(headers::QUEUE).unwrap_or(origin.queue()).to_owned();
    let failed_at = failed_at(delivery, now);
    let pattern = normalised(detail.as_deref().unwrap_or_default());
    Letter {
        fingerprint: fingerprint([&source_queue, &event_type, &class, &code, &pattern]),
        detail_pattern: pattern,
        source_queue,
        message_key,
        key_source,
        event_type,
        order_id: identity.order,
        customer_ref: identity.customer,
        error_class: class,
        error_code: code,
        error_detail: detail,
        attempts: attempts(head),
        first_failed_at: time(head, headers::FIRST_FAILED_AT).unwrap_or(failed_at).min(failed_at),
        last_failed_at: failed_at,
        worker_version: head.str(headers::BUILD).map(|text| cut(text).to_owned()),
        replay_item: head.get(headers::REPLAY_ID).and_then(HeaderValue::as_integer),
        exchange: head.str(headers::EXCHANGE).unwrap_or(&delivery.exchange).to_owned(),
        routing_key: head.str(headers::ROUTING_KEY).unwrap_or(&delivery.routing_key).to_owned(),
        properties: properties(delivery),
        headers: serde_json::to_string(head).expect("headers have text keys and typed values"),
        body: delivery.body.clone(),
    }
}

impl Letter {
    /// As the store takes it.
    pub(crate) fn row(&self) -> DeadLetter<'_> {
        DeadLetter {
            source_queue: &self.source_queue,
            message_key: &self.message_key,
            key_source: self.key_source,
            event_type: &self.event_type,
            order_id: self.order_id.as_deref(),
            customer_ref: self.customer_ref.as_deref(),
            error_class: &self.error_class,
            error_code: &self.error_code,
            error_detail: self.error_detail.as_deref(),
            detail_pattern: &self.detail_pattern,
            fingerprint: &self.fingerprint,
            attempts: self.attempts,
            first_failed_at: self.first_failed_at,
            last_failed_at: self.last_failed_at,
            worker_version: self.worker_version.as_deref(),
            replay_item: self.replay_item,
            exchange: &self.exchange,
            routing_key: &self.routing_key,
            properties_json: &self.properties,
            headers_json: &self.headers,
            body: &self.body,
        }
    }

    /// As the store keeps it when it refuses the row.
    pub(crate) fn raw<'a>(&'a self, reason: &'a str) -> RawDeadLetter<'a> {
        RawDeadLetter {
            source_queue: &self.source_queue,
            reason,
            headers: self.headers.as_bytes(),
            body: &self.body,
        }
    }
}

/// The worker's own words, or what the broker did without them.
fn failure(head: &Headers, origin: &Origin) -> (String, String) {
    let worker = head.str(headers::ERROR_CLASS).zip(head.str(headers::ERROR_CODE));
    let (class, code) = match (worker, origin) {
        (Some((class, code)), _) => (class, code),
        (None, Origin::Unroutable(_)) => ("unroutable", "unroutable"),
        (None, Origin::WorkQueue(_)) => ("crash-loop", "delivery-limit"),
    };
    (cut(class).to_owned(), cut(code).to_owned())
}

impl Identity {
    fn of(delivery: &Delivery) -> Self {
        let body: Option<Value> = serde_json::from_slice(&delivery.body).ok();
        let field = |name: &str| text(body.as_ref()?.get(name)?);
        let header = |name: &str| {
            let prefixes = ["ce-", "cloudEvents_", "cloudEvents:"];
            let head = &delivery.properties.headers;
            prefixes.iter().find_map(|prefix| head.str(&format!("{prefix}{name}"))).map(clean)
        };
        let attribute = |name: &str| header(name).or_else(|| field(name));
        let in_data = |name: &str| {
            let body = body.as_ref()?;
            text(body.get("data").unwrap_or(body).get(name)?)
        };
        let order = in_data("order_id");
        Self {
            source: attribute("source"),
            id: attribute("id"),
            event_type: attribute("type"),
            order: order.or_else(|| attribute("subject")),
            customer: in_data("customer_ref"),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(clean)
}

/// A text that fits a column.
fn clean(text: &str) -> String {
    cut(text).replace('\0', "\u{fffd}")
}

/// The event's own key where it has one, else whatever tells it apart besides its body.
///
/// Only what a replay keeps: the exchange and the routing key become those of the way home.
fn key(identity: &Identity, delivery: &Delivery) -> (String, KeySource) {
    if let (Some(source), Some(id)) = (&identity.source, &identity.id) {
        return (format!("{source} {id}"), KeySource::CloudEvents);
    }
    // An id that we gave to a message without one says no more than its body.
    let own = |id: &&str| !id.is_empty() && !id.starts_with(STAND_IN_ID);
    let message_id = delivery.properties.message_id.as_deref().filter(own).map(clean);
    let known = identity.id.clone().or(message_id);
    (known.unwrap_or_else(|| NAMELESS.to_owned()), KeySource::Digest)
}

/// Groups like failures: queue, event type, class, code, and the detail without what varies.
fn fingerprint(parts: [&str; 5]) -> [u8; 32] {
    parts
        .into_iter()
        .fold(Sha256::new(), |hash, part| hash.chain_update(part).chain_update([0]))
        .finalize()
        .into()
}

/// A detail without what differs from message to message: ids, numbers, quoted text.
fn normalised(detail: &str) -> String {
    let mut quoted = false;
    let mut words = Vec::new();
    for word in detail.split_whitespace() {
        let marks = word.matches(['"', '`', '\'']).count();
        let varies = quoted || marks > 0 || word.chars().any(|c| c.is_ascii_digit());
        words.push(if varies { "#" } else { word });
        quoted ^= marks % 2 == 1;
    }
    words.dedup_by(|a, b| *a == "#" && *b == "#");
    words.join(" ")
}

fn attempts(head: &Headers) -> i32 {
    let count = head.get(headers::ATTEMPT).and_then(HeaderValue::as_integer).unwrap_or(1);
    i32::try_from(count.max(1)).unwrap_or(i32::MAX)
}

/// When a message failed, the same however often it is handed to us.
///
/// The worker says so; else the broker noted when it gave up on it; what nobody ever took has the
/// time at which it was sent, if it says so.
fn failed_at(delivery: &Delivery, now: Timestamp) -> Timestamp {
    let head = &delivery.properties.headers;
    let noted = time(head, headers::FAILED_AT)
        .or_else(|| seconds(death(head)?))
        .or_else(|| seconds(delivery.properties.timestamp?));
    noted.unwrap_or(now).min(now)
}

/// When the broker gave up on it last.
fn death(head: &Headers) -> Option<u64> {
    let Some(HeaderValue::List(deaths)) = head.get("x-death") else { return None };
    let Some(HeaderValue::Table(latest)) = deaths.first() else { return None };
    let Some(HeaderValue::Timestamp(time)) = latest.get("time") else { return None };
    Some(*time)
}

fn seconds(since_1970: u64) -> Option<Timestamp> {
    // Beyond what a time can be, somebody wrote something else.
    let seconds = u32::try_from(since_1970).ok()?;
    Some(Timestamp::EPOCH.plus(Duration::from_secs(seconds.into())))
}

fn time(head: &Headers, name: &str) -> Option<Timestamp> {
    head.str(name)?.parse().ok()
}

/// The AMQP properties but for the headers, which have a column of their own.
fn properties(delivery: &Delivery) -> String {
    let mut properties = delivery.properties.clone();
    properties.headers = Headers::default();
    serde_json::to_string(&properties).expect("properties are text and numbers")
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use broker::Properties;

    fn delivery(body: &[u8]) -> Delivery {
        Delivery {
            tag: 1,
            redelivered: false,
            delivery_count: 0,
            exchange: "orderflow.dead".to_owned(),
            routing_key: "orderflow.refund-requested".to_owned(),
            properties: Properties::default(),
            body: body.to_vec(),
        }
    }

    fn dead_queue() -> Origin {
        Origin::WorkQueue("orderflow.refund-requested".to_owned())
    }

    fn parked(body: &[u8]) -> Letter {
        letter(&delivery(body), &dead_queue(), Timestamp::EPOCH)
    }

    #[test]
    fn an_event_is_known_by_its_source_and_id() {
        let body = br#"{"source":"/shop","id":"e-1","type":"t","data":{"order_id":"o-1"}}"#;
        let row = parked(body);
        assert_eq!(
            (row.message_key.as_str(), row.key_source),
            ("/shop e-1", KeySource::CloudEvents)
        );
        assert_eq!((row.event_type.as_str(), row.order_id.as_deref()), ("t", Some("o-1")));
    }

    #[test]
    fn anything_else_is_known_by_its_body_and_parked_all_the_same() {
        for body in [&b"not json"[..], b"[1]", b"\xff\0", b""] {
            let row = parked(body);
            assert_eq!(row.key_source, KeySource::Digest);
            assert_eq!((row.message_key.as_str(), row.body.as_slice()), (NAMELESS, body));
        }
    }

    /// The dead letter of the same message after a replay that failed again.
    fn after_a_replay(mut message: Delivery) -> Letter {
        let head = &mut message.properties.headers;
        head.insert(headers::EXCHANGE, "orderflow.return".to_owned());
        head.insert(headers::ROUTING_KEY, "orderflow.refund-requested".to_owned());
        let id = message.properties.message_id.take();
        let stand_in = format!("{}0123456789abcdef", runtime::STAND_IN_ID);
        message.properties.message_id = Some(id.unwrap_or(stand_in));
        letter(&message, &dead_queue(), Timestamp::EPOCH)
    }

    #[test]
    fn a_message_without_identity_keeps_its_key_over_a_replay() {
        let mut anonymous = delivery(b"not json");
        anonymous.exchange = "shop.events".to_owned();
        anonymous.routing_key = "refund.requested".to_owned();
        let mut named = anonymous.clone();
        named.properties.message_id = Some("m-1".to_owned());
        let mut half = anonymous.clone();
        half.properties.headers.insert("ce-id", "e-1".to_owned());
        let mut keys = Vec::new();
        for message in [anonymous, named, half] {
            let first = letter(&message, &dead_queue(), Timestamp::EPOCH).message_key;
            assert_eq!(first, after_a_replay(message).message_key);
            keys.push(first);
        }
        keys.dedup();
        assert_eq!(keys.len(), 3, "what identity there is tells messages apart: {keys:?}");
    }

    #[test]
    fn without_a_workers_words_the_broker_s_own_net_caught_it() {
        assert_eq!(parked(b"{}").error_code, "delivery-limit");
        let origin = Origin::Unroutable("orderflow.unroutable".to_owned());
        let row = letter(&delivery(b"{}"), &origin, Timestamp::EPOCH);
        assert_eq!(
            (row.error_code.as_str(), row.source_queue.as_str()),
            ("unroutable", "orderflow.unroutable")
        );
    }

    #[test]
    fn like_failures_share_a_fingerprint() {
        let print = |detail| fingerprint(["q", "t", "c", "x", &normalised(detail)]);
        assert_eq!(print("order 17 is `new`"), print("order 4711 is `very old`"));
        assert_ne!(print("order 17 is `new`"), print("refund 17 is `new`"));
    }
}
