//! What a decline means: whether to try again, and what customers and support are told.
//!
//! Customers are never told that a card is reported lost or stolen, or that fraud is suspected:
//! whoever reads it may be the thief. They get the same text as for a code nobody knows.

mod advice;
mod codes;

use std::time::Duration;

use contracts::{Money, OrderId, Timestamp};
use serde::Serialize;

use crate::notification::Notification;

/// What kind of decline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The same payment will never work.
    Hard,
    /// The same payment may work at another time.
    Soft,
    /// The customer must confirm the payment with the bank first.
    Authentication,
    /// Something between us and the bank did not work.
    Technical,
    /// The bank suspects, or knows of, a crime.
    Fraud,
}

/// When the same payment may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Never.
    Never,
    /// At once, once the customer has done what the message says.
    Now,
    /// After this long.
    After(Duration),
}

/// What the customer is told about a decline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerMessage {
    /// It was declined, and the bank may know more. Says nothing about why.
    Generic,
    /// Try again.
    TryAgain,
    /// Try again later.
    TryLater,
    /// Check what was typed in.
    CheckDetails,
    /// Check the balance and the limits.
    CheckFunds,
    /// Confirm the payment with the bank.
    Confirm,
    /// Use another payment method.
    OtherMethod,
}

impl CustomerMessage {
    /// The message about an order that still waits for this much.
    pub fn notification(
        self,
        order: OrderId,
        amount: Money,
        expires_at: Timestamp,
    ) -> Notification {
        match self {
            Self::Generic => Notification::PaymentDeclined { order, amount, expires_at },
            Self::TryAgain => Notification::PaymentDeclinedTryAgain { order, amount, expires_at },
            Self::TryLater => Notification::PaymentDeclinedTryLater { order, amount, expires_at },
            Self::CheckDetails => {
                Notification::PaymentDeclinedCheckDetails { order, amount, expires_at }
            }
            Self::CheckFunds => {
                Notification::PaymentDeclinedCheckFunds { order, amount, expires_at }
            }
            Self::Confirm => Notification::PaymentDeclinedConfirm { order, amount, expires_at },
            Self::OtherMethod => {
                Notification::PaymentDeclinedOtherMethod { order, amount, expires_at }
            }
        }
    }
}

/// What to make of a decline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guidance {
    /// What kind of decline it is.
    pub category: Category,
    /// When the same payment may be tried again.
    pub retry: Retry,
    /// What the customer is told.
    pub message: CustomerMessage,
    /// What support should know, in English; not for the customer's eyes.
    pub support_hint: &'static str,
}

impl Guidance {
    /// Whether the same payment may work at all.
    pub fn retryable(&self) -> bool {
        match self.retry {
            Retry::Never => false,
            Retry::Now | Retry::After(_) => true,
        }
    }

    /// How long to wait before the same payment is tried again; nothing when it never is.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.retry {
            Retry::Never => None,
            Retry::Now => Some(Duration::ZERO),
            Retry::After(wait) => Some(wait),
        }
    }
}

/// The codes of a decline, as a provider reports them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codes<'a> {
    /// The provider's code, such as `insufficient_funds`.
    pub code: Option<&'a str>,
    /// The card network's code, such as `51`.
    pub network_code: Option<&'a str>,
    /// The advice about another try, such as `try_again_later` or a network's `03`.
    pub advice: Option<&'a str>,
    /// The provider's grouping, such as `hard`; it counts where no code says anything.
    pub category: Option<&'a str>,
}

/// A code that says nothing, and what is made of one that nobody knows.
const UNKNOWN: Guidance = Guidance {
    category: Category::Soft,
    retry: Retry::After(Duration::from_hours(1)),
    message: CustomerMessage::Generic,
    support_hint: "The bank declined without a reason that we know. The customer can ask the bank, \
                   or use another payment method.",
};

/// What to make of codes that nobody knows, by the provider's own grouping of them.
fn by_category(category: Option<&str>) -> Guidance {
    let of = |category, retry, message| Guidance { category, retry, message, ..UNKNOWN };
    match category {
        Some("hard") => of(Category::Hard, Retry::Never, CustomerMessage::OtherMethod),
        Some("authentication") => {
            of(Category::Authentication, Retry::Now, CustomerMessage::Confirm)
        }
        Some("technical") => of(Category::Technical, Retry::Now, CustomerMessage::TryAgain),
        Some("fraud") => of(Category::Fraud, Retry::Never, CustomerMessage::Generic),
        Some(_) | None => UNKNOWN,
    }
}

/// What to make of a decline; a code that is not known is soft and gets the generic text.
///
/// A crime that either code names is not outweighed by anything. Otherwise the provider's code
/// comes first, the network's where the provider's says nothing, and advice changes the retry.
pub fn guidance(codes: Codes<'_>) -> Guidance {
    let named = [codes.code, codes.network_code].into_iter().flatten().filter_map(codes::find);
    let crime = named.clone().find(|it| it.category == Category::Fraud);
    let telling = named.clone().find(|it| it.message != CustomerMessage::Generic);
    let known = crime.or(telling).or_else(|| named.clone().next());
    let guidance = known.unwrap_or_else(|| by_category(codes.category));
    if guidance.category == Category::Fraud {
        return guidance;
    }
    match codes.advice.and_then(advice::find) {
        Some(advice) => advice.applied_to(guidance),
        None => guidance,
    }
}

#[cfg(test)]
mod tests;
