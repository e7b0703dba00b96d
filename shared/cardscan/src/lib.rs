#![doc = include_str!("../README.md")]

mod cards;
mod fields;
mod finding;
mod flat;
mod networks;
mod place;
mod runs;
mod scan;
mod secrets;
mod shapes;

pub use fields::masked;
pub use finding::{Finding, Kind, Truncated};
pub use scan::{in_body, in_field, in_integer};
