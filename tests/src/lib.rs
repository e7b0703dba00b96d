#![doc = include_str!("../README.md")]

mod collector;
mod dead_letters;
pub mod drain;
mod exactness;
pub mod lateness;
mod operator;
mod orders;
pub mod replays;
pub mod retries;
mod servers;
mod stage;
mod tap;

pub use collector::{CollectedSpan, Collector};
pub use dead_letters::{dead_letter, garbage, replay_call};
pub use exactness::{difference, odd_dead_letter};
pub use operator::{Surroundings, surroundings, surroundings_of, typed};
pub use orders::{open_order, short_order};
pub use servers::{Resource, Server, Servers};
pub use stage::{Lines, Stage, StageOptions, build_folder};
pub use tap::Tap;
