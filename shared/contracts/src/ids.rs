//! Identities, each its own type, and where new ones come from.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Timestamp;
use crate::error::{RuleCode, RuleViolation};

macro_rules! uuid_id {
    ($(#[doc = $doc:literal] $name:ident,)+) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = RuleViolation;

            fn from_str(text: &str) -> Result<Self, RuleViolation> {
                parse_uuid(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::parse_str(deserializer, "a string with a UUID")
            }
        }
    )+};
}

uuid_id! {
    #[doc = "One payment attempt at a provider, named by the shop."]
    AttemptId,
    #[doc = "One dispute, named by the shop."]
    DisputeId,
    #[doc = "One flag raised on a customer, named by us."]
    FlagId,
    #[doc = "One message that we send; stable over every re-send."]
    MessageId,
    #[doc = "One sum of money that fits no order, named by us."]
    MoneyId,
    #[doc = "One order, named by the shop."]
    OrderId,
    #[doc = "One refund, named by us; also its idempotency key at the provider."]
    RefundId,
}

/// Only the hyphenated form, so that one id has one spelling but for case.
fn parse_uuid(text: &str) -> Result<Uuid, RuleViolation> {
    let hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
    hyphenated
        .then(|| Uuid::try_parse(text).ok())
        .flatten()
        .ok_or(RuleViolation::new(RuleCode::InvalidId, "must be a hyphenated UUID"))
}

/// New ids for what one message causes: the same message and time give the same ids.
///
/// The ids are UUIDs of version 7, so that rows of one moment lie together in an index.
#[derive(Clone, Debug)]
pub struct IdSource {
    seed: Sha256,
    millis: u64,
    next: u32,
}

impl IdSource {
    /// Ids caused by the message `(source, id)`, decided at `now`.
    pub fn new(source: &str, id: &str, now: Timestamp) -> Self {
        let mut seed = Sha256::new();
        seed.update(source.as_bytes());
        seed.update([0]);
        seed.update(id.as_bytes());
        seed.update(now.micros().to_be_bytes());
        Self { seed, millis: u64::try_from(now.micros() / 1_000).unwrap_or(0), next: 0 }
    }

    /// The next id.
    pub fn next_id<T: From<Uuid>>(&mut self) -> T {
        let mut digest = self.seed.clone();
        digest.update(self.next.to_be_bytes());
        self.next += 1;
        let random: [u8; 32] = digest.finalize().into();
        let mut tail = [0; 10];
        tail.copy_from_slice(&random[..10]);
        uuid::Builder::from_unix_timestamp_millis(self.millis, &tail).into_uuid().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cause_gives_the_same_ids_and_another_cause_gives_others() {
        let ids = |event| {
            let mut source =
                IdSource::new("/shop", event, Timestamp::from_micros(1_700_000_000_000_000));
            [source.next_id::<Uuid>(), source.next_id()]
        };
        assert_eq!(ids("e-1"), ids("e-1"));
        assert_ne!(ids("e-1"), ids("e-2"));
        assert_ne!(ids("e-1")[0], ids("e-1")[1]);
        assert_eq!(ids("e-1")[0].get_version_num(), 7);
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let good = "0190b2f4-5f6e-7a3b-8c1d-2e3f4a5b6c7d";
        assert!(good.parse::<OrderId>().is_ok());
        for bad in [&good.replace('-', ""), &format!("{{{good}}}"), "", "order-1"] {
            assert_eq!(bad.parse::<OrderId>().unwrap_err().code, RuleCode::InvalidId);
        }
    }
}
