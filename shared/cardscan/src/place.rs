//! Where in a JSON text a byte is: the path of keys and indexes that leads to it.

use std::fmt::Write as _;

use crate::fields::masked;

/// Levels of objects and arrays whose keys are known; deeper ones share the key above them.
const LEVELS: usize = 32;

enum Level<'a> {
    Object { key: Option<&'a [u8]>, wants_key: bool },
    Array { index: usize },
}

/// Reads a JSON text from its beginning, as far as it is asked for; never fails.
///
/// Asking for one place after the other reads the text once.
pub(crate) struct Path<'a> {
    json: &'a [u8],
    at: usize,
    levels: Vec<Level<'a>>,
    /// Levels beyond those that are known.
    beyond: usize,
    /// Where the string ends that begins at `at`.
    string_end: usize,
}

impl<'a> Path<'a> {
    pub(crate) fn of(json: &'a [u8]) -> Self {
        Self { json, at: 0, levels: Vec::new(), beyond: 0, string_end: 0 }
    }

    /// Reads up to a place; places may only rise.
    pub(crate) fn advance(&mut self, place: usize) {
        while self.at <= place && self.at < self.json.len() {
            match self.json[self.at] {
                b'"' => {
                    if self.string_end <= self.at {
                        self.string_end = string_end(self.json, self.at);
                    }
                    self.read_key();
                    if place < self.string_end {
                        return;
                    }
                    self.at = self.string_end;
                    continue;
                }
                b'{' => self.open(Level::Object { key: None, wants_key: true }),
                b'[' => self.open(Level::Array { index: 0 }),
                b'}' | b']' => self.close(),
                b',' => self.next_item(),
                b':' => {
                    if let Some(Level::Object { wants_key, .. }) = self.known_level() {
                        *wants_key = false;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// The keys that lead to the place, the innermost one first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a [u8]> {
        self.levels.iter().rev().filter_map(|level| match level {
            Level::Object { key, .. } => *key,
            Level::Array { .. } => None,
        })
    }

    /// The place as a JSON pointer, without what its keys should not have said.
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for level in &self.levels {
            let written = match level {
                Level::Object { key: Some(key), .. } => write!(pointer, "/{}", masked(key)),
                Level::Object { key: None, .. } => Ok(()),
                Level::Array { index } => write!(pointer, "/{index}"),
            };
            written.expect("a String takes any text");
        }
        pointer
    }

    fn known_level(&mut self) -> Option<&mut Level<'a>> {
        if self.beyond == 0 { self.levels.last_mut() } else { None }
    }

    fn read_key(&mut self) {
        let text = &self.json[self.at + 1..self.string_end];
        let text = text.strip_suffix(b"\"").unwrap_or(text);
        if let Some(Level::Object { key, wants_key: true }) = self.known_level() {
            *key = Some(text);
        }
    }

    fn open(&mut self, level: Level<'a>) {
        if self.levels.len() < LEVELS {
            self.levels.push(level);
        } else {
            self.beyond += 1;
        }
    }

    fn close(&mut self) {
        if self.beyond > 0 {
            self.beyond -= 1;
        } else {
            self.levels.pop();
        }
    }

    fn next_item(&mut self) {
        match self.known_level() {
            Some(Level::Object { key, wants_key }) => (*key, *wants_key) = (None, true),
            Some(Level::Array { index }) => *index += 1,
            None => {}
        }
    }
}

/// Where a string ends, behind its quotation mark.
fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(offset) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        if json[at + offset] == b'"' {
            return at + offset + 1;
        }
        at += offset + 2;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(json: &str, wanted: &str) -> String {
        let mut path = Path::of(json.as_bytes());
        path.advance(json.find(wanted).unwrap());
        path.pointer()
    }

    #[test]
    fn a_place_is_named_by_its_keys_and_indexes() {
        let json =
            r#"{"a":1,"data":{"lines":[{"sku":"x"},{"sku":"HERE","qty":7}],"b\"":{}}, "c":8}"#;
        assert_eq!(pointer(json, "1"), "/a");
        assert_eq!(pointer(json, "HERE"), "/data/lines/1/sku");
        assert_eq!(pointer(json, "7"), "/data/lines/1/qty");
        assert_eq!(pointer(json, "8"), "/c");
        assert_eq!(pointer("no json HERE", "HERE"), "");
        assert_eq!(pointer("[[\"HERE", "HERE"), "/0/0");
    }

    #[test]
    fn a_place_in_a_key_is_named_by_what_may_be_said_of_the_key() {
        assert_eq!(pointer(r#"{"a":{"4111":1}}"#, "4111"), "/a/****");
        assert_eq!(pointer(r#"{"a":{"Jane Doe":{"n":5}}}"#, "5"), "/a/*/n");
    }

    #[test]
    fn depth_costs_nothing_and_is_left_again() {
        let json = format!("{}1{},{{\"a\":2}}", "[".repeat(5000), "]".repeat(4999));
        assert_eq!(pointer(&json, "1"), "/0".repeat(LEVELS));
        assert_eq!(pointer(&json, "2"), "/1/a");
    }

    #[test]
    fn several_places_are_found_in_one_reading() {
        let json = br#"{"a":"one two","b":"three"}"#;
        let mut path = Path::of(json);
        for (place, expected) in [(6, "/a"), (10, "/a"), (21, "/b")] {
            path.advance(place);
            assert_eq!(path.pointer(), expected);
        }
    }
}
