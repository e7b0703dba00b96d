#![doc = include_str!("../README.md")]

pub mod drain;
pub mod lateness;
pub mod retries;
mod stage;

pub use stage::{RULES, Stage, StageOptions, build_folder};
