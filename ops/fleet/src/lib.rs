#![doc = include_str!("../README.md")]

mod fleet;
mod link;
mod member;

pub use fleet::{Fleet, FleetSpec, WORKERS};
pub use link::{Link, Weather};
pub use member::Member;
