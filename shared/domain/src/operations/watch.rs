//! A customer's refunds and disputes, added up (policy 6).

use crate::PolicyBook;
use crate::changes::Draft;
use crate::customer::RiskFlag;
use crate::decision::OutcomeCode;
use crate::judgement::PolicyKind;
use crate::message::Body;
use crate::order::Order;

/// Raises a flag for each rule that holds now, and says so.
///
/// To be used after a refund or a dispute was recorded; the customer's record has to be loaded.
pub fn watch_customer(draft: &mut Draft, order: &Order, book: &PolicyBook) {
    let policy = &book.for_order(order).flags;
    for finding in policy.findings(&draft.state().customer, draft.now()) {
        let (order_id, customer_ref) = (order.id, order.customer_ref.clone());
        let (flag_id, expires_at) = (draft.next_id(), draft.now().plus(policy.expire_after));
        let (rule, evidence) = (finding.rule, finding.evidence);
        draft.judge(PolicyKind::CustomerRisk, OutcomeCode::CustomerFlagged, book, finding.inputs);
        draft.raise_flag(RiskFlag {
            id: flag_id,
            customer_ref: customer_ref.clone(),
            rule,
            evidence: evidence.clone(),
            version: book.version().clone(),
            raised_at: draft.now(),
            expires_at,
            lifted_at: None,
        });
        draft.send(
            order_id,
            Body::CustomerRiskFlagged {
                order_id,
                customer_ref,
                flag_id,
                rule,
                evidence,
                expires_at,
            },
        );
    }
}
