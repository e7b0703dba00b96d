//! Names of refunds: those that shops choose, and those that are ours.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};

use crate::Token;
use crate::error::{RuleCode, RuleViolation};

/// Why money goes back without anybody asking; it begins the key of such a refund.
///
/// These beginnings are ours: a shop's request by the same name would stand in for our refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundCause {
    /// The money came after its order was closed.
    Late,
    /// Its order was paid already.
    Duplicate,
    /// It is more than was left to pay.
    Overpaid,
    /// It paid an order that was closed after all.
    Closed,
    /// The shop's mediators decided so.
    Mediated,
    /// It was made at the provider, without a command of ours.
    Provider,
}

impl RefundCause {
    /// Every cause there is.
    pub const ALL: [RefundCause; 6] =
        [Self::Late, Self::Duplicate, Self::Overpaid, Self::Closed, Self::Mediated, Self::Provider];

    /// How the keys of its refunds begin.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Late => "late:",
            Self::Duplicate => "duplicate:",
            Self::Overpaid => "overpaid:",
            Self::Closed => "closed:",
            Self::Mediated => "mediated:",
            Self::Provider => "provider:",
        }
    }

    /// The key of the refund of what caused it, such as `late:<attempt>/<capture>`.
    pub fn key_of(self, of: impl fmt::Display) -> String {
        format!("{}{of}", self.prefix())
    }
}

/// Reads the key of a shop's request.
pub(super) fn of_a_shop<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Token<255>, D::Error> {
    let key = Token::<255>::deserialize(deserializer)?;
    if RefundCause::ALL.into_iter().any(|cause| key.as_str().starts_with(cause.prefix())) {
        let rule =
            "must not begin with late:, duplicate:, overpaid:, closed:, mediated: or provider:";
        return Err(D::Error::custom(RuleViolation::new(RuleCode::ReservedKey, rule)));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;

    fn read(key: &str) -> Result<Token<255>, String> {
        let deserializer: StrDeserializer<'_, Error> = key.into_deserializer();
        of_a_shop(deserializer).map_err(|error| error.to_string())
    }

    #[test]
    fn the_names_of_our_own_refunds_are_ours_and_the_rule_names_them_all() {
        for cause in RefundCause::ALL {
            for key in [cause.prefix().to_owned(), cause.key_of("capture")] {
                let error = read(&key).unwrap_err();
                assert!(error.starts_with("reserved-key: "), "{key}: {error}");
                assert!(error.contains(cause.prefix()), "{key}: {error}");
            }
        }
    }

    #[test]
    fn a_shop_may_use_the_same_words_otherwise() {
        for key in ["late", "late-1", "LATE:1", "return:late:1", "normal:1", ":late:"] {
            assert_eq!(read(key).map(|key| key.to_string()), Ok(key.to_owned()));
        }
    }
}
