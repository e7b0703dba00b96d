//! Security codes, PINs and stripes, by the name that stands before them.

use crate::fields::{Plain, speaks_of_card};
use crate::finding::{Hit, Kind};
use crate::networks::MIN_DIGITS;
use crate::runs::is_digit;

/// What may stand between a code's name and the code.
const BETWEEN: &[u8] = b" \t\r\n\"'=:#-[_(";
/// Most bytes between a code's name and the code.
const BETWEEN_BYTES: usize = 12;
/// Longest name in front of a colon that is looked at.
const NAME_BYTES: usize = 40;

/// Longest part of a value that is looked at.
const VALUE_BYTES: usize = 256;

/// What a name promises.
enum Promise {
    /// Three or four digits that are a code wherever they stand.
    Code,
    /// A code if the fields around it are about a card: the name means other things, too.
    CodeOfCard,
    Stripe,
    PinBlock,
}

/// The first secret of a text; `of_card` tells whether the fields around a place are a card's.
pub(crate) fn find(text: &[u8], mut of_card: impl FnMut(usize) -> bool) -> Option<Hit> {
    memchr::memchr3_iter(b'v', b'V', b':', text).find_map(|at| {
        if text[at] == b':' { named(text, at, &mut of_card) } else { verification(text, at) }
    })
}

/// A CVV or CVC around its `v`, in a key or in words.
fn verification(text: &[u8], at: usize) -> Option<Hit> {
    let start = at.checked_sub(1).filter(|start| text[*start].eq_ignore_ascii_case(&b'c'))?;
    let last = text.get(at + 1)?.to_ascii_lowercase();
    if !matches!(last, b'v' | b'c' | b'n') || !begins_word(text, start) {
        return None;
    }
    let rest = &text[at + 2..];
    let rest = rest.strip_prefix(b"2").unwrap_or(rest);
    let value = after(without_word(rest))?;
    is_code(value, 3..=4).then_some(Hit { kind: Kind::SecurityCode, at: start, card: None })
}

/// Whether a word begins here: behind what is no letter, in camel case, or behind `card`.
fn begins_word(text: &[u8], start: usize) -> bool {
    let before = &text[..start];
    let Some(last) = before.last() else { return true };
    let camel_case = text[start] == b'C' && last.is_ascii_lowercase();
    let of_card = before.len() >= 4 && before[before.len() - 4..].eq_ignore_ascii_case(b"card");
    !last.is_ascii_alphanumeric() || camel_case || of_card
}

/// Without a word that may follow the name of a code, as in `cvv_code` and "CVC is".
fn without_word(rest: &[u8]) -> &[u8] {
    let word = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"_")).unwrap_or(rest);
    let known = ["code", "number", "value", "is", "no", "num"].into_iter().find(|known| {
        word.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known.as_bytes()))
    });
    known.map_or(rest, |known| &word[known.len()..])
}

/// What follows the name of a code, if something separates the two.
fn after(rest: &[u8]) -> Option<&[u8]> {
    let between =
        rest.iter().take(BETWEEN_BYTES + 1).take_while(|byte| BETWEEN.contains(byte)).count();
    (1..=BETWEEN_BYTES).contains(&between).then(|| &rest[between..])
}

/// Whether a text begins with a number of so many digits, and not with a longer one or a date.
fn is_code(value: &[u8], length: std::ops::RangeInclusive<usize>) -> bool {
    let digits = value.iter().take_while(|byte| is_digit(**byte)).count();
    let rest = &value[digits..];
    let goes_on = rest.first().is_some_and(u8::is_ascii_alphanumeric);
    let joined = matches!(rest, [b'-' | b'.' | b'/' | b':' | b',', next, ..] if is_digit(*next));
    length.contains(&digits) && !goes_on && !joined
}

/// A secret whose name ends at this colon.
fn named(text: &[u8], colon: usize, of_card: &mut impl FnMut(usize) -> bool) -> Option<Hit> {
    let name = text[..colon].trim_ascii_end();
    let (name, is_key) = match name {
        [name @ .., b'"' | b'\''] => (name, true),
        name => (name, false),
    };
    // Most names end in another way: these few letters decide.
    if !may_end_a_name(name) {
        return None;
    }
    let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'-' | b' ');
    let length = name.iter().rev().take(NAME_BYTES).take_while(in_name).count();
    let plain = Plain::of(&name[name.len() - length..]);
    let plain = plain.as_bytes();
    let value = text[colon + 1..].trim_ascii_start();
    let promise = promise(plain, is_key)?;
    let kind = kept_promise(&promise, plain, value, || of_card(colon - 1))?;
    Some(Hit { kind, at: colon.saturating_sub(2), card: None })
}

/// Whether a name ends like one of those that [`promise`] knows.
fn may_end_a_name(name: &[u8]) -> bool {
    name.last_chunk::<3>().is_some_and(|end| {
        matches!(
            &end.map(|byte| byte.to_ascii_lowercase()),
            b"ode"
                | b"lue"
                | b"ber"
                | b"cid"
                | b"csc"
                | b"cvd"
                | b"cav"
                | b"av2"
                | b"pin"
                | b"ck1"
                | b"ck2"
                | b"k_1"
                | b"k_2"
                | b"k-1"
                | b"k-2"
                | b"ock"
                | b"ata"
                | b"ipe"
        )
    })
}

fn promise(plain: &[u8], is_key: bool) -> Option<Promise> {
    let ends = |names: &[&str]| names.iter().any(|name| plain.ends_with(name.as_bytes()));
    let codes = [
        "securitycode",
        "cardcode",
        "verificationvalue",
        "cardverificationcode",
        "cardverificationnumber",
    ];
    if ends(&codes) {
        Some(Promise::Code)
    } else if ends(&[
        "track1",
        "track2",
        "trackdata",
        "track1data",
        "track2data",
        "magstripe",
        "magneticstripe",
    ]) {
        Some(Promise::Stripe)
    } else if ends(&["pinblock"]) {
        Some(Promise::PinBlock)
    } else {
        let short = ["cid", "csc", "cvd", "cav", "cav2", "pin"];
        let is_short = short.iter().any(|name| {
            plain
                .strip_suffix(name.as_bytes())
                .is_some_and(|before| before.is_empty() || speaks_of_card(before))
        });
        (is_key && is_short).then_some(Promise::CodeOfCard)
    }
}

fn kept_promise(
    promise: &Promise,
    plain: &[u8],
    value: &[u8],
    of_card: impl FnOnce() -> bool,
) -> Option<Kind> {
    let quoted = value.strip_prefix(b"\"");
    let value = quoted.unwrap_or(value);
    let value = &value[..value.len().min(VALUE_BYTES)];
    let end = memchr::memchr3(b'"', b',', b'}', value).unwrap_or(value.len());
    let digits = value[..end].iter().filter(|byte| is_digit(**byte)).count();
    match promise {
        Promise::Code => {
            let code = after(value).unwrap_or(value);
            is_code(code, 3..=4).then_some(Kind::SecurityCode)
        }
        Promise::CodeOfCard => {
            let longest = if plain.ends_with(b"pin") { 6 } else { 4 };
            let is_one = is_code(value, 3..=longest) && (speaks_of_card(plain) || of_card());
            is_one.then_some(Kind::SecurityCode)
        }
        Promise::Stripe => (digits >= MIN_DIGITS).then_some(Kind::TrackData),
        Promise::PinBlock => (digits > 0).then_some(Kind::PinBlock),
    }
}

/// The text to look at for a value whose name stands elsewhere, where the name matters.
pub(crate) fn with_name(name: &str, value: &[u8]) -> Option<Vec<u8>> {
    let bytes = name.as_bytes();
    let has_cv = bytes.windows(2).any(|pair| pair.eq_ignore_ascii_case(b"cv"));
    (has_cv || may_end_a_name(bytes)).then(|| [b"\"", bytes, b"\":\"", value, b"\""].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str, of_card: bool) -> Option<Kind> {
        find(text.as_bytes(), |_| of_card).map(|hit| hit.kind)
    }

    #[test]
    fn codes_are_found_behind_their_names() {
        for text in [
            r#"{"cvv":"123"}"#,
            r#"{"cvv2": 1234}"#,
            r#"{"cardCvc":"123"}"#,
            r#"{"card_cvn":["123"]}"#,
            r#"{"cvv_code":"123"}"#,
            r#"{"securityCode":"123"}"#,
            r#"{"card-security-code" : 123}"#,
            r#"{"verification_value":"123"}"#,
            "the CVV is 123, thanks",
            "cvc: 123",
            "cvv=123&expiry=1225",
            "security code: 1234",
        ] {
            assert_eq!(kind(text, false), Some(Kind::SecurityCode), "{text}");
        }
    }

    #[test]
    fn a_name_with_other_meanings_needs_a_card_around_it() {
        for text in [r#"{"cid":"1234"}"#, r#"{"csc":123}"#, r#"{"pin":"123456"}"#] {
            assert_eq!(kind(text, true), Some(Kind::SecurityCode), "{text}");
            assert_eq!(kind(text, false), None, "{text}");
        }
        assert_eq!(kind(r#"{"card_pin":"1234"}"#, false), Some(Kind::SecurityCode));
    }

    #[test]
    fn stripes_and_pin_blocks_are_found_by_their_names() {
        assert_eq!(kind(r#"{"track2":"9999999999999999"}"#, false), Some(Kind::TrackData));
        assert_eq!(kind(r#"{"track_1_data":"B 12345678901234"}"#, false), Some(Kind::TrackData));
        assert_eq!(kind(r#"{"pin_block":"0412AC89ABCDEF67"}"#, false), Some(Kind::PinBlock));
    }

    #[test]
    fn results_masks_and_other_words_are_no_codes() {
        for text in [
            r#"{"cvv":"***"}"#,
            r#"{"cvv":null,"total":123}"#,
            r#"{"cvv":"M"}"#,
            r#"{"cvc_check":"pass"}"#,
            r#"{"cvv_result":"100"}"#,
            r#"{"cvv":"2026-03-01"}"#,
            r#"{"cid":"customer-1"}"#,
            r#"{"decline_code":"123"}"#,
            r#"{"country_code":"123"}"#,
            r#"{"track1":"Intro"}"#,
            r#"{"pin_block":null}"#,
            "Dacvc 123",
            "CVV 12/26",
            "the cvv was wrong",
        ] {
            assert_eq!(kind(text, true), None, "{text}");
        }
    }

    #[test]
    fn a_header_s_name_counts_as_well() {
        let text = with_name("x-cvv", b"123").unwrap();
        assert_eq!(kind(&String::from_utf8(text).unwrap(), false), Some(Kind::SecurityCode));
        assert_eq!(with_name("x-request", b"123"), None);
    }
}
