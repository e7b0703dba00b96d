#![doc = include_str!("../README.md")]

pub mod catalogue;
pub mod happenings;
mod start;
mod worker;

pub use start::{LogFormat, Metrics, StartError, start};
pub use worker::{Processed, WorkerMetrics};
