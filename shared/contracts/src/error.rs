//! What can be wrong with a message, with stable codes.

use std::borrow::Cow;
use std::fmt;

/// Which rule of the contract a message breaks; its name is stable.
///
/// It is the metric label, the dead-letter header and the name of the runbook page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleCode {
    /// A card number stands somewhere in the message, which is refused unread.
    CardNumber,
    /// A card's security code, stripe or PIN stands somewhere in the message.
    SecurityCode,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body nests deeper than the limit.
    TooDeep,
    /// The body is not JSON.
    MalformedJson,
    /// The content type is neither structured CloudEvents nor JSON with event headers.
    UnknownContentType,
    /// Structured and binary mode, or two header prefixes, in one message.
    MixedMode,
    /// `specversion` is not 1.0.
    UnsupportedSpecversion,
    /// The event type is not one of this queue.
    UnknownType,
    /// The event type is known, its major version is not.
    UnsupportedMajor,
    /// A required attribute or field is absent.
    MissingField,
    /// A field has another JSON type than the contract says.
    InvalidType,
    /// A field's value is not one of the listed ones.
    UnknownValue,
    /// A field appears twice.
    DuplicateField,
    /// An amount is not an integer in minor units.
    InvalidAmount,
    /// An amount or number is outside its range.
    AmountOutOfRange,
    /// A currency is not an ISO 4217 code in use.
    InvalidCurrency,
    /// A time is not RFC 3339.
    InvalidTime,
    /// An id has characters or a form that ids do not have.
    InvalidId,
    /// A refund's key begins like those of our own refunds.
    ReservedKey,
    /// A text is longer than its limit.
    TooLong,
    /// A text contains control characters.
    InvalidText,
    /// `subject` and the order id in the data differ.
    SubjectMismatch,
    /// Two fields contradict each other.
    Inconsistent,
    /// A test event reached the live system, or the other way round (case 41).
    ModeMismatch,
}

impl RuleCode {
    /// Every code, in the order of declaration.
    pub const ALL: [RuleCode; 25] = [
        Self::CardNumber,
        Self::SecurityCode,
        Self::BodyTooLarge,
        Self::TooDeep,
        Self::MalformedJson,
        Self::UnknownContentType,
        Self::MixedMode,
        Self::UnsupportedSpecversion,
        Self::UnknownType,
        Self::UnsupportedMajor,
        Self::MissingField,
        Self::InvalidType,
        Self::UnknownValue,
        Self::DuplicateField,
        Self::InvalidAmount,
        Self::AmountOutOfRange,
        Self::InvalidCurrency,
        Self::InvalidTime,
        Self::InvalidId,
        Self::ReservedKey,
        Self::TooLong,
        Self::InvalidText,
        Self::SubjectMismatch,
        Self::Inconsistent,
        Self::ModeMismatch,
    ];

    /// The stable kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CardNumber => "card-number",
            Self::SecurityCode => "security-code",
            Self::BodyTooLarge => "body-too-large",
            Self::TooDeep => "too-deep",
            Self::MalformedJson => "malformed-json",
            Self::UnknownContentType => "unknown-content-type",
            Self::MixedMode => "mixed-mode",
            Self::UnsupportedSpecversion => "unsupported-specversion",
            Self::UnknownType => "unknown-type",
            Self::UnsupportedMajor => "unsupported-major",
            Self::MissingField => "missing-field",
            Self::InvalidType => "invalid-type",
            Self::UnknownValue => "unknown-value",
            Self::DuplicateField => "duplicate-field",
            Self::InvalidAmount => "invalid-amount",
            Self::AmountOutOfRange => "amount-out-of-range",
            Self::InvalidCurrency => "invalid-currency",
            Self::InvalidTime => "invalid-time",
            Self::InvalidId => "invalid-id",
            Self::ReservedKey => "reserved-key",
            Self::TooLong => "too-long",
            Self::InvalidText => "invalid-text",
            Self::SubjectMismatch => "subject-mismatch",
            Self::Inconsistent => "inconsistent",
            Self::ModeMismatch => "mode-mismatch",
        }
    }
}

impl fmt::Display for RuleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A broken rule, before it is known where in the message.
///
/// It travels through serde as text, `code: rule`, and is read back from there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {rule}")]
pub struct RuleViolation {
    /// Which rule.
    pub code: RuleCode,
    /// The rule in words.
    pub rule: Cow<'static, str>,
}

impl RuleViolation {
    /// A broken rule.
    pub fn new(code: RuleCode, rule: impl Into<Cow<'static, str>>) -> Self {
        Self { code, rule: rule.into() }
    }
}

/// Why a message cannot be decoded. It is the message's own fault and never retried.
///
/// It never quotes the message's values: they may be personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} at {}: {rule}", if pointer.is_empty() { "the message" } else { pointer })]
pub struct DecodeError {
    /// Which rule is broken.
    pub code: RuleCode,
    /// JSON pointer to the offending place; empty for the message as a whole.
    pub pointer: String,
    /// The rule in words.
    pub rule: String,
}

impl DecodeError {
    /// An error at a JSON pointer.
    pub fn new(code: RuleCode, pointer: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { code, pointer: pointer.into(), rule: rule.into() }
    }

    /// A body that is not JSON; it names the place by line and column.
    pub(crate) fn not_json(error: &serde_json::Error, pointer: &str) -> Self {
        let (line, column) = (error.line(), error.column());
        let rule = format!("must be JSON; it goes wrong at line {line} column {column}");
        Self::new(RuleCode::MalformedJson, pointer, rule)
    }

    /// Reads a serde error on one value back into code and rule.
    pub(crate) fn from_json(error: &serde_json::Error, pointer: String) -> Self {
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _position)| text);
        if !error.is_data() {
            return Self::unreadable(text, pointer);
        }
        let violated = RuleCode::ALL.into_iter().find_map(|code| {
            let rule = text.strip_prefix(code.as_str())?.strip_prefix(": ")?;
            Some(Self::new(code, &*pointer, rule))
        });
        violated.unwrap_or_else(|| Self::from_serde_text(text, pointer))
    }

    /// What is JSON by its grammar and still has no value.
    fn unreadable(text: &str, pointer: String) -> Self {
        if text == "number out of range" {
            Self::new(RuleCode::AmountOutOfRange, pointer, "must be a smaller number")
        } else {
            let rule = "must be text whose \\u escapes are Unicode characters";
            Self::new(RuleCode::MalformedJson, pointer, rule)
        }
    }

    /// Serde's own errors have fixed beginnings; their middles may quote values and are dropped.
    fn from_serde_text(text: &str, pointer: String) -> Self {
        let named = |beginning| text.strip_prefix(beginning)?.split('`').next();
        if let Some(field) = named("missing field `") {
            return Self::new(RuleCode::MissingField, format!("{pointer}/{field}"), "is required");
        }
        if let Some(field) = named("duplicate field `") {
            let rule = "must not appear twice";
            return Self::new(RuleCode::DuplicateField, format!("{pointer}/{field}"), rule);
        }
        // From the right: a quoted value may itself contain these words.
        let expected = text.rsplit_once("expected ").map_or("another value", |(_, what)| what);
        let unknown = text.starts_with("unknown variant");
        let code = if unknown { RuleCode::UnknownValue } else { RuleCode::InvalidType };
        Self::new(code, pointer, format!("must be {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_and_reads_back_from_serde() {
        let mut names = std::collections::BTreeSet::new();
        for code in RuleCode::ALL {
            assert!(names.insert(code.as_str()), "{code}");
            let error = serde::de::Error::custom(RuleViolation::new(code, "must be so"));
            let read = DecodeError::from_json(&error, "/data/id".to_owned());
            assert_eq!(read, DecodeError::new(code, "/data/id", "must be so"));
        }
    }
}
