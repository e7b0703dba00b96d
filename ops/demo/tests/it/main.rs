//! The day rehearsed in memory, and the command line.

mod rehearsal;
mod stage;
mod usage;
