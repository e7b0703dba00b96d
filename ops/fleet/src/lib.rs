#![doc = include_str!("../README.md")]

mod fleet;
mod member;

pub use fleet::{Fleet, FleetSpec, WORKERS};
pub use member::Member;
