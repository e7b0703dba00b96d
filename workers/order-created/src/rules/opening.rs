//! An order that is new to us.

use std::time::Duration;

use contracts::MoneyError;
use contracts::events::OrderCreated;
use domain::operations::{
    arm_payment_timers, clamp_skew, close_order, look_at_unapplied, pay_order,
};
use domain::order::{CloseReason, Order, OrderStatus};
use domain::{Decision, Draft, OutcomeCode, Policies, Timestamp};

use super::OrderRules;

/// Shortest payment window: the database's smallest step, so that an end is after its beginning.
const SHORTEST_WINDOW: Duration = Duration::from_micros(1);

impl OrderRules {
    /// Starts an order's payment window; the draft lets go of what waited for the order (case 22).
    ///
    /// Money that was given up waiting is looked at again by the worker of payments.
    ///
    /// # Errors
    /// When a sum of the order's money is larger than any amount accepted.
    pub(super) fn open(
        &self,
        mut draft: Draft,
        created: &OrderCreated,
    ) -> Result<Decision, MoneyError> {
        let one_too_many = self.is_one_too_many(&draft, created);
        self.put(&mut draft, created);
        look_at_unapplied(&mut draft);
        if one_too_many {
            let (to, code) = (OrderStatus::Cancelled, OutcomeCode::CustomerRestricted);
            close_order(&mut draft, to, CloseReason::CustomerRestricted, code)?;
        }
        Ok(Decision::apply(draft.finish()))
    }

    /// Writes an order as its event describes it: waiting for its money, or paid (case 19).
    pub(super) fn put(&self, draft: &mut Draft, created: &OrderCreated) {
        let (placed_at, ahead) = clamp_skew(self.book.everyone(), created.placed_at, draft.now());
        let restricted = self.restricted_window(draft, created);
        let order = self.image(created, placed_at, restricted);
        let reason = ahead.then_some(OutcomeCode::ClockSkew);
        if order.total.is_zero() {
            pay_order(draft, order, reason);
        } else {
            draft.put_order(order.clone(), reason);
            arm_payment_timers(draft, &order, self.book.for_order(&order));
        }
    }

    fn image(
        &self,
        created: &OrderCreated,
        placed_at: Timestamp,
        restricted: Option<Duration>,
    ) -> Order {
        let window = self.window(created);
        let window = restricted.map_or(window, |longest| window.min(longest));
        Order {
            id: created.order_id,
            merchant_id: created.merchant_id.clone(),
            customer_ref: created.customer_ref.clone(),
            total: created.total,
            status: OrderStatus::PendingPayment,
            revision: created.revision,
            amount_changed: false,
            placed_at,
            expires_at: placed_at.plus(window),
            method: created.payment_method_hint,
            policy_version: self.book.version().clone(),
            locale: created.locale.clone(),
            reservation_id: created.reservation_id.clone(),
            lines: created.lines.clone(),
            consent: created.consent.clone(),
            paid_at: None,
            closed_at: None,
            close_reason: None,
            held_since: None,
            shortfall: None,
            stock_released_at: None,
            history_len: 0,
            ledger_len: 0,
            version: 0,
        }
    }

    pub(super) fn policies_of(&self, created: &OrderCreated) -> &Policies {
        self.book.of(&created.merchant_id, created.payment_method_hint)
    }

    /// How long the order waits for its money: as the shop says, else by method (case 18).
    ///
    /// An end that the shop names counts from its own beginning, whatever its clock (case 14).
    fn window(&self, created: &OrderCreated) -> Duration {
        let until_end = created.expires_at.map(|end| end.since(created.placed_at));
        let in_seconds = || created.payment_window_s.map(|s| Duration::from_secs(s.into()));
        until_end
            .or_else(in_seconds)
            .unwrap_or_else(|| self.policies_of(created).windows.of(created.payment_method_hint))
            .max(SHORTEST_WINDOW)
    }
}
