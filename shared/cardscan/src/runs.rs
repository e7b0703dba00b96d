//! Where a text has enough digits in a row to hold a card number.

use std::ops::Range;

use crate::networks::MIN_DIGITS;

/// How far apart looks at a text may be, so that none of its runs is missed.
///
/// A run has at least 13 bytes and a digit among any two neighbours; whichever 12 places in a row
/// are chosen, it holds one of them together with the next byte.
const STRIDE: usize = MIN_DIGITS - 1;

pub(crate) fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Whether a byte may stand between two digits of a number, if it stands there alone.
///
/// NUL does in text of two bytes per character.
pub(crate) fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'\t' | b'\n' | b'\r' | 0)
}

/// The longest pieces of 13 and more digits that have at most one separator between two.
pub(crate) struct Runs<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Runs<'a> {
    pub(crate) fn of(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let text = self.text;
        while let Some([one, other]) = text.get(self.at..self.at + 2) {
            let inside = match (is_digit(*one), is_digit(*other)) {
                (false, false) => {
                    self.at += STRIDE;
                    continue;
                }
                (true, _) => self.at,
                (false, true) => self.at + 1,
            };
            let run = around(text, inside);
            self.at = run.end.max(inside + 1);
            if run.len() >= MIN_DIGITS && count(&text[run.clone()]) >= MIN_DIGITS {
                return Some(run);
            }
        }
        None
    }
}

/// The run that the digit at `inside` belongs to.
fn around(text: &[u8], inside: usize) -> Range<usize> {
    let mut start = inside;
    while start > 0 {
        if is_digit(text[start - 1]) {
            start -= 1;
        } else if start > 1 && is_separator(text[start - 1]) && is_digit(text[start - 2]) {
            start -= 2;
        } else {
            break;
        }
    }
    let mut end = inside + 1;
    while end < text.len() {
        if is_digit(text[end]) {
            end += 1;
        } else if is_separator(text[end]) && text.get(end + 1).is_some_and(|it| is_digit(*it)) {
            end += 2;
        } else {
            break;
        }
    }
    start..end
}

fn count(run: &[u8]) -> usize {
    run.iter().filter(|byte| is_digit(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Vec<&str> {
        Runs::of(text.as_bytes()).map(|run| &text[run]).collect()
    }

    #[test]
    fn a_run_ends_where_two_bytes_are_no_digits() {
        assert_eq!(runs("a 4111 1111-1111.1111, b"), ["4111 1111-1111.1111"]);
        assert_eq!(runs("4111  1111 1111 1111"), [""; 0]);
        assert_eq!(runs("2026-03-01T12:00:00.000Z"), [""; 0]);
        assert_eq!(runs("x1234567890123y1234567890123"), ["1234567890123"; 2]);
        assert_eq!(runs(""), [""; 0]);
    }

    #[test]
    fn no_run_is_missed_wherever_it_stands() {
        for run in ["1234567890123", "1-2-3-4-5-6-7-8-9-0-1-2-3"] {
            for before in 0..40 {
                for after in 0..3 {
                    let text = format!("{}{run}{}", "x".repeat(before), "x".repeat(after));
                    assert_eq!(runs(&text), [run], "{text}");
                }
            }
        }
    }
}
