//! The real binary on a checkout of its own, with real servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asyncapi;
mod deployment;
mod provided;
mod publishers;
mod services;
