#![doc = include_str!("../README.md")]

mod dead_letters;
pub mod drain;
pub mod lateness;
mod orders;
pub mod replays;
pub mod retries;
mod servers;
mod stage;

pub use dead_letters::{dead_letter, replay_call};
pub use orders::{open_order, short_order};
pub use servers::{Server, Servers};
pub use stage::{Lines, Stage, StageOptions, build_folder};
