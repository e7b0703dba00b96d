//! What the name of a field says about its value.

/// What a field may hold, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Text by people, or nothing known: every window of digits counts.
    Text,
    /// A reference or number: the digits count as a whole, not windows inside of a longer number.
    Reference,
    /// Ids of tracing: random numbers, which nobody types.
    Trace,
}

/// Words that make a field suspicious whatever else its name says.
const CARD_WORDS: [&[u8]; 3] = [b"card", b"account", b"creditnumber"];

/// Ends of the names of fields that hold references, amounts and times.
const REFERENCES: [&[u8]; 43] = [
    b"id",
    b"ids",
    b"ref",
    b"refs",
    b"reference",
    b"no",
    b"nr",
    b"num",
    b"number",
    b"key",
    b"code",
    b"sku",
    b"gtin",
    b"ean",
    b"upc",
    b"isbn",
    b"barcode",
    b"sscc",
    b"tracking",
    b"awb",
    b"arn",
    b"rrn",
    b"sequence",
    b"seq",
    b"token",
    b"hash",
    b"digest",
    b"checksum",
    b"signature",
    b"etag",
    b"minor",
    b"amount",
    b"qty",
    b"quantity",
    b"count",
    b"revision",
    b"ts",
    b"time",
    b"timestamp",
    b"phone",
    b"mobile",
    b"msisdn",
    b"fax",
];

/// Longest part of a name that is looked at, from its end.
const NAME_BYTES: usize = 48;
/// Longest key that is quoted.
const QUOTED_BYTES: usize = 40;

/// The letters and digits of a name, in lower case.
pub(crate) struct Plain {
    bytes: [u8; NAME_BYTES],
    start: usize,
}

impl Plain {
    pub(crate) fn of(name: &[u8]) -> Self {
        let (mut bytes, mut start) = ([0; NAME_BYTES], NAME_BYTES);
        let end = name.iter().rev().take(2 * NAME_BYTES);
        let telling = end.filter(|byte| byte.is_ascii_alphanumeric());
        for byte in telling.take(NAME_BYTES) {
            start -= 1;
            bytes[start] = byte.to_ascii_lowercase();
        }
        Self { bytes, start }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// What a field with this name may hold.
pub(crate) fn field(name: &[u8]) -> Field {
    let plain = Plain::of(name);
    let plain = plain.as_bytes();
    if speaks_of_card(plain) {
        Field::Text
    } else if plain.windows(5).any(|part| part == b"trace") || contains(plain, b"span") {
        Field::Trace
    } else if REFERENCES.iter().any(|end| plain.ends_with(end)) {
        Field::Reference
    } else {
        Field::Text
    }
}

/// Whether a plain name is about a payment card.
pub(crate) fn speaks_of_card(plain: &[u8]) -> bool {
    let named = plain == b"pan" || plain == b"pannumber" || plain.starts_with(b"cc");
    named || CARD_WORDS.iter().any(|word| contains(plain, word))
}

fn contains(plain: &[u8], word: &[u8]) -> bool {
    plain.windows(word.len()).any(|part| part == word)
}

/// What may be said of a key: its digits are covered, and a key that is no name is covered whole.
pub fn masked(key: &[u8]) -> String {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if key.is_empty() || key.len() > QUOTED_BYTES || !key.iter().all(is_name) {
        return "*".to_owned();
    }
    key.iter().map(|byte| if byte.is_ascii_digit() { '*' } else { char::from(*byte) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_its_field_may_hold() {
        for name in ["provider_ref", "orderId", "id", "order-number", "X-Tracking", "created_time"]
        {
            assert_eq!(field(name.as_bytes()), Field::Reference, "{name}");
        }
        for name in ["note", "reason", "card_number", "cardId", "ccnumber", "pan", "account_no", ""]
        {
            assert_eq!(field(name.as_bytes()), Field::Text, "{name}");
        }
        for name in ["traceparent", "x-datadog-trace-id", "span_id", "tracestate"] {
            assert_eq!(field(name.as_bytes()), Field::Trace, "{name}");
        }
    }

    #[test]
    fn a_key_is_quoted_only_if_it_is_a_name_and_without_its_digits() {
        assert_eq!(masked(b"line_2"), "line_*");
        assert_eq!(masked(b"4111-1111"), "****-****");
        assert_eq!(masked("Jos\u{e9}".as_bytes()), "*");
        assert_eq!(masked(b"a b"), "*");
        assert_eq!(masked(b""), "*");
        assert_eq!(masked(&[b'a'; 41]), "*");
    }
}
