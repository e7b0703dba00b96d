//! Consent taken back.

use contracts::events::ConsentWithdrawn;
use domain::changes::Withdrawal;
use domain::operations::{clamp_skew, quarantine, wait_for};
use domain::order::Order;
use domain::{Decision, Draft, Moment, OutcomeCode, ParkKey};

use super::OrderRules;

impl OrderRules {
    /// Waits for the order by which the customer is known.
    pub(super) fn await_customer(&self, event: &ConsentWithdrawn, moment: Moment) -> Decision {
        // A withdrawal binds nobody but who is known: whoever never ordered gets nothing anyway.
        if moment.waited_out() {
            return Decision::orphan(domain::Changes::default());
        }
        wait_for(self.book.everyone(), ParkKey::Order(event.order_id), moment)
    }

    /// Notes what the customer took back; it is read when a message that needs it is due.
    pub(super) fn withdraw(
        &self,
        mut draft: Draft,
        known: &Order,
        event: &ConsentWithdrawn,
    ) -> Decision {
        if known.customer_ref != event.customer_ref {
            let code = OutcomeCode::CustomerMismatch;
            return quarantine(draft, known.id, code, known.id.to_string());
        }
        let recorded_at = draft.now();
        let (withdrawn_at, _ahead) =
            clamp_skew(self.book.everyone(), event.occurred_at, recorded_at);
        draft.withdraw(Withdrawal {
            customer_ref: event.customer_ref.clone(),
            purpose: event.purpose,
            text_version: event.version.clone(),
            withdrawn_at,
            recorded_at,
        });
        Decision::apply(draft.finish())
    }
}
