//! Replays of dead letters: what is sent next, what became of it, and when to stop.
//!
//! People start, pause and cancel them by functions of the database. What runs them may die at
//! any step: an item that is being sent is leased, and is sent again when its lease is over.

mod progress;
mod settle;
mod take;

pub use progress::{Numbers, advance, numbers};
pub use settle::{Done, Settled, resolve, settle};
pub use take::{Letter, Target, take, targets};

/// The item of a replay, as the header of its message names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub i64);
