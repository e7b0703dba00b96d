//! Looking through a message.

use std::borrow::Cow;

use crate::cards;
use crate::fields::{Field, Plain, field, masked, speaks_of_card};
use crate::finding::{Finding, Hit};
use crate::flat::{flattened, raw_places};
use crate::networks::MIN_DIGITS;
use crate::place::Path;
use crate::secrets;

/// Fewest digits that an integer needs to be looked at.
const LEAST_INTEGER: u64 = 1_000_000_000_000;

/// The first card data in a body: JSON, or any other text.
///
/// Keys, strings and numbers count alike. The pointer is empty if the body is no JSON.
pub fn in_body(body: &[u8]) -> Option<Finding> {
    let flat = flattened(body);
    let mut places = Places::of(body, matches!(flat, Cow::Borrowed(_)));
    let hit = cards::find(&flat, |place| places.field(place));
    let hit = hit.or_else(|| secrets::find(&flat, |place| places.is_of_card(place)))?;
    let pointer = places.pointer(hit.at);
    Some(finding(hit, pointer))
}

/// The first card data in a field beside the body, such as a header: in its name or its value.
///
/// The pointer is the field's name, without what it should not have said.
pub fn in_field(name: &str, value: &[u8]) -> Option<Finding> {
    let pointer = || format!("/{}", masked(name.as_bytes()));
    let flat = flattened(value);
    let kind = |_| field(name.as_bytes());
    let of_card = |_| speaks_of_card(Plain::of(name.as_bytes()).as_bytes());
    let named = || {
        let long = name.len() >= MIN_DIGITS;
        long.then(|| cards::find(&flattened(name.as_bytes()), |_| Field::Text)).flatten()
    };
    let with_name = || {
        let text = secrets::with_name(name, &flat)?;
        secrets::find(&text, of_card)
    };
    let hit = cards::find(&flat, kind)
        .or_else(|| secrets::find(&flat, of_card))
        .or_else(with_name)
        .or_else(named)?;
    Some(finding(hit, pointer()))
}

/// The first card data in a field that holds an integer.
pub fn in_integer(name: &str, value: u64) -> Option<Finding> {
    if value < LEAST_INTEGER {
        // Shorter than any card number, but perhaps as long as a security code.
        let text = secrets::with_name(name, value.to_string().as_bytes())?;
        let hit = secrets::find(&text, |_| false)?;
        return Some(finding(hit, format!("/{}", masked(name.as_bytes()))));
    }
    in_field(name, value.to_string().as_bytes())
}

fn finding(hit: Hit, pointer: String) -> Finding {
    Finding { kind: hit.kind, pointer, card: hit.card }
}

/// What the body says about the places of its flat text.
struct Places<'a> {
    body: &'a [u8],
    path: Path<'a>,
    /// The place that was asked for last; the path cannot go back.
    last: usize,
    /// Where the bytes of the flat text come from, if it differs from the body, once needed.
    raw: Option<Vec<usize>>,
    /// Whether the flat text is the body itself.
    is_flat: bool,
}

impl<'a> Places<'a> {
    fn of(body: &'a [u8], is_flat: bool) -> Self {
        Self { body, path: Path::of(body), last: 0, raw: None, is_flat }
    }

    fn advance(&mut self, flat_place: usize) {
        let place = if self.is_flat {
            flat_place
        } else {
            let raw = self.raw.get_or_insert_with(|| raw_places(self.body));
            raw.get(flat_place).copied().unwrap_or(self.body.len())
        };
        if place < self.last {
            self.path = Path::of(self.body);
        }
        self.path.advance(place);
        self.last = place;
    }

    fn field(&mut self, place: usize) -> Field {
        self.advance(place);
        self.path.keys().next().map_or(Field::Text, field)
    }

    fn is_of_card(&mut self, place: usize) -> bool {
        self.advance(place);
        let speaks = |key: &[u8]| {
            let plain = Plain::of(key);
            speaks_of_card(plain.as_bytes()) || plain.as_bytes().ends_with(b"paymentmethod")
        };
        self.path.keys().skip(1).any(speaks)
    }

    fn pointer(&mut self, place: usize) -> String {
        self.advance(place);
        self.path.pointer()
    }
}
