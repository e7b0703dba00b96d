//! Whose a key is, and what a sealed piece is bound to.

use contracts::{OrderId, Token};

use super::cipher::context;

/// The subject of content that names neither order nor customer: the day it is stored.
const TODAY: &str = "day";

/// Whose key seals something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject(String);

impl Subject {
    /// An order; erasing its customer destroys its key.
    pub(crate) fn order(order: OrderId) -> Self {
        Self(format!("order:{order}"))
    }

    /// A customer.
    pub(crate) fn customer(customer_ref: &str) -> Self {
        Self(format!("customer:{customer_ref}"))
    }

    /// Nobody known: the key of the day on which it is stored, by the database's clock.
    pub(crate) fn today() -> Self {
        Self(TODAY.to_owned())
    }

    /// The customer or order that a message names, as far as it makes sense; else today.
    pub(crate) fn named(customer_ref: Option<&str>, order_id: Option<&str>) -> Self {
        let customer = customer_ref.filter(|text| text.parse::<Token<64>>().is_ok());
        let order = order_id.and_then(|text| text.parse().ok());
        match (customer, order) {
            (Some(customer), _) => Self::customer(customer),
            (None, Some(order)) => Self::order(order),
            (None, None) => Self::today(),
        }
    }

    /// As the table names it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The place that content is sealed for; it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whereabouts<'a> {
    /// An event that waits, or is on its way home.
    Event {
        /// The work queue it goes back to.
        queue: &'a str,
        /// Its message id.
        message_id: &'a str,
    },
    /// A dead letter.
    Letter {
        /// The queue that gave up on it.
        queue: &'a str,
        /// What it is known by.
        message_key: &'a str,
        /// The digest of its body.
        digest: &'a [u8],
    },
    /// A dead letter that fits nowhere else.
    RawLetter {
        /// The queue it was taken from.
        queue: &'a str,
        /// The digest of its headers and body.
        digest: &'a [u8],
    },
    /// A proposed change of a dead letter.
    Edit {
        /// The letter.
        letter: i64,
        /// The digest of the body that it changes.
        base: &'a [u8],
    },
}

impl Whereabouts<'_> {
    /// What the sealed piece is bound to.
    pub(crate) fn context(&self) -> Vec<u8> {
        match self {
            Self::Event { queue, message_id } => {
                context(&[b"event", queue.as_bytes(), message_id.as_bytes()])
            }
            Self::Letter { queue, message_key, digest } => {
                context(&[b"letter", queue.as_bytes(), message_key.as_bytes(), digest])
            }
            Self::RawLetter { queue, digest } => {
                context(&[b"raw letter", queue.as_bytes(), digest])
            }
            Self::Edit { letter, base } => context(&[b"edit", &letter.to_be_bytes(), base]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_belongs_to_whom_it_names() {
        let order = "0198c0de-0001-7000-8000-000000000001";
        for (customer, named, expected) in [
            (Some("c-1"), Some(order), "customer:c-1".to_owned()),
            (None, Some(order), format!("order:{order}")),
            (Some("not a token"), Some(order), format!("order:{order}")),
            (None, Some("order-1"), "day".to_owned()),
            (None, None, "day".to_owned()),
        ] {
            assert_eq!(Subject::named(customer, named).as_str(), expected);
        }
    }
}
