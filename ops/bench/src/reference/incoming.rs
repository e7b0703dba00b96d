//! As much of a shop's event as its rows need.

use contracts::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use uuid::Uuid;

/// The kinds of events in a backlog; each has a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Order,
    Payment,
    Refund,
    Dispute,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Order, Self::Payment, Self::Refund, Self::Dispute];

    /// Its name in the inbox.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Order => "order.created",
            Self::Payment => "payment.attempted",
            Self::Refund => "refund.requested",
            Self::Dispute => "dispute.opened",
        }
    }

    /// The worker whose queue it comes to.
    pub(super) fn worker(self) -> &'static str {
        match self {
            Self::Order => "order-created",
            Self::Payment => "payment-attempted",
            Self::Refund => "refund-requested",
            Self::Dispute => "dispute-opened",
        }
    }

    /// Numbers history and ledger so that no two kinds of one order collide.
    pub(super) fn base(self) -> i32 {
        match self {
            Self::Order => 1,
            Self::Payment => 11,
            Self::Refund => 21,
            Self::Dispute => 31,
        }
    }
}

/// One event, borrowed from its message.
#[derive(Debug, Deserialize)]
pub(super) struct Incoming<'a> {
    pub(super) id: &'a str,
    pub(super) source: &'a str,
    #[serde(borrow)]
    pub(super) data: Data<'a>,
}

/// The fields of all kinds together.
#[derive(Debug, Deserialize)]
pub(super) struct Data<'a> {
    pub(super) order_id: Uuid,
    pub(super) attempt_id: Option<Uuid>,
    pub(super) dispute_id: Option<Uuid>,
    #[serde(default)]
    pub(super) merchant_id: &'a str,
    #[serde(default)]
    pub(super) customer_ref: &'a str,
    #[serde(default)]
    pub(super) reservation_id: &'a str,
    #[serde(default)]
    pub(super) provider: &'a str,
    #[serde(default)]
    pub(super) provider_ref: &'a str,
    #[serde(default)]
    pub(super) request_key: &'a str,
    #[serde(alias = "total")]
    amount: Amount,
    #[serde(alias = "placed_at", alias = "requested_at", alias = "opened_at")]
    occurred_at: Timestamp,
    expires_at: Option<Timestamp>,
    #[serde(borrow)]
    lines: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Amount {
    amount_minor: i64,
}

impl<'a> Data<'a> {
    pub(super) fn amount(&self) -> i64 {
        self.amount.amount_minor
    }

    pub(super) fn at(&self) -> OffsetDateTime {
        self.occurred_at.into()
    }

    pub(super) fn expires(&self) -> OffsetDateTime {
        self.expires_at.unwrap_or(self.occurred_at).into()
    }

    pub(super) fn lines(&self) -> Option<&'a str> {
        self.lines.map(RawValue::get)
    }

    pub(super) fn attempt(&self) -> Uuid {
        self.attempt_id.unwrap_or(self.order_id)
    }

    pub(super) fn dispute(&self) -> Uuid {
        self.dispute_id.unwrap_or(self.order_id)
    }
}

/// A digest of the length that the inbox wants; nobody compares it.
pub(super) fn digest(event: &Incoming<'_>) -> [u8; 32] {
    let mut digest = [0; 32];
    let (order, rest) = digest.split_at_mut(16);
    order.copy_from_slice(event.data.order_id.as_bytes());
    rest.copy_from_slice(event.data.attempt().as_bytes());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix;
    use testkit::shop::at;

    #[test]
    fn every_kind_of_the_mix_is_read() {
        let now = at("12:00:00");
        let events = [
            (mix::order(1, now), Kind::Order),
            (mix::pay(1, true, now), Kind::Payment),
            (mix::refund(1, now), Kind::Refund),
            (mix::dispute(1, now), Kind::Dispute),
        ];
        for (event, kind) in events {
            let body = event.body();
            let read: Incoming<'_> = serde_json::from_slice(&body).unwrap();
            assert_eq!(read.data.order_id, Uuid::from(testkit::shop::order_id(1)));
            assert_eq!((kind.name(), kind.worker()), {
                (event.kind().name(), mix::worker(event.kind()))
            });
            assert!(read.data.amount() > 0 && !read.id.is_empty() && !read.source.is_empty());
        }
    }
}
