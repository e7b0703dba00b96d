//! What each command does.

pub(crate) mod audit;
pub(crate) mod customer;
pub(crate) mod dlq;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod merchants;
pub(crate) mod metrics;
pub(crate) mod migrate;
pub(crate) mod money;
pub(crate) mod order;
pub(crate) mod policy;
pub(crate) mod privacy;
pub(crate) mod refund;
pub(crate) mod replay;
pub(crate) mod retention;
pub(crate) mod schema;
pub(crate) mod topology;
pub(crate) mod verify;
pub(crate) mod worker;
