//! What the suite says of itself.

mod usage;
