#![doc = include_str!("../README.md")]

mod letter;
mod message;
mod park;
mod replay;
mod spans;

pub use park::park;

/// The binary's name.
pub const NAME: &str = "dead-letter-parker";
/// What it does, in one line.
pub const ABOUT: &str =
    "Moves dead letters into Postgres, and sends them again when people ask for it.";
