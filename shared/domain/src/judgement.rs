//! Decisions of policy, with what they were made on, so that they can be explained and repeated.

use contracts::{Timestamp, Token};

use crate::decision::OutcomeCode;
use crate::status::named;

named! {
    /// Which policy decided.
    pub enum PolicyKind {
        /// Whether an order that is paid may be called off.
        Cancellation = "cancellation",
        /// Whether orders of a customer expired unpaid too often, and what follows (policy 7).
        CustomerLimit = "customer_limit",
        /// Whether a customer's refunds or disputes are too many (policy 6).
        CustomerRisk = "customer_risk",
        /// Whether a dispute is worth an answer (policy 9).
        DisputeAnswer = "dispute_answer",
        /// What is due for a dispute that waits for evidence (policy 8).
        DisputeDeadline = "dispute_deadline",
        /// Whom an inquiry was decided for by the shop's mediators (policy 8).
        DisputeMediation = "dispute_mediation",
        /// What becomes of money that came late, or is a little short (policy 2).
        LateMoney = "late_money",
        /// Whether somebody is told of something (policy 15, case 68).
        Notification = "notification",
        /// Whether expiry waits for a payment under way (policy 3).
        PaymentHold = "payment_hold",
        /// Whether a buyer is reminded to pay (policy 1).
        PaymentReminder = "payment_reminder",
        /// Whether a refund needs a person (policies 4 and 5).
        RefundApproval = "refund_approval",
        /// Whether a person's word is enough for a refund, or came in time (policy 4).
        RefundReview = "refund_review",
        /// What becomes of money that fits no order (case 25).
        UnappliedMoney = "unapplied_money",
    }
}

/// What a policy decided, by which version, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The policy.
    pub policy: PolicyKind,
    /// What it decided.
    pub verdict: OutcomeCode,
    /// The version of the choices.
    pub version: Token<32>,
    /// What it was decided on, by name: limits as well as what was compared with them.
    pub inputs: Vec<(&'static str, String)>,
    /// When, by the database's clock.
    pub at: Timestamp,
}
