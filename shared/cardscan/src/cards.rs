//! Card numbers among digits.

use std::ops::Range;

use crate::fields::Field;
use crate::finding::{Hit, Kind, Truncated};
use crate::networks::{MAX_DIGITS, MIN_DIGITS, PREFIX_DIGITS, lengths, luhn};
use crate::runs::{Runs, is_digit};
use crate::shapes;

/// How cards are printed, in groups of digits.
const PRINTED: [&[usize]; 4] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3]];
/// More decimals than this make a number that somebody measured, not one that somebody typed.
const DECIMALS: usize = 6;

/// The first card number of a text; `field` tells what the field at a place may hold.
pub(crate) fn find(text: &[u8], mut field: impl FnMut(usize) -> Field) -> Option<Hit> {
    Runs::of(text).find_map(|run| in_run(text, run, &mut field))
}

fn in_run(text: &[u8], run: Range<usize>, field: &mut impl FnMut(usize) -> Field) -> Option<Hit> {
    if let Some(hit) = track(text, &run) {
        return Some(hit);
    }
    let mut rest = run;
    while let Some(known) = shapes::identifier(text, &rest) {
        if let Some(hit) = in_digits(text, rest.start..known.start, field) {
            return Some(hit);
        }
        rest.start = known.end;
        if rest.is_empty() {
            return None;
        }
    }
    in_digits(text, rest, field)
}

fn in_digits(
    text: &[u8],
    run: Range<usize>,
    field: &mut impl FnMut(usize) -> Field,
) -> Option<Hit> {
    let parts = Parts::of(text, run)?;
    if shapes::is_harmless(text, &parts.run, &parts.digits, &parts.groups()) {
        return None;
    }
    // What a field is called is looked up only where it decides.
    let whole = parts.windows(false).find(|window| parts.is_whole(window));
    let whole = whole.filter(|_| field(parts.run.start) != Field::Trace);
    let window = whole.or_else(|| {
        let found = parts.windows(true).find(|window| !parts.is_product(window))?;
        (field(parts.run.start) == Field::Text).then_some(found)
    })?;
    let card = Some(Truncated::of(&parts.digits[window]));
    Some(Hit { kind: Kind::CardNumber, at: parts.run.start, card })
}

/// A run of digits, taken apart.
struct Parts {
    run: Range<usize>,
    /// Values from 0 to 9.
    digits: Vec<u8>,
    /// For each digit, what stands directly before it; none inside of a group.
    before: Vec<Option<u8>>,
    /// For each digit, whether it is one of the many decimals of a number.
    decimal: Vec<bool>,
}

impl Parts {
    /// Without the separators at its ends; none if the rest is too short for a card number.
    fn of(text: &[u8], run: Range<usize>) -> Option<Self> {
        let (mut digits, mut before) = (Vec::with_capacity(run.len()), Vec::new());
        let (mut separator, mut first, mut last) = (Some(0), None, 0);
        for (place, byte) in text[..run.end].iter().enumerate().skip(run.start) {
            if is_digit(*byte) {
                digits.push(byte - b'0');
                before.push(separator.take());
                first = first.or(Some(place));
                last = place;
            } else {
                separator = Some(*byte);
            }
        }
        let enough = digits.len() >= MIN_DIGITS;
        first.filter(|_| enough).map(|first| {
            let decimal = decimals(&before);
            Self { run: first..last + 1, digits, before, decimal }
        })
    }

    /// The lengths of its groups.
    fn groups(&self) -> Vec<usize> {
        self.groups_of(&(0..self.digits.len()))
    }

    fn groups_of(&self, window: &Range<usize>) -> Vec<usize> {
        let mut groups = Vec::new();
        for place in window.clone() {
            match groups.last_mut() {
                Some(length) if self.before[place].is_none() => *length += 1,
                Some(_) | None => groups.push(1),
            }
        }
        groups
    }

    /// Every window of digits that is a card number by prefix, length and check digit.
    fn windows(&self, with_rare: bool) -> impl Iterator<Item = Range<usize>> {
        let starts = 0..=self.digits.len() - MIN_DIGITS;
        starts.flat_map(move |start| {
            let lengths = lengths(&self.digits[start..start + PREFIX_DIGITS], with_rare).iter();
            let windows = lengths.map(move |length| start..start + length);
            windows.filter(|window| {
                window.end <= self.digits.len()
                    && luhn(&self.digits[window.clone()])
                    && self.dots_fit(window)
            })
        })
    }

    /// Whether a window begins and ends where groups do.
    fn is_whole(&self, window: &Range<usize>) -> bool {
        self.begins(window.start) && self.begins(window.end)
    }

    /// Whether a window is the number on a product.
    fn is_product(&self, window: &Range<usize>) -> bool {
        self.is_whole(window) && shapes::is_product(&self.digits[window.clone()])
    }

    /// Whether a group begins with this digit; one does behind the last.
    fn begins(&self, place: usize) -> bool {
        self.before.get(place).is_none_or(Option::is_some)
    }

    /// Dots stand between the groups of a printed card, and else in front of decimals.
    fn dots_fit(&self, window: &Range<usize>) -> bool {
        let mut between = self.before[window.start + 1..window.end].iter().flatten();
        if !between.clone().any(|separator| *separator == b'.') {
            return !self.decimal[window.start];
        }
        let groups = self.groups_of(window);
        between.all(|separator| *separator == b'.') && PRINTED.contains(&groups.as_slice())
    }
}

/// For each digit, whether its group stands behind a dot and is too long for a printed card's.
fn decimals(before: &[Option<u8>]) -> Vec<bool> {
    let mut decimal = Vec::with_capacity(before.len());
    for group in before.chunk_by(|_, next| next.is_none()) {
        let is_decimal = group[0] == Some(b'.') && group.len() > DECIMALS;
        decimal.resize(decimal.len() + group.len(), is_decimal);
    }
    decimal
}

/// What a magnetic stripe or a chip holds: a number, a mark, and a date.
fn track(text: &[u8], run: &Range<usize>) -> Option<Hit> {
    let mark = *text.get(run.end)?;
    let follows = &text[run.end + 1..];
    let is_track = match mark {
        b'^' => run.start > 0 && text[run.start - 1].eq_ignore_ascii_case(&b'B'),
        b'=' | b'D' => has_expiry(follows),
        _ => false,
    };
    if !is_track {
        return None;
    }
    let group = text[run.clone()].iter().rev().take_while(|byte| is_digit(**byte)).count();
    let digits: Vec<u8> = text[run.end - group..run.end].iter().map(|byte| byte - b'0').collect();
    let known = |length: usize| {
        let number = &digits[digits.len() - length..];
        luhn(number) && lengths(number, true).iter().any(|known| known == length)
    };
    let longest = digits.len().min(MAX_DIGITS);
    let length = (MIN_DIGITS..=longest).rev().find(|length| known(*length))?;
    let card = Some(Truncated::of(&digits[digits.len() - length..]));
    Some(Hit { kind: Kind::TrackData, at: run.start, card })
}

/// Year and month, and the three digits of the service code.
fn has_expiry(text: &[u8]) -> bool {
    let Some(digits) = text.get(..7) else { return false };
    let month = (digits[2], digits[3]);
    digits.iter().all(|byte| is_digit(*byte))
        && matches!(month, (b'0', b'1'..=b'9') | (b'1', b'0'..=b'2'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, field: Field) -> Option<(Kind, usize)> {
        let hit = find(text.as_bytes(), |_| field)?;
        Some((hit.kind, hit.card.map_or(0, |card| card.digits)))
    }

    fn card(digits: usize) -> (Kind, usize) {
        (Kind::CardNumber, digits)
    }

    #[test]
    fn a_number_is_found_in_groups_and_in_longer_numbers() {
        for text in [
            "4111111111111111",
            "my card 4111 1111 1111 1111, thanks",
            "4111-1111-1111-1111",
            "4111.1111.1111.1111",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "994111111111111111225123",
            "00 4111 1111 1111 1111 12",
            "164111 1111-1111 111177",
        ] {
            assert_eq!(found(text, Field::Text), Some(card(16)), "{text}");
        }
        assert_eq!(found("3782.822463.10005", Field::Text), Some(card(15)));
    }

    #[test]
    fn only_whole_numbers_of_usual_lengths_count_in_references() {
        assert_eq!(found("ORD-4111111111111111", Field::Reference), Some(card(16)));
        assert_eq!(found("2026-4111111111111111", Field::Reference), Some(card(16)));
        assert_eq!(found("994111111111111111225123", Field::Reference), None);
        assert_eq!(found("4222222222222", Field::Reference), None);
        assert_eq!(found("4222222222222", Field::Text), Some(card(13)));
        assert_eq!(found("4111111111111111", Field::Trace), None);
    }

    #[test]
    fn a_stripe_is_known_by_its_form() {
        let track = Some((Kind::TrackData, 16));
        assert_eq!(found(";4111111111111111=25121010000000000?", Field::Reference), track);
        assert_eq!(found("%B4111111111111111^DOE/J^2512101", Field::Text), track);
        assert_eq!(found("4111111111111111D25121010000000000F0", Field::Text), track);
        assert_eq!(found("4111111111111111=25", Field::Text), Some(card(16)));
    }

    #[test]
    fn what_a_shop_is_full_of_is_no_card() {
        for text in [
            "4111-1111-1111-1112",
            "00000004-1111-7111-8111-111111111111",
            "re-0198c0de-4111-4111-8111-111111111111",
            "4bf92f3577b34da64111111111111111",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-4111111111111111-01",
            "DE89 3704 0044 0532 0130 00 and more",
            "DE89370400440532013000",
            "+49 30 4111 1111 111",
            "1772366400123456",
            "0.4111111111111111",
            "192.168.100.200.4111",
            "302-4111111-1111111",
        ] {
            assert_eq!(found(text, Field::Text), None, "{text}");
        }
    }

    #[test]
    fn a_number_beside_an_identifier_is_found() {
        let text = "0198c0de-0001-7000-8000-000000000001 4111 1111 1111 1111";
        assert_eq!(found(text, Field::Text), Some(card(16)));
        let text = "4111 1111 1111 1111 00000001-0001-7000-8000-000000000001";
        assert_eq!(found(text, Field::Text), Some(card(16)));
        // In the groups of a UUID, and none.
        assert_eq!(found("00000000-0000-0000-4111-111111111111", Field::Text), Some(card(16)));
    }
}
