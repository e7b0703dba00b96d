//! What an order's payment timers do to it.

mod expiry;
mod reminder;
mod unpaid;

use contracts::Envelope;
use contracts::events::{PaymentTimer, TimerEvent};
use domain::operations::{quarantine, wait_for};
use domain::order::Order;
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, Moment, OrderState, OutcomeCode, ParkKey, PolicyBook, Rules};

/// Reminds buyers, and expires orders whose payment window ended without the money.
#[derive(Clone, Debug)]
pub struct TimeoutRules {
    book: PolicyBook,
}

impl TimeoutRules {
    /// Rules with these choices of the shops.
    pub fn new(book: impl Into<PolicyBook>) -> Self {
        Self { book: book.into() }
    }

    /// A timer whose order is not known has no side effect, now or later (case 13).
    fn await_order(&self, timer: &PaymentTimer, moment: Moment) -> Decision {
        if moment.waited_out() {
            return Decision::orphan(domain::Changes::default());
        }
        wait_for(self.book.everyone(), ParkKey::Order(timer.order_id), moment)
    }
}

impl Rules for TimeoutRules {
    type Event = TimerEvent;

    fn book(&self) -> &PolicyBook {
        &self.book
    }

    fn decide(
        &self,
        state: &OrderState,
        message: &Envelope<TimerEvent>,
        moment: Moment,
    ) -> Decision {
        let (TimerEvent::Timeout(timer) | TimerEvent::Reminder(timer)) = &message.event;
        let Some(order) = &state.order else {
            return self.await_order(timer, moment);
        };
        let patience = self.book.patience(state);
        let draft = || Draft::new(state, message, moment.now).waiting(patience);
        let decision = match &message.event {
            TimerEvent::Timeout(timer) => self.time_out(draft(), order, timer),
            TimerEvent::Reminder(timer) => self.remind(draft(), order, timer),
        };
        decision.unwrap_or_else(|error| {
            quarantine(draft(), order.id, error.into(), order.id.to_string())
        })
    }
}

/// Why a timer's message counts for nothing: it is a hint only, its row decides (cases 8 to 12).
fn check_due(
    draft: &Draft,
    order: &Order,
    kind: TimerKind,
    timer: &PaymentTimer,
) -> Result<(), OutcomeCode> {
    let owner = TimerOwner::Order(order.id);
    draft.state().check_due(kind, owner, timer.generation, draft.now())
}
