#![doc = include_str!("../README.md")]

mod publication;
mod schedule;
mod spans;

pub use schedule::schedule;

/// The binary's name.
pub const NAME: &str = "timer-scheduler";
/// What it does, in one line.
pub const ABOUT: &str = "Hands timers to the delayed exchange, fires what the broker lost.";
