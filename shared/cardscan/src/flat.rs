//! The same text with every digit as one ASCII byte, however it was written.

use std::borrow::Cow;

/// Stands for a character that is neither a digit nor between digits.
const OTHER: u8 = 0xff;

/// The zeros of the scripts that keyboards write digits in; nine more follow each.
const ZEROS: [u32; 16] = [
    0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50,
    0x0ED0, 0x1040, 0x17E0, 0xFF10,
];
/// Five styles of ten digits each, for formulas.
const STYLED_DIGITS: std::ops::Range<u32> = 0x1D7CE..0x1D800;

/// Takes JSON escapes and Unicode's digits, spaces and dashes back to ASCII.
///
/// Characters that are not seen are left out. An escaped quotation mark becomes a plain one: JSON
/// inside of a string then reads as JSON.
pub(crate) fn flattened(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.is_ascii() && memchr::memchr(b'\\', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut flat = Vec::with_capacity(raw.len());
    pieces(raw, |_, piece| flat.extend_from_slice(piece));
    Cow::Owned(flat)
}

/// For each byte of the flat text, where in the raw one it comes from.
pub(crate) fn raw_places(raw: &[u8]) -> Vec<usize> {
    let mut places = Vec::with_capacity(raw.len());
    pieces(raw, |at, piece| places.extend(at..at + piece.len()));
    places
}

/// Shows each piece of the flat text with the place it comes from.
fn pieces(raw: &[u8], mut show: impl FnMut(usize, &[u8])) {
    let mut at = 0;
    while at < raw.len() {
        let is_special = |byte: &u8| *byte == b'\\' || !byte.is_ascii();
        let plain = raw[at..].iter().position(is_special).unwrap_or(raw.len() - at);
        show(at, &raw[at..at + plain]);
        at += plain;
        let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) else { return };
        let (length, byte) = if rest[0] == b'\\' { escape(rest) } else { character(rest) };
        if let Some(byte) = byte {
            show(at, &[byte]);
        }
        at += length;
    }
}

/// The length of an escape and what it stands for.
fn escape(rest: &[u8]) -> (usize, Option<u8>) {
    match rest.get(1) {
        Some(b'u') => {
            let Some(first) = code_unit(rest) else { return (1, Some(b'\\')) };
            let second =
                if (0xD800..0xDC00).contains(&first) { code_unit(&rest[6..]) } else { None };
            let second = second.filter(|unit| (0xDC00..0xE000).contains(unit));
            second.map_or((6, simplified(first)), |second| {
                (12, simplified(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)))
            })
        }
        Some(b'n' | b't' | b'r' | b'b' | b'f') => (2, Some(b' ')),
        Some(escaped @ (b'"' | b'\\' | b'/')) => (2, Some(*escaped)),
        Some(_) | None => (1, Some(b'\\')),
    }
}

/// The number in `\u0000`.
fn code_unit(text: &[u8]) -> Option<u32> {
    let hex = str::from_utf8(text.strip_prefix(b"\\u")?.get(..4)?).ok()?;
    u32::from_str_radix(hex, 16).ok()
}

/// The length of a character beyond ASCII and what it stands for.
fn character(rest: &[u8]) -> (usize, Option<u8>) {
    let length = match rest[0] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (1, Some(OTHER)),
    };
    let decoded = rest.get(..length).and_then(|bytes| str::from_utf8(bytes).ok());
    let Some(decoded) = decoded.and_then(|text| text.chars().next()) else {
        return (1, Some(OTHER));
    };
    (length, simplified(decoded.into()))
}

fn simplified(code: u32) -> Option<u8> {
    let digit = |value: u32| Some(b'0' + u8::try_from(value % 10).expect("below ten"));
    if STYLED_DIGITS.contains(&code) {
        return digit(code - STYLED_DIGITS.start);
    }
    if let Some(zero) = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)) {
        return digit(code - zero);
    }
    match code {
        0..0x80 => u8::try_from(code).ok(),
        // No-break, typographic and ideographic spaces.
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 => Some(b' '),
        // Hyphens, dashes and minus signs.
        0x2010..=0x2015 | 0x2212 | 0xFE58 | 0xFE63 | 0xFF0D => Some(b'-'),
        // Soft hyphens, joiners, marks of direction.
        0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xFEFF => None,
        _ => Some(OTHER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(raw: &str) -> String {
        String::from_utf8_lossy(&flattened(raw.as_bytes())).into_owned()
    }

    #[test]
    fn digits_are_digits_however_they_are_written() {
        assert_eq!(flat(r"\u00341\u0031"), "411");
        assert_eq!(flat("\u{FF14}\u{FF11}\u{0661}\u{0967}\u{1D7CF}"), "41111");
        assert_eq!(flat(r"\ud835\udfcf"), "1");
        assert_eq!(flat("4\u{200B}1\u{A0}1\u{2011}1\\t1"), "41 1-1 1");
    }

    #[test]
    fn json_in_a_string_reads_as_json() {
        assert_eq!(flat(r#""{\"cvv\":\"123\"}""#), r#""{"cvv":"123"}""#);
    }

    #[test]
    fn what_is_no_escape_and_no_character_stays_apart() {
        assert_eq!(flattened(b"4\\").as_ref(), b"4\\");
        assert_eq!(flattened(b"4\\u00z").as_ref(), b"4\\u00z");
        assert_eq!(flattened(b"4\xff\xc3(1").as_ref(), b"4\xff\xff(1");
        assert_eq!(flattened(r"\ud835x".as_bytes()).as_ref(), b"\xffx");
    }

    #[test]
    fn every_place_leads_back() {
        let raw = "a\u{FF14}\\u0034b\u{200B}c";
        let flat = flattened(raw.as_bytes());
        assert_eq!(flat.as_ref(), b"a44bc");
        assert_eq!(raw_places(raw.as_bytes()), [0, 1, 4, 10, 14]);
    }
}
