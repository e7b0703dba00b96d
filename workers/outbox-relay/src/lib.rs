#![doc = include_str!("../README.md")]

mod publication;
mod relay;
mod spans;

pub use relay::relay;

/// The binary's name.
pub const NAME: &str = "outbox-relay";
/// What it does, in one line.
pub const ABOUT: &str = "Publishes the outbox with confirms, in order per order.";
