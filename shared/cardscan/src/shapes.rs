//! Numbers that a shop's messages are full of and that are no cards.

use std::ops::Range;

use crate::networks::luhn;
use crate::runs::is_digit;

/// Places of the hyphens in a UUID.
const UUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];
const UUID_BYTES: usize = 36;
/// Places of the hyphens in a W3C `traceparent`.
const TRACEPARENT_HYPHENS: [usize; 3] = [2, 35, 52];
const TRACEPARENT_BYTES: usize = 55;
/// Shortest and longest id or digest that is written in hex.
const HEX_BYTES: (usize, usize) = (16, 128);
/// The bounds of the integers of machines, which stand for "without bound".
const BOUNDS: [&[u8]; 5] = [
    b"9007199254740991",
    b"9007199254740992",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551615",
];
/// Shortest and longest IBAN.
const IBAN_BYTES: (usize, usize) = (15, 34);

/// The part of the text that overlaps a run and is an identifier by its form, if there is one.
pub(crate) fn identifier(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    hyphened(text, run)
        .or_else(|| uuid(text, run.start))
        .or_else(|| uuid(text, run.end - 1))
        .or_else(|| hex(text, run.start))
        .or_else(|| hex(text, run.end - 1))
        .or_else(|| iban(text, run.start))
}

/// A UUID or a `traceparent` around one of the run's hyphens.
fn hyphened(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let hyphens = run.clone().filter(|place| text[*place] == b'-');
    for hyphen in hyphens {
        let at = |offset: &usize| hyphen.checked_sub(*offset);
        let uuid = UUID_HYPHENS.iter().filter_map(at).find(|start| is_uuid(text, *start));
        if let Some(start) = uuid {
            return Some(start..start + UUID_BYTES);
        }
        let trace = TRACEPARENT_HYPHENS.iter().filter_map(at);
        let mut trace =
            trace.filter(|start| is_grouped(text, *start, TRACEPARENT_BYTES, &TRACEPARENT_HYPHENS));
        if let Some(start) = trace.next() {
            return Some(start..start + TRACEPARENT_BYTES);
        }
    }
    None
}

/// A UUID around a place: a run may begin or end in its last group.
fn uuid(text: &[u8], place: usize) -> Option<Range<usize>> {
    let mut starts = place.saturating_sub(UUID_BYTES - 1)..=place;
    let start = starts.find(|start| is_uuid(text, *start))?;
    Some(start..start + UUID_BYTES)
}

/// One with version and variant, or with a letter: a card number in the groups of one has neither.
fn is_uuid(text: &[u8], start: usize) -> bool {
    is_grouped(text, start, UUID_BYTES, &UUID_HYPHENS) && {
        let uuid = &text[start..start + UUID_BYTES];
        let versioned = matches!(uuid[14], b'1'..=b'8');
        let variant = matches!(uuid[19], b'8' | b'9' | b'a' | b'b' | b'A' | b'B');
        (versioned && variant) || uuid.iter().any(u8::is_ascii_alphabetic)
    }
}

/// Hex digits with hyphens at exactly these places, and nothing of a longer word around.
fn is_grouped(text: &[u8], start: usize, length: usize, hyphens: &[usize]) -> bool {
    let Some(token) = text.get(start..start + length) else { return false };
    let fits = |(place, byte): (usize, &u8)| hyphens.contains(&place) == (*byte == b'-');
    hyphens.iter().all(|place| token[*place] == b'-')
        && token.iter().all(|byte| *byte == b'-' || byte.is_ascii_hexdigit())
        && token.iter().enumerate().all(fits)
        && stands_alone(text, &(start..start + length))
}

fn stands_alone(text: &[u8], token: &Range<usize>) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let before = token.start.checked_sub(1).and_then(|place| text.get(place));
    !is_word(before) && !is_word(text.get(token.end))
}

/// The word around a place, if it is an id or digest in hex: of whole 32 bits, and with a letter.
fn hex(text: &[u8], place: usize) -> Option<Range<usize>> {
    let reach = place.saturating_sub(HEX_BYTES.1)..text.len().min(place + HEX_BYTES.1 + 1);
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let before = text[reach.start..place].iter().rev().take_while(|byte| is_word(byte)).count();
    let after = text[place..reach.end].iter().take_while(|byte| is_word(byte)).count();
    let token = place - before..place + after;
    let word = &text[token.clone()];
    let fits = (HEX_BYTES.0..=HEX_BYTES.1).contains(&word.len()) && word.len().is_multiple_of(8);
    let is_hex = word.iter().all(u8::is_ascii_hexdigit);
    (fits && is_hex && !word.iter().all(|byte| is_digit(*byte))).then_some(token)
}

/// An IBAN, in groups of four or in one piece, that begins up to 14 bytes before the digits.
fn iban(text: &[u8], digits: usize) -> Option<Range<usize>> {
    (digits.saturating_sub(14)..digits).find_map(|start| {
        let head = text.get(start..start + 4)?;
        let begins = head[..2].iter().all(u8::is_ascii_uppercase)
            && head[2..].iter().all(u8::is_ascii_digit);
        let is_word = start > 0 && text[start - 1].is_ascii_alphanumeric();
        if begins && !is_word { iban_from(text, start) } else { None }
    })
}

fn iban_from(text: &[u8], start: usize) -> Option<Range<usize>> {
    let mut characters = Vec::with_capacity(IBAN_BYTES.1);
    let is_one = |characters: &[u8]| characters.len() >= IBAN_BYTES.0 && has_iban_check(characters);
    for (place, byte) in text.iter().enumerate().skip(start) {
        if byte.is_ascii_alphanumeric() && characters.len() < IBAN_BYTES.1 {
            characters.push(*byte);
        } else if is_one(&characters) {
            return Some(start..place);
        } else if *byte != b' ' || characters.len() % 4 != 0 {
            return None;
        }
    }
    is_one(&characters).then_some(start..text.len())
}

/// The remainder by 97 is 1, with the first four characters moved to the end.
fn has_iban_check(characters: &[u8]) -> bool {
    let moved = characters[4..].iter().chain(&characters[..4]);
    let remainder = moved.fold(0_u32, |remainder, character| match character {
        b'0'..=b'9' => (remainder * 10 + u32::from(character - b'0')) % 97,
        letter => (remainder * 100 + u32::from(letter.to_ascii_uppercase() - b'A') + 10) % 97,
    });
    remainder == 1
}

/// Whether a whole run of digits is something else: a phone, a time, an order, a parcel.
///
/// `groups` are the lengths of the run's groups of digits; `digits` are values from 0 to 9.
pub(crate) fn is_harmless(
    text: &[u8],
    run: &Range<usize>,
    digits: &[u8],
    groups: &[usize],
) -> bool {
    let in_one_piece = groups.len() == 1;
    is_phone(text, run, digits, in_one_piece)
        || (in_one_piece && (BOUNDS.contains(&&text[run.clone()]) || is_time(text, run, digits)))
        || (groups == [3, 7, 7] && text[run.start + 3] == b'-' && text[run.start + 11] == b'-')
        || (in_one_piece && (is_parcel(digits) || is_acquirer_reference(digits)))
}

/// E.164: a plus or two zeros, and at most 15 digits.
fn is_phone(text: &[u8], run: &Range<usize>, digits: &[u8], in_one_piece: bool) -> bool {
    let plus = run.start > 0 && text[run.start - 1] == b'+';
    let zeros = in_one_piece && digits.starts_with(&[0, 0]) && digits.get(2) != Some(&0);
    (plus || zeros) && digits.len() <= 15
}

/// Microseconds or nanoseconds of the years 2015 to 2033, as a value that is nothing else.
fn is_time(text: &[u8], run: &Range<usize>, digits: &[u8]) -> bool {
    let of_now = matches!(digits, [1, 4, 2..=9, ..] | [1, 5..=9, ..]);
    of_now && matches!(digits.len(), 16 | 19) && is_whole_value(text, run)
}

fn is_whole_value(text: &[u8], run: &Range<usize>) -> bool {
    let before = text[..run.start].trim_ascii_end().last();
    let after = text[run.end..].trim_ascii_start().first();
    before.is_none_or(|byte| b"\":,[".contains(byte))
        && after.is_none_or(|byte| b"\",]}".contains(byte))
}

/// A parcel's number by GS1 or the US mail: its beginning, its length and its check digit.
fn is_parcel(digits: &[u8]) -> bool {
    let serial = digits.len() == 20 && digits.starts_with(&[0, 0]) && digits[2] != 0;
    let us_mail = matches!(digits.len(), 20 | 22 | 26) && matches!(digits, [9, 1..=6, ..]);
    (serial || us_mail) && has_gs1_check(digits)
}

/// The number on a product: 13 digits and GS1's check digit.
pub(crate) fn is_product(digits: &[u8]) -> bool {
    digits.len() == 13 && has_gs1_check(digits)
}

fn has_gs1_check(digits: &[u8]) -> bool {
    let weighed = digits.iter().rev().enumerate();
    let sum: u32 =
        weighed.map(|(place, digit)| u32::from(*digit) * if place % 2 == 1 { 3 } else { 1 }).sum();
    sum.is_multiple_of(10)
}

/// An acquirer's reference number: 23 digits, the day of the year among them, and a check digit.
fn is_acquirer_reference(digits: &[u8]) -> bool {
    digits.len() == 23 && luhn(digits) && {
        let day = digits[8..11].iter().fold(0_u32, |day, digit| day * 10 + u32::from(*digit));
        (1..=366).contains(&day)
    }
}
