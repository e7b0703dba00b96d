#![doc = include_str!("../README.md")]

pub mod drain;
pub mod lateness;
mod orders;
pub mod retries;
mod stage;

pub use orders::{open_order, short_order};
pub use stage::{Lines, Stage, StageOptions, build_folder};
