#![doc = include_str!("../README.md")]

mod card_data;
mod currency;
mod decode;
mod envelope;
mod error;
mod event;
pub mod events;
mod ids;
mod kind;
mod money;
mod number;
mod strict;
mod text;
mod timestamp;
mod trace;

pub use card_data::card_data;
pub use currency::Currency;
pub use decode::{Limits, WireMessage, decode};
pub use envelope::{Envelope, Outgoing, STRUCTURED_CONTENT_TYPE};
pub use error::{DecodeError, RuleCode, RuleViolation};
pub use event::{DataError, Event, OrderRef};
pub use ids::{AttemptId, DisputeId, FlagId, IdSource, MessageId, MoneyId, OrderId, RefundId};
pub use kind::EventKind;
pub use money::{Money, MoneyError};
pub use text::{BoundedText, ProviderRef, Token};
pub use timestamp::Timestamp;
pub use trace::TraceContext;
