//! Steps that several rules share.

mod authorization;
mod close;
mod give_back;
mod late;
mod pay;
mod refund;
mod timers;
mod unapplied;
mod watch;

use contracts::{OrderId, Timestamp};

pub use authorization::{request_void, void_if_authorized};
pub use close::close_order;
pub use give_back::{give_back_excess, give_back_freed, give_back_released};
pub use late::{
    ask_a_person, ask_for_stock, held_capture, may_be_reinstated, reinstate, release_again,
    return_excess, return_held,
};
pub use pay::pay_order;
pub use refund::{OwnRefund, approve_refund, call_held_off, order_held, order_refund, refund_own};
pub use timers::{arm_next_reminder, arm_payment_timers, cancel_payment_timers};
pub use unapplied::{keep_unapplied, look_at_unapplied};
pub use watch::watch_customer;

use crate::changes::Draft;
use crate::decision::{Decision, OutcomeCode, ParkKey};
use crate::message::Body;
use crate::{Moment, Policies};

/// Clamps a sender's clock that is ahead of ours beyond the tolerated skew (case 14).
///
/// The second value tells whether it was.
pub fn clamp_skew(policies: &Policies, at: Timestamp, now: Timestamp) -> (Timestamp, bool) {
    let ahead = at > now.plus(policies.max_skew);
    (if ahead { now } else { at }, ahead)
}

/// Parks an event; one that was parked before keeps its deadline (cases 13, 22 to 25).
pub fn wait_for(policies: &Policies, key: ParkKey, moment: Moment) -> Decision {
    let until = moment.parked_until.unwrap_or_else(|| moment.now.plus(policies.park_ttl));
    Decision::park(key, until)
}

/// Asks for a person's eyes; the order need not be known.
pub fn open_case(draft: &mut Draft, order_id: OrderId, code: OutcomeCode, reference: String) {
    draft.send(order_id, Body::OpsCaseOpened { order_id, code, reference });
}

/// Refuses an event that contradicts what is known; what the draft holds is kept as evidence.
pub fn quarantine(
    mut draft: Draft,
    order_id: OrderId,
    code: OutcomeCode,
    reference: String,
) -> Decision {
    open_case(&mut draft, order_id, code, reference);
    Decision::quarantine(code, draft.finish())
}

/// Gives up waiting for an order; what the draft holds is kept (case 25).
pub fn orphan(mut draft: Draft, order_id: OrderId, reference: String) -> Decision {
    open_case(&mut draft, order_id, OutcomeCode::Orphaned, reference);
    Decision::orphan(draft.finish())
}
