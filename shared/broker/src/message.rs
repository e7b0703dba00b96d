//! What a message is on the wire, in our own types.

mod encoding;
mod headers;
mod properties;
mod publication;

pub use headers::{HeaderValue, Headers};
pub use properties::Properties;
pub(crate) use publication::{Address, Encoded};
pub use publication::{InvalidPublication, MAX_BODY_BYTES, Publication};

/// One hand-over of a message by the broker; settled by its tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Names the delivery to the [`Settler`](crate::Settler) of the consumer that received it.
    pub tag: u64,
    /// The broker has handed this message over before, to us or to another consumer.
    pub redelivered: bool,
    /// How often the broker took the message back before; 0 the first time.
    pub delivery_count: u32,
    /// Exchange it came through last; empty for the default exchange.
    pub exchange: String,
    /// Routing key it was published with.
    pub routing_key: String,
    /// Everything beside the body.
    pub properties: Properties,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl From<lapin::message::Delivery> for Delivery {
    fn from(delivery: lapin::message::Delivery) -> Self {
        let properties = Properties::from(&delivery.properties);
        Self {
            tag: delivery.delivery_tag,
            redelivered: delivery.redelivered,
            delivery_count: delivery_count(&properties.headers),
            exchange: delivery.exchange.into(),
            routing_key: delivery.routing_key.into(),
            properties,
            body: delivery.data,
        }
    }
}

fn delivery_count(headers: &Headers) -> u32 {
    let count = headers.get("x-delivery-count").and_then(HeaderValue::as_integer).unwrap_or(0);
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(value: HeaderValue) -> u32 {
        let mut headers = Headers::default();
        headers.insert("x-delivery-count", value);
        delivery_count(&headers)
    }

    #[test]
    fn a_delivery_count_is_read_whatever_its_integer_type() {
        assert_eq!(delivery_count(&Headers::default()), 0);
        assert_eq!(counted(HeaderValue::I64(7)), 7);
        assert_eq!(counted(HeaderValue::U8(7)), 7);
        assert_eq!(counted(HeaderValue::I64(-1)), 0);
        assert_eq!(counted(HeaderValue::I64(i64::MAX)), u32::MAX);
        assert_eq!(counted(HeaderValue::Text("7".to_owned())), 0);
    }
}
