//! An order that is known already, and may have changed at the shop (case 39).

use contracts::events::OrderCreated;
use domain::operations::{open_case, quarantine};
use domain::order::{Order, OrderStatus};
use domain::{Decision, Draft, OutcomeCode};

use super::OrderRules;

impl OrderRules {
    /// Takes over a later revision, unless a payment under way rests on the total in force.
    pub(super) fn revise(
        &self,
        mut draft: Draft,
        known: &Order,
        created: &OrderCreated,
    ) -> Decision {
        if created.merchant_id != known.merchant_id {
            let reference = created.merchant_id.to_string();
            return quarantine(draft, known.id, OutcomeCode::MerchantMismatch, reference);
        }
        if created.revision <= known.revision {
            return Decision::noop(OutcomeCode::AlreadyOpen);
        }
        if created.total.currency() != known.total.currency() {
            let reference = revision_name(created);
            return quarantine(draft, known.id, OutcomeCode::CurrencyMismatch, reference);
        }
        let same_total = created.total == known.total;
        match known.status {
            OrderStatus::Expired | OrderStatus::Cancelled => {
                Decision::noop(OutcomeCode::AlreadyClosed)
            }
            OrderStatus::PendingPayment if same_total || !draft.state().has_live_attempt() => {
                self.put(&mut draft, created);
                Decision::apply(draft.finish())
            }
            OrderStatus::Paid if same_total => Decision::noop(OutcomeCode::AlreadyPaid),
            OrderStatus::PendingPayment | OrderStatus::Paid => keep_total(draft, known, created),
        }
    }
}

/// Keeps the total that a payment rests on, and says so once.
fn keep_total(mut draft: Draft, known: &Order, created: &OrderCreated) -> Decision {
    if known.amount_changed {
        return Decision::noop(OutcomeCode::AmountChanged);
    }
    draft.put_order(Order { amount_changed: true, ..known.clone() }, None);
    open_case(&mut draft, known.id, OutcomeCode::AmountChanged, revision_name(created));
    Decision::apply(draft.finish())
}

fn revision_name(created: &OrderCreated) -> String {
    format!("revision {}", created.revision)
}
