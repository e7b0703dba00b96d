//! What a worker contributes: one pure function over one order.

use contracts::{Envelope, Event, Timestamp};

use crate::{Decision, OrderState, PolicyBook};

/// When and in which circumstances an event is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The database's clock, read after the order was locked.
    pub now: Timestamp,
    /// Until when the event was parked, if it was: past it, waiting is over (case 25).
    pub parked_until: Option<Timestamp>,
}

impl Moment {
    /// Whether the event has waited for its parent long enough.
    pub fn waited_out(self) -> bool {
        self.parked_until.is_some_and(|until| until <= self.now)
    }
}

/// A worker's rule book.
pub trait Rules: Send + Sync + 'static {
    /// The event types on this worker's queue.
    type Event: Event;

    /// The choices of the shops that the rules were made with.
    fn book(&self) -> &PolicyBook;

    /// What this event does to the order as it stands. Pure: same inputs, same answer.
    fn decide(
        &self,
        order: &OrderState,
        message: &Envelope<Self::Event>,
        moment: Moment,
    ) -> Decision;
}
