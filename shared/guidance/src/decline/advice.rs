//! What networks and providers advise about another try.

use std::time::Duration;

use super::{Category, CustomerMessage, Guidance, Retry};

/// Advice about another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// The details of the card are out of date or wrong.
    CheckDetails,
    /// Another try may work after this long.
    TryAfter(Duration),
    /// No try will work.
    DoNotRetry,
}

const fn hours(hours: u64) -> Advice {
    Advice::TryAfter(Duration::from_hours(hours))
}

/// Stripe's advice codes, and Mastercard's merchant advice codes.
const TABLE: &[(&str, Advice)] = &[
    ("confirm_card_data", Advice::CheckDetails),
    ("try_again_later", hours(1)),
    ("do_not_try_again", Advice::DoNotRetry),
    // New account information is available.
    ("01", Advice::CheckDetails),
    // Cannot be approved now; Mastercard asks for 72 hours.
    ("02", hours(72)),
    ("03", Advice::DoNotRetry),
    // The merchant's token is not supported.
    ("04", Advice::DoNotRetry),
    // The customer stopped the payments of this merchant.
    ("21", Advice::DoNotRetry),
    // The merchant does not qualify for the product.
    ("22", Advice::DoNotRetry),
    ("24", hours(1)),
    ("25", hours(24)),
    ("26", hours(2 * 24)),
    ("27", hours(4 * 24)),
    ("28", hours(6 * 24)),
    ("29", hours(8 * 24)),
    ("30", hours(10 * 24)),
    // Prepaid cards that cannot be loaded again, and numbers for a single use.
    ("40", Advice::DoNotRetry),
    ("41", Advice::DoNotRetry),
    ("43", Advice::DoNotRetry),
];

/// What a code advises; nothing when it is not known.
pub(super) fn find(code: &str) -> Option<Advice> {
    TABLE.iter().find(|(known, _)| *known == code).map(|(_, advice)| *advice)
}

impl Advice {
    /// Guidance that follows the advice, with a message that fits it.
    pub(super) fn applied_to(self, guidance: Guidance) -> Guidance {
        match self {
            Self::CheckDetails => {
                Guidance { retry: Retry::Now, message: CustomerMessage::CheckDetails, ..guidance }
            }
            Self::TryAfter(wait) => {
                let message = match guidance.message {
                    CustomerMessage::TryAgain => CustomerMessage::TryLater,
                    other => other,
                };
                Guidance { retry: Retry::After(wait), message, ..guidance }
            }
            Self::DoNotRetry => Guidance {
                category: Category::Hard,
                retry: Retry::Never,
                message: CustomerMessage::OtherMethod,
                ..guidance
            },
        }
    }
}
