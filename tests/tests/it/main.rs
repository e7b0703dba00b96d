//! End to end: real binaries, a real broker, a real database.

mod cards;
mod convergence;
mod crashes;
mod dependencies;
mod disorder;
mod faults;
mod ledger;
mod lives;
mod money;
mod notices;
mod outages;
mod payments;
mod poison;
mod policies;
mod privacy;
mod privileges;
mod replays;
mod restriction;
mod runbooks;
mod spans;
mod start;
mod steps;
mod telemetry;
mod terminal;
mod timers;
mod unapplied;
