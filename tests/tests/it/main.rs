//! End to end: real binaries, a real broker, a real database.

mod disorder;
mod lives;
mod money;
mod outages;
mod payments;
mod poison;
mod privacy;
mod start;
mod timers;
