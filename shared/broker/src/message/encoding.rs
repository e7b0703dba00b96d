//! Headers to and from the client library's types, and their size on the wire.

use lapin::types::{
    AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable, LongString, ShortString,
    ShortStringError,
};

use super::headers::{HeaderValue, Headers};

impl From<&FieldTable> for Headers {
    fn from(table: &FieldTable) -> Self {
        table.into_iter().map(|(name, value)| (name.to_string(), value.into())).collect()
    }
}

impl From<&AMQPValue> for HeaderValue {
    fn from(value: &AMQPValue) -> Self {
        match value {
            AMQPValue::Boolean(v) => Self::Bool(*v),
            AMQPValue::ShortShortInt(v) => Self::I8(*v),
            AMQPValue::ShortShortUInt(v) => Self::U8(*v),
            AMQPValue::ShortInt(v) => Self::I16(*v),
            AMQPValue::ShortUInt(v) => Self::U16(*v),
            AMQPValue::LongInt(v) => Self::I32(*v),
            AMQPValue::LongUInt(v) => Self::U32(*v),
            AMQPValue::LongLongInt(v) => Self::I64(*v),
            AMQPValue::Float(v) => Self::F32(*v),
            AMQPValue::Double(v) => Self::F64(*v),
            AMQPValue::DecimalValue(v) => Self::Decimal { scale: v.scale, value: v.value },
            // Never on the wire; the library has it for its own use.
            AMQPValue::ShortString(v) => Self::Text(v.to_string()),
            AMQPValue::LongString(v) => text_or_raw(v.as_bytes()),
            AMQPValue::FieldArray(v) => Self::List(v.as_slice().iter().map(Self::from).collect()),
            AMQPValue::Timestamp(v) => Self::Timestamp(*v),
            AMQPValue::FieldTable(v) => Self::Table(Headers::from(v)),
            AMQPValue::ByteArray(v) => Self::Bytes(v.as_slice().to_vec()),
            AMQPValue::Void => Self::Void,
        }
    }
}

fn text_or_raw(bytes: &[u8]) -> HeaderValue {
    match str::from_utf8(bytes) {
        Ok(text) => HeaderValue::Text(text.to_owned()),
        Err(_) => HeaderValue::RawText(bytes.to_vec()),
    }
}

/// The table to send; fails on a name longer than 255 bytes.
pub(super) fn to_table(headers: &Headers) -> Result<FieldTable, ShortStringError> {
    let mut table = FieldTable::default();
    for (name, value) in headers.iter() {
        table.insert(ShortString::try_new(name)?, to_value(value)?);
    }
    Ok(table)
}

fn to_value(value: &HeaderValue) -> Result<AMQPValue, ShortStringError> {
    Ok(match value {
        HeaderValue::Bool(v) => AMQPValue::Boolean(*v),
        HeaderValue::I8(v) => AMQPValue::ShortShortInt(*v),
        HeaderValue::U8(v) => AMQPValue::ShortShortUInt(*v),
        HeaderValue::I16(v) => AMQPValue::ShortInt(*v),
        HeaderValue::U16(v) => AMQPValue::ShortUInt(*v),
        HeaderValue::I32(v) => AMQPValue::LongInt(*v),
        HeaderValue::U32(v) => AMQPValue::LongUInt(*v),
        HeaderValue::I64(v) => AMQPValue::LongLongInt(*v),
        HeaderValue::F32(v) => AMQPValue::Float(*v),
        HeaderValue::F64(v) => AMQPValue::Double(*v),
        HeaderValue::Decimal { scale, value } => {
            AMQPValue::DecimalValue(DecimalValue { scale: *scale, value: *value })
        }
        HeaderValue::Text(v) => AMQPValue::LongString(LongString::from(v.as_bytes())),
        HeaderValue::RawText(v) => AMQPValue::LongString(LongString::from(v.as_slice())),
        HeaderValue::Bytes(v) => AMQPValue::ByteArray(ByteArray::from(v.as_slice())),
        HeaderValue::Timestamp(v) => AMQPValue::Timestamp(*v),
        HeaderValue::List(v) => {
            let items: Result<Vec<_>, _> = v.iter().map(to_value).collect();
            AMQPValue::FieldArray(FieldArray::from(items?))
        }
        HeaderValue::Table(v) => AMQPValue::FieldTable(to_table(v)?),
        HeaderValue::Void => AMQPValue::Void,
    })
}

/// Bytes the headers take on the wire, with the length in front.
pub(super) fn table_bytes(headers: &Headers) -> usize {
    4 + headers.iter().map(|(name, value)| 1 + name.len() + value_bytes(value)).sum::<usize>()
}

fn value_bytes(value: &HeaderValue) -> usize {
    1 + match value {
        HeaderValue::Void => 0,
        HeaderValue::Bool(_) | HeaderValue::I8(_) | HeaderValue::U8(_) => 1,
        HeaderValue::I16(_) | HeaderValue::U16(_) => 2,
        HeaderValue::I32(_) | HeaderValue::U32(_) | HeaderValue::F32(_) => 4,
        HeaderValue::Decimal { .. } => 5,
        HeaderValue::I64(_) | HeaderValue::F64(_) | HeaderValue::Timestamp(_) => 8,
        HeaderValue::Text(text) => 4 + text.len(),
        HeaderValue::RawText(bytes) | HeaderValue::Bytes(bytes) => 4 + bytes.len(),
        HeaderValue::List(items) => 4 + items.iter().map(value_bytes).sum::<usize>(),
        HeaderValue::Table(headers) => table_bytes(headers),
    }
}
