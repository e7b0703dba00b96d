//! The binary as operators run it, against a real broker and a real database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod customer;
mod event;
mod help;
mod management;
mod merchants;
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
