//! When a refund needs a person.

use contracts::events::{RefundReason, RefundRequested};
use domain::customer::RiskRule;
use domain::judgement::PolicyKind;
use domain::order::Order;
use domain::policy::RefundPolicy;
use domain::{Draft, Money, MoneyError, OrderState, OutcomeCode, Timestamp};

use super::RefundRules;
use super::allocation::{Part, total};

/// What becomes of a wish that the money would allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approval {
    /// Nobody has to be asked.
    Granted,
    /// A person must decide, for this reason.
    Review(OutcomeCode),
    /// The shop's own limits forbid it.
    Refused(OutcomeCode),
}

impl RefundRules {
    /// Who decides, by the first reason that holds (policies 4 and 5, case 66).
    ///
    /// Money that may not stay needs no leave, however much it is and whoever asks for it.
    pub(super) fn approval(
        &self,
        draft: &mut Draft,
        order: &Order,
        request: &RefundRequested,
        parts: &[Part],
    ) -> Result<Approval, MoneyError> {
        let may_stay: Vec<_> = parts.iter().filter(|part| !part.must_go(order)).collect();
        if may_stay.is_empty() {
            return Ok(Approval::Granted);
        }
        let policy = &self.book.for_order(order).refunds;
        let wish = Wish {
            amount: total(order, may_stay.iter().map(|part| part.amount))?,
            paid_at: order.paid_at,
            delivered_at: request.delivered_at,
            reason: request.reason_code,
            of_customer: draft.state().customer.refunds_90d,
            of_payment: most_of_one_payment(draft.state(), &may_stay),
            flagged_by: draft.state().customer.live_flag(draft.now()).map(|flag| flag.rule),
        };
        let approval = wish.judge(policy, draft.now());
        let verdict = match approval {
            Approval::Granted => OutcomeCode::WithinLimits,
            Approval::Review(code) | Approval::Refused(code) => code,
        };
        let inputs = wish.inputs(policy);
        draft.judge(PolicyKind::RefundApproval, verdict, &self.book, inputs);
        Ok(approval)
    }
}

/// What the limits are compared with.
#[derive(Clone, Copy, Debug)]
struct Wish {
    amount: Money,
    paid_at: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
    reason: RefundReason,
    of_customer: i64,
    of_payment: usize,
    flagged_by: Option<RiskRule>,
}

impl Wish {
    fn judge(self, policy: &RefundPolicy, now: Timestamp) -> Approval {
        // Counted by our own clock from the order's payment: a sender's may be set back (case 14).
        let age = self.paid_at.map(|paid_at| now.since(paid_at)).unwrap_or_default();
        // The buyer can send nothing back before it is there; the hard age counts all the same.
        let began = self.paid_at.max(self.delivered_at.map(|at| at.min(now)));
        let since_began = began.map(|at| now.since(at)).unwrap_or_default();
        let too_many = self.of_customer >= policy.max_per_customer
            || self.of_payment >= policy.max_per_payment;
        if age > policy.hard_age {
            Approval::Refused(OutcomeCode::WindowClosed)
        } else if since_began > policy.windows.of(self.reason) {
            Approval::Review(OutcomeCode::WindowClosed)
        } else if self.flagged_by.is_some() {
            Approval::Review(OutcomeCode::CustomerFlagged)
        } else if policy.auto_limit.is_exceeded_by(self.amount) {
            Approval::Review(OutcomeCode::AboveAutoLimit)
        } else if too_many {
            Approval::Review(OutcomeCode::TooManyRefunds)
        } else {
            Approval::Granted
        }
    }

    fn inputs(self, policy: &RefundPolicy) -> Vec<(&'static str, String)> {
        let currency = self.amount.currency();
        let days = |time: std::time::Duration| format!("{} days", time.as_secs() / 86_400);
        vec![
            ("amount", self.amount.to_string()),
            ("auto_limit", format!("{currency} {} in minor units", policy.auto_limit.of(currency))),
            ("paid_at", self.paid_at.map(|at| at.to_string()).unwrap_or_default()),
            ("delivered_at", self.delivered_at.map(|at| at.to_string()).unwrap_or_default()),
            ("reason", self.reason.name().to_owned()),
            ("window", days(policy.windows.of(self.reason))),
            ("hard_age", days(policy.hard_age)),
            ("refunds_of_customer_90d", self.of_customer.to_string()),
            ("max_per_customer", policy.max_per_customer.to_string()),
            ("refunds_of_payment", self.of_payment.to_string()),
            ("max_per_payment", policy.max_per_payment.to_string()),
            ("flagged_by", self.flagged_by.map(|rule| rule.to_string()).unwrap_or_default()),
        ]
    }
}

/// The refunds that the payment with the most of them has had.
fn most_of_one_payment(state: &OrderState, parts: &[&Part]) -> usize {
    let refunds_of = |part: &&Part| {
        let holding = state.refunds.iter().filter(|refund| refund.status.holds_money());
        holding.filter(|refund| refund.attempt_id == Some(part.attempt.id)).count()
    };
    parts.iter().map(refunds_of).max().unwrap_or(0)
}
