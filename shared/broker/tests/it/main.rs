//! The crate against a real broker.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod consumer;
mod delay;
mod headers;
mod proxy;
mod publisher;
mod session;
mod stage;
mod tls;
mod topology;
