//! Message properties, neutral of the client library.

use lapin::{BasicProperties, types::ShortString};
use serde::{Deserialize, Serialize};

use super::headers::Headers;

/// Everything a message carries beside its body.
///
/// What only the sender's broker session gave a meaning to (expiration, priority, reply address,
/// user id) is left behind: a copy we publish must not inherit it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Properties {
    /// Identity of the message, stable over retries and replays.
    pub message_id: Option<String>,
    /// Media type of the body.
    pub content_type: Option<String>,
    /// Encoding of the body.
    pub content_encoding: Option<String>,
    /// Type of the message, such as `payment.attempted`.
    pub type_name: Option<String>,
    /// Application that sent it.
    pub app_id: Option<String>,
    /// What it belongs to; the order.
    pub correlation_id: Option<String>,
    /// When it was sent, in seconds since 1970.
    pub timestamp: Option<u64>,
    /// All headers.
    pub headers: Headers,
}

impl Properties {
    /// Drops what the broker wrote about earlier deaths; see [`Headers::strip_broker_deaths`].
    pub fn strip_broker_deaths(&mut self) {
        self.headers.strip_broker_deaths();
    }
}

impl From<&BasicProperties> for Properties {
    fn from(wire: &BasicProperties) -> Self {
        let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
        Self {
            message_id: text(wire.message_id()),
            content_type: text(wire.content_type()),
            content_encoding: text(wire.content_encoding()),
            type_name: text(wire.kind()),
            app_id: text(wire.app_id()),
            correlation_id: text(wire.correlation_id()),
            timestamp: *wire.timestamp(),
            headers: wire.headers().as_ref().map(Headers::from).unwrap_or_default(),
        }
    }
}
