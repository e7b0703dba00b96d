//! Text with a bound, so that nothing a shop sends can grow without one.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use compact_str::CompactString;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::error::{RuleCode, RuleViolation};

/// Reads a JSON string and parses it without an allocation in between.
pub(crate) fn parse_str<'de, D, T>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = RuleViolation>,
{
    struct Parse<T>(&'static str, PhantomData<T>);

    impl<T: FromStr<Err = RuleViolation>> Visitor<'_> for Parse<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Parse(expected, PhantomData))
}

macro_rules! bounded_string {
    ($name:ident, $expected:literal) => {
        impl<const MAX: usize> $name<MAX> {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize> AsRef<str> for $name<MAX> {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<const MAX: usize> Serialize for $name<MAX> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de, const MAX: usize> Deserialize<'de> for $name<MAX> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parse_str(deserializer, $expected)
            }
        }
    };
}

/// A machine's name for something: 1 to `MAX` printable ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token<const MAX: usize>(CompactString);

/// A provider's own reference for a payment, capture, refund or dispute.
pub type ProviderRef = Token<128>;

bounded_string!(Token, "a string");

fn too_long(max: usize) -> RuleViolation {
    RuleViolation::new(RuleCode::TooLong, format!("must be at most {max} characters long"))
}

impl<const MAX: usize> FromStr for Token<MAX> {
    type Err = RuleViolation;

    fn from_str(text: &str) -> Result<Self, RuleViolation> {
        match text.len() {
            1.. if text.len() > MAX => Err(too_long(MAX)),
            1.. if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(text.into())),
            _ => Err(RuleViolation::new(
                RuleCode::InvalidId,
                "must be printable ASCII without spaces and not empty",
            )),
        }
    }
}

/// Text by a person: at most `MAX` characters and no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoundedText<const MAX: usize>(CompactString);

bounded_string!(BoundedText, "a string");

impl<const MAX: usize> FromStr for BoundedText<MAX> {
    type Err = RuleViolation;

    fn from_str(text: &str) -> Result<Self, RuleViolation> {
        // Bytes first: most texts are far below the bound and need no count of characters.
        if text.len() > MAX && text.chars().count() > MAX {
            return Err(too_long(MAX));
        }
        if text.chars().any(char::is_control) {
            let rule = "must not contain control characters";
            return Err(RuleViolation::new(RuleCode::InvalidText, rule));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: FromStr<Err = RuleViolation> + fmt::Debug>(text: &str) -> RuleCode {
        text.parse::<T>().unwrap_err().code
    }

    #[test]
    fn tokens_are_short_printable_ascii() {
        assert_eq!("ch_1".parse::<Token<4>>().unwrap().as_str(), "ch_1");
        assert_eq!(code::<Token<4>>("ch_12"), RuleCode::TooLong);
        for bad in ["", "a b", "ä", "a\0"] {
            assert_eq!(code::<Token<4>>(bad), RuleCode::InvalidId, "{bad:?}");
        }
    }

    #[test]
    fn texts_are_counted_in_characters_and_have_no_control_characters() {
        assert!("ääää".parse::<BoundedText<4>>().is_ok());
        assert_eq!(code::<BoundedText<4>>("äääää"), RuleCode::TooLong);
        assert_eq!(code::<BoundedText<4>>("a\u{0}"), RuleCode::InvalidText);
    }
}
