//! The suite over the real binaries, and what it says of itself.

mod usage;
