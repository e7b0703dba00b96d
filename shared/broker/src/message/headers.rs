//! Message headers, lossless in memory, on the wire and as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One header value, in any type AMQP 0-9-1 as spoken by RabbitMQ knows.
///
/// As JSON it is `{"type": .., "value": ..}`, so that no type and no byte is lost: bytes are
/// lower-case hex, floats are their bits in hex.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case")]
pub enum HeaderValue {
    /// True or false (`t`).
    Bool(bool),
    /// Signed 8 bits (`b`).
    I8(i8),
    /// Unsigned 8 bits (`B`).
    U8(u8),
    /// Signed 16 bits (`s`).
    I16(i16),
    /// Unsigned 16 bits (`u`).
    U16(u16),
    /// Signed 32 bits (`I`).
    I32(i32),
    /// Unsigned 32 bits (`i`).
    U32(u32),
    /// Signed 64 bits (`l`).
    I64(i64),
    /// IEEE single precision (`f`).
    F32(#[serde(with = "f32_bits")] f32),
    /// IEEE double precision (`d`).
    F64(#[serde(with = "f64_bits")] f64),
    /// `value` divided by 10 to the power of `scale` (`D`).
    Decimal {
        /// Digits after the point.
        scale: u8,
        /// All digits.
        value: u32,
    },
    /// A long string (`S`) that is valid UTF-8.
    Text(String),
    /// A long string (`S`) that is not valid UTF-8.
    RawText(#[serde(with = "hex")] Vec<u8>),
    /// A byte array (`x`).
    Bytes(#[serde(with = "hex")] Vec<u8>),
    /// Seconds since 1970 (`T`).
    Timestamp(u64),
    /// A list (`A`).
    List(Vec<HeaderValue>),
    /// A nested table (`F`).
    Table(Headers),
    /// No value (`V`).
    Void,
}

impl HeaderValue {
    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, if this is an integer of any width.
    pub fn as_integer(&self) -> Option<i64> {
        match *self {
            Self::I8(n) => Some(n.into()),
            Self::U8(n) => Some(n.into()),
            Self::I16(n) => Some(n.into()),
            Self::U16(n) => Some(n.into()),
            Self::I32(n) => Some(n.into()),
            Self::U32(n) => Some(n.into()),
            Self::I64(n) => Some(n),
            Self::Bool(_)
            | Self::F32(_)
            | Self::F64(_)
            | Self::Decimal { .. }
            | Self::Text(_)
            | Self::RawText(_)
            | Self::Bytes(_)
            | Self::Timestamp(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Void => None,
        }
    }
}

impl From<&str> for HeaderValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for HeaderValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for HeaderValue {
    fn from(number: i64) -> Self {
        Self::I64(number)
    }
}

/// The headers of a message, by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(BTreeMap<String, HeaderValue>);

impl Headers {
    /// The value of a header.
    pub fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.0.get(name)
    }

    /// The value of a header that is text.
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(HeaderValue::as_str)
    }

    /// Sets a header and gives back what it was before.
    pub fn insert(
        &mut self,
        name: impl Into<String>,
        value: impl Into<HeaderValue>,
    ) -> Option<HeaderValue> {
        self.0.insert(name.into(), value.into())
    }

    /// Takes a header out.
    pub fn remove(&mut self, name: &str) -> Option<HeaderValue> {
        self.0.remove(name)
    }

    /// All headers, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Drops what the broker wrote about earlier deaths and routes of the message.
    ///
    /// A copy that is published with them is dropped or held for ever by a broker before 4.0
    /// once it reaches a queue it has been in before; `CC` and `BCC` would send further copies.
    pub fn strip_broker_deaths(&mut self) {
        self.0.retain(|name, _| !is_broker_owned(name));
    }
}

impl FromIterator<(String, HeaderValue)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, HeaderValue)>>(headers: I) -> Self {
        Self(headers.into_iter().collect())
    }
}

fn is_broker_owned(name: &str) -> bool {
    const NAMES: [&str; 5] = ["x-death", "x-delivery-count", "x-acquired-count", "CC", "BCC"];
    const PREFIXES: [&str; 2] = ["x-first-death-", "x-last-death-"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Bytes as lower-case hex.
mod hex {
    use std::fmt::Write as _;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        }
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        parse(&text).ok_or_else(|| D::Error::custom("expected an even number of hex digits"))
    }

    fn parse(text: &str) -> Option<Vec<u8>> {
        let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
        let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
        let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).ok();
        if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
    }
}

/// Floats as their bits in hex: JSON numbers know neither NaN nor infinity nor the exact bits.
macro_rules! float_bits {
    ($module:ident, $float:ty, $bits:ty) => {
        mod $module {
            use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

            pub(super) fn serialize<S: Serializer>(n: &$float, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(&format_args!("{:x}", n.to_bits()))
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(
                from: D,
            ) -> Result<$float, D::Error> {
                let text = String::deserialize(from)?;
                let bits = <$bits>::from_str_radix(&text, 16).map_err(D::Error::custom)?;
                Ok(<$float>::from_bits(bits))
            }
        }
    };
}
float_bits!(f32_bits, f32, u32);
float_bits!(f64_bits, f64, u64);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &HeaderValue, json: &str) {
        let text = serde_json::to_string(value).unwrap();
        assert_eq!(text, json);
        let back: HeaderValue = serde_json::from_str(&text).unwrap();
        assert_eq!(format!("{back:?}"), format!("{value:?}"));
    }

    #[test]
    fn every_type_survives_json_with_its_type_and_bytes() {
        check(&HeaderValue::Bool(true), r#"{"type":"bool","value":true}"#);
        check(&HeaderValue::I8(-1), r#"{"type":"i8","value":-1}"#);
        check(&HeaderValue::U8(255), r#"{"type":"u8","value":255}"#);
        check(&HeaderValue::I16(-300), r#"{"type":"i16","value":-300}"#);
        check(&HeaderValue::U16(65_535), r#"{"type":"u16","value":65535}"#);
        check(&HeaderValue::I32(i32::MIN), r#"{"type":"i32","value":-2147483648}"#);
        check(&HeaderValue::U32(u32::MAX), r#"{"type":"u32","value":4294967295}"#);
        check(&HeaderValue::I64(i64::MAX), r#"{"type":"i64","value":9223372036854775807}"#);
        check(&HeaderValue::F32(0.1), r#"{"type":"f32","value":"3dcccccd"}"#);
        check(&HeaderValue::F64(f64::NAN), r#"{"type":"f64","value":"7ff8000000000000"}"#);
        check(
            &HeaderValue::Decimal { scale: 2, value: 1999 },
            r#"{"type":"decimal","value":{"scale":2,"value":1999}}"#,
        );
        check(&HeaderValue::from("né"), r#"{"type":"text","value":"né"}"#);
        check(&HeaderValue::RawText(vec![0xff, 0]), r#"{"type":"raw-text","value":"ff00"}"#);
        check(&HeaderValue::Bytes(vec![1, 0xab]), r#"{"type":"bytes","value":"01ab"}"#);
        check(&HeaderValue::Timestamp(7), r#"{"type":"timestamp","value":7}"#);
        check(&HeaderValue::Void, r#"{"type":"void"}"#);
        let table = Headers::from_iter([("k".to_owned(), HeaderValue::List(vec![1.into()]))]);
        check(
            &HeaderValue::Table(table),
            r#"{"type":"table","value":{"k":{"type":"list","value":[{"type":"i64","value":1}]}}}"#,
        );
    }

    #[test]
    fn hex_that_is_not_whole_bytes_is_refused() {
        for value in ["0", "0g", "é"] {
            let json = format!(r#"{{"type":"bytes","value":"{value}"}}"#);
            assert!(serde_json::from_str::<HeaderValue>(&json).is_err(), "{value}");
        }
    }

    #[test]
    fn what_the_broker_wrote_is_stripped_and_ours_stays() {
        let broker = [
            "x-death",
            "x-first-death-exchange",
            "x-first-death-queue",
            "x-first-death-reason",
            "x-last-death-exchange",
            "x-last-death-queue",
            "x-last-death-reason",
            "x-delivery-count",
            "x-acquired-count",
            "CC",
        ];
        let mut headers = Headers::default();
        for name in broker {
            headers.insert(name, "whatever");
        }
        headers.insert("orderflow-attempt", 2_i64);
        headers.strip_broker_deaths();
        assert_eq!(headers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["orderflow-attempt"]);
    }
}
