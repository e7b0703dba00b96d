#![doc = include_str!("../README.md")]

pub mod catalogue;
mod exposition;
pub mod happenings;
pub mod series;
pub mod spans;
mod start;
mod worker;

pub use exposition::Exposition;
pub use start::{LogFormat, Metrics, StartError, start};
pub use worker::{Processed, WorkerMetrics};
