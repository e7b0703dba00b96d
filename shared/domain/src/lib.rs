#![doc = include_str!("../README.md")]

pub mod changes;
pub mod customer;
pub mod decision;
pub mod dispute;
pub mod history;
pub mod judgement;
pub mod ledger;
pub mod message;
pub mod notices;
pub mod operations;
pub mod order;
pub mod payment;
pub mod policy;
pub mod refund;
mod rules;
pub mod settlement;
pub mod state;
mod status;
pub mod timer;
pub mod unapplied;

pub use changes::{Changes, Draft};
pub use contracts::{
    AttemptId, Currency, DisputeId, FlagId, IdSource, MessageId, Money, MoneyError, MoneyId,
    OrderId, RefundId, Timestamp,
};
pub use decision::{Decision, Outcome, OutcomeCode, ParkKey};
pub use policy::{Policies, PolicyBook};
pub use rules::{Moment, Rules};
pub use state::OrderState;
pub use status::{Status, UnknownStatus};
