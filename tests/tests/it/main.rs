//! End to end: real binaries, a real broker, a real database.

mod disorder;
mod ledger;
mod lives;
mod money;
mod outages;
mod payments;
mod poison;
mod start;
mod timers;
mod unapplied;
