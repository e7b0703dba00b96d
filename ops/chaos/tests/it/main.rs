//! What the suite says of itself.

mod short;
mod usage;
