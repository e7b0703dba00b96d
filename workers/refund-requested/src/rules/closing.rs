//! The end of an order whose money is back with its buyer.

use domain::judgement::PolicyKind;
use domain::ledger::Account;
use domain::operations::close_order;
use domain::order::{CloseReason, Order, OrderStatus};
use domain::refund::RefundMoney;
use domain::{Draft, Money, MoneyError, OrderState, OutcomeCode};

use super::RefundRules;

impl RefundRules {
    /// Calls a paid order off once all of its money is back, if its shop wants that.
    ///
    /// # Errors
    /// When a sum of the order's money is larger than any amount accepted.
    pub(super) fn close_if_all_is_back(
        &self,
        draft: &mut Draft,
        order: &Order,
    ) -> Result<(), MoneyError> {
        let wanted = self.book.for_order(order).cancellation.on_full_refund;
        if order.status != OrderStatus::Paid || !wanted {
            return Ok(());
        }
        let (paid, back) = (draft.state().paid(order)?, back(draft.state(), order)?);
        if paid.is_zero() || back.minor() < paid.minor() {
            return Ok(());
        }
        let code = OutcomeCode::FullyRefunded;
        let inputs = vec![("paid", paid.to_string()), ("refunded", back.to_string())];
        draft.judge(PolicyKind::Cancellation, code, &self.book, inputs);
        close_order(draft, OrderStatus::Cancelled, CloseReason::Refunded, code)
    }
}

/// How much of what pays the order is back with the buyer.
fn back(state: &OrderState, order: &Order) -> Result<Money, MoneyError> {
    let gone = state.refunds.iter().filter(|refund| {
        refund.status.money() == RefundMoney::Gone && refund.funded_from == Account::CustomerFunds
    });
    let nothing = Money::zero(order.total.currency());
    gone.map(|refund| refund.amount).try_fold(nothing, Money::checked_add)
}
