//! The binary as operators run it, against a real broker and a real database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod compat;
mod contract;
mod customer;
mod dlq;
mod dlq_act;
mod dlq_broker;
mod dlq_edit;
mod dlq_export;
mod doctor;
mod event;
mod help;
mod letters;
mod management;
mod merchants;
mod metrics;
mod migrate;
mod money;
mod order;
mod policy;
mod privacy;
mod program;
mod refund;
mod retention;
mod story;
mod topology;
mod verify;
mod why;
mod worker;
