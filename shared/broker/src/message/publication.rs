//! A message to be sent, checked before the broker sees it.

use lapin::{
    BasicProperties,
    types::{ShortString, ShortStringError},
};

use super::{encoding, headers::Headers, properties::Properties};

/// Largest body that is sent; brokers from 4.0 on refuse more than 16 MiB, and ours are small.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Largest header table that is sent.
///
/// It travels in one frame, of 128 KiB by default; a larger one makes the broker close the
/// connection under everybody who shares it.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// AMQP delivery mode of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// A message to be sent, and where to.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Exchange to publish to.
    pub exchange: String,
    /// Key the exchange routes by.
    pub routing_key: String,
    /// Everything beside the body; the message id is required.
    pub properties: Properties,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// The broker must give the message back when no queue takes it.
    pub mandatory: bool,
}

/// Why a publication was not even tried; sending it again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublication {
    /// A return could not be matched with a message that has no id.
    #[error("failed to publish a message without a message id")]
    NoMessageId,
    /// A name, key, id or header name is longer than AMQP allows.
    #[error("failed to publish: {field} is longer than 255 bytes")]
    TooLong {
        /// What is too long.
        field: &'static str,
    },
    /// The headers would not fit into a frame.
    #[error("failed to publish: the headers take {bytes} bytes of at most {MAX_HEADER_BYTES}")]
    HeadersTooLarge {
        /// What they take on the wire.
        bytes: usize,
    },
    /// The body is larger than [`MAX_BODY_BYTES`].
    #[error("failed to publish: the body takes {bytes} bytes of at most {MAX_BODY_BYTES}")]
    BodyTooLarge {
        /// What it takes.
        bytes: usize,
    },
}

impl Publication {
    /// A persistent message that must reach a queue.
    pub fn new(
        exchange: impl Into<String>,
        routing_key: impl Into<String>,
        properties: Properties,
        body: Vec<u8>,
    ) -> Self {
        let (exchange, routing_key) = (exchange.into(), routing_key.into());
        Self { exchange, routing_key, properties, body, mandatory: true }
    }
}

/// Tells the messages of a window apart; one message may go to several places.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) message_id: ShortString,
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
}

/// A publication in the client library's types.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) address: Address,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
    pub(crate) mandatory: bool,
}

impl Encoded {
    /// Checks every limit, and strips what the broker wrote about earlier deaths.
    pub(crate) fn new(publication: Publication) -> Result<Self, InvalidPublication> {
        let Publication { exchange, routing_key, mut properties, body, mandatory } = publication;
        properties.strip_broker_deaths();
        let message_id = properties.message_id.take().filter(|id| !id.is_empty());
        let message_id = message_id.ok_or(InvalidPublication::NoMessageId)?;
        if body.len() > MAX_BODY_BYTES {
            return Err(InvalidPublication::BodyTooLarge { bytes: body.len() });
        }
        let address = Address {
            message_id: short("the message id", message_id)?,
            exchange: short("the exchange", exchange)?,
            routing_key: short("the routing key", routing_key)?,
        };
        let properties = encode(properties)?.with_message_id(address.message_id.clone());
        Ok(Self { address, properties, body, mandatory })
    }
}

fn encode(properties: Properties) -> Result<BasicProperties, InvalidPublication> {
    let mut wire = BasicProperties::default().with_delivery_mode(PERSISTENT);
    if let Some(value) = optional("the content type", properties.content_type)? {
        wire = wire.with_content_type(value);
    }
    if let Some(value) = optional("the content encoding", properties.content_encoding)? {
        wire = wire.with_content_encoding(value);
    }
    if let Some(value) = optional("the type", properties.type_name)? {
        wire = wire.with_type(value);
    }
    if let Some(value) = optional("the app id", properties.app_id)? {
        wire = wire.with_app_id(value);
    }
    if let Some(value) = optional("the correlation id", properties.correlation_id)? {
        wire = wire.with_correlation_id(value);
    }
    if let Some(value) = properties.timestamp {
        wire = wire.with_timestamp(value);
    }
    if !properties.headers.is_empty() {
        wire = wire.with_headers(encode_headers(&properties.headers)?);
    }
    Ok(wire)
}

fn encode_headers(headers: &Headers) -> Result<lapin::types::FieldTable, InvalidPublication> {
    let bytes = encoding::table_bytes(headers);
    if bytes > MAX_HEADER_BYTES {
        return Err(InvalidPublication::HeadersTooLarge { bytes });
    }
    encoding::to_table(headers).map_err(|error| too_long("a header name", &error))
}

fn optional(
    field: &'static str,
    value: Option<String>,
) -> Result<Option<ShortString>, InvalidPublication> {
    value.map(|value| short(field, value)).transpose()
}

fn short(field: &'static str, value: String) -> Result<ShortString, InvalidPublication> {
    ShortString::try_new(value).map_err(|error| too_long(field, &error))
}

fn too_long(field: &'static str, _: &ShortStringError) -> InvalidPublication {
    InvalidPublication::TooLong { field }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::HeaderValue;

    fn publication() -> Publication {
        let properties = Properties { message_id: Some("m-1".to_owned()), ..Properties::default() };
        Publication::new("exchange", "key", properties, b"{}".to_vec())
    }

    fn refused(change: impl FnOnce(&mut Publication)) -> InvalidPublication {
        let mut publication = publication();
        change(&mut publication);
        Encoded::new(publication).unwrap_err()
    }

    #[test]
    fn a_message_is_persistent_and_keeps_its_id() {
        let encoded = Encoded::new(publication()).unwrap();
        assert_eq!(encoded.properties.delivery_mode(), &Some(PERSISTENT));
        assert_eq!(encoded.properties.message_id(), &Some("m-1".into()));
    }

    #[test]
    fn broker_deaths_never_leave_with_a_message() {
        let mut publication = publication();
        publication.properties.headers.insert("x-death", HeaderValue::List(Vec::new()));
        let encoded = Encoded::new(publication).unwrap();
        assert_eq!(encoded.properties.headers(), &None);
    }

    #[test]
    fn what_the_broker_would_punish_is_refused_before_it_sees_it() {
        let long = "x".repeat(256);
        let too_long = |field| InvalidPublication::TooLong { field };
        assert_eq!(refused(|p| p.properties.message_id = None), InvalidPublication::NoMessageId);
        assert_eq!(
            refused(|p| p.properties.message_id = Some(String::new())),
            InvalidPublication::NoMessageId
        );
        assert_eq!(refused(|p| p.routing_key.clone_from(&long)), too_long("the routing key"));
        assert_eq!(
            refused(|p| p.properties.correlation_id = Some(long.clone())),
            too_long("the correlation id")
        );
        assert_eq!(
            refused(|p| {
                p.properties.headers.insert(long.clone(), 1_i64);
            }),
            too_long("a header name")
        );
        assert_eq!(
            refused(|p| {
                p.properties.headers.insert("h", "x".repeat(MAX_HEADER_BYTES));
            }),
            InvalidPublication::HeadersTooLarge { bytes: MAX_HEADER_BYTES + 4 + 2 + 1 + 4 }
        );
        assert_eq!(
            refused(|p| p.body = vec![0; MAX_BODY_BYTES + 1]),
            InvalidPublication::BodyTooLarge { bytes: MAX_BODY_BYTES + 1 }
        );
    }
}
