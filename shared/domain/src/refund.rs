//! Refunds, from the wish to the settlement and, rarely, back.

use contracts::events::{RefundReason, RefundResult};
use contracts::{AttemptId, Money, ProviderRef, RefundId, Timestamp, Token};

use crate::decision::OutcomeCode;
use crate::ledger::Account;
use crate::status::named;

named! {
    /// Where a refund stands.
    pub enum RefundStatus {
        /// A person must decide.
        PendingReview = "pending_review",
        /// Decided; its money is reserved and the command is on its way.
        Approved = "approved",
        /// The provider has it.
        Submitted = "submitted",
        /// The provider waits for somebody.
        RequiresAction = "requires_action",
        /// The money is back with the buyer.
        Succeeded = "succeeded",
        /// It did not work, or came back after all.
        Failed = "failed",
        /// Taken back before it was done.
        Cancelled = "cancelled",
        /// Refused.
        Rejected = "rejected",
    }
}

impl RefundStatus {
    /// Whether it takes up money: reserved or gone (case 61).
    pub fn holds_money(self) -> bool {
        match self {
            Self::PendingReview
            | Self::Approved
            | Self::Submitted
            | Self::RequiresAction
            | Self::Succeeded => true,
            Self::Failed | Self::Cancelled | Self::Rejected => false,
        }
    }

    /// Whether the provider has said its last word, for now.
    pub fn is_decided(self) -> bool {
        match self {
            Self::PendingReview
            | Self::Approved
            | Self::Submitted
            | Self::RequiresAction
            | Self::Rejected => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }

    /// Where the ledger has its money.
    pub fn money(self) -> RefundMoney {
        match self {
            Self::PendingReview | Self::Failed | Self::Cancelled | Self::Rejected => {
                RefundMoney::Untouched
            }
            Self::Approved | Self::Submitted | Self::RequiresAction => RefundMoney::Reserved,
            Self::Succeeded => RefundMoney::Gone,
        }
    }

    /// Legal edges, `None` standing for the refund's beginning; what is not listed is illegal.
    ///
    /// Last words follow each other freely: a success is taken back (case 64), a failure turns
    /// out to have been a success. Which one is the newest does not depend on their arrival.
    pub fn can_follow(self, from: Option<RefundStatus>) -> bool {
        match from {
            None => matches!(self, Self::PendingReview | Self::Approved | Self::Rejected),
            Some(Self::PendingReview) => matches!(self, Self::Approved | Self::Rejected),
            Some(Self::Rejected) => false,
            Some(from) => match self {
                Self::Submitted | Self::RequiresAction => from != self && !from.is_decided(),
                Self::Succeeded | Self::Failed | Self::Cancelled => from != self,
                Self::PendingReview | Self::Approved | Self::Rejected => false,
            },
        }
    }
}

/// Where the ledger has a refund's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundMoney {
    /// Where it was before.
    Untouched,
    /// Set aside.
    Reserved,
    /// Back with the buyer.
    Gone,
}

/// The status that a provider's report means.
impl From<RefundResult> for RefundStatus {
    fn from(result: RefundResult) -> Self {
        match result {
            RefundResult::Submitted => Self::Submitted,
            RefundResult::RequiresAction => Self::RequiresAction,
            RefundResult::Succeeded => Self::Succeeded,
            RefundResult::Failed | RefundResult::Reversed => Self::Failed,
            RefundResult::Cancelled => Self::Cancelled,
        }
    }
}

/// Money to go back, from one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The refund; also the idempotency key at the provider (case 62).
    pub id: RefundId,
    /// Names the cause: a shop's request or, for our own, `late:<capture>` and the like (case 65).
    pub request_key: Token<255>,
    /// Counts the parts of one request that is spread over several attempts, from 0.
    pub part: i16,
    /// Whose money; absent when the request was refused before that was known.
    pub attempt_id: Option<AttemptId>,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: RefundStatus,
    /// Why it is wanted.
    pub reason: RefundReason,
    /// Which account the money is reserved from.
    pub funded_from: Account,
    /// Which rule or who decided, such as `auto:late`.
    pub decided_by: Option<Token<64>>,
    /// Who approved it first, where two must (policy 4).
    pub first_approver: Option<Token<64>>,
    /// Whether the shop puts the goods back on the shelf; only passed on (case 88).
    pub restock: Option<bool>,
    /// Why it was refused or sent to review.
    pub code: Option<OutcomeCode>,
    /// Until when its provider is not told, so that a person may stop it (policy 2).
    pub held_until: Option<Timestamp>,
    /// The provider's reference.
    pub provider_ref: Option<ProviderRef>,
    /// When it was wanted.
    pub requested_at: Timestamp,
    /// When the money was back.
    pub settled_at: Option<Timestamp>,
    /// When the latest event about it happened.
    pub last_event_at: Timestamp,
}

impl Refund {
    /// Whether it is approved, and its provider was not told of it yet.
    pub fn is_held(&self) -> bool {
        self.held_until.is_some() && self.status == RefundStatus::Approved
    }

    /// Whether it ended before its provider was told, and by nobody's wish to keep the money: a
    /// person refused a review of it, or a dispute came for the same money.
    pub fn may_be_ordered_anew(&self) -> bool {
        match self.status {
            RefundStatus::Rejected => true,
            RefundStatus::Cancelled => self.code == Some(OutcomeCode::Disputed),
            RefundStatus::PendingReview
            | RefundStatus::Approved
            | RefundStatus::Submitted
            | RefundStatus::RequiresAction
            | RefundStatus::Succeeded
            | RefundStatus::Failed => false,
        }
    }

    /// Whether it counts towards what its customer had back; what had to go back does not.
    pub fn counts_for_customer(&self) -> bool {
        let wanted = match self.reason {
            RefundReason::RequestedByCustomer
            | RefundReason::Fraudulent
            | RefundReason::NotReceived
            | RefundReason::Defective
            | RefundReason::Goodwill => true,
            RefundReason::Duplicate
            | RefundReason::LatePayment
            | RefundReason::Overpaid
            | RefundReason::OrderCancelled => false,
        };
        wanted && self.status != RefundStatus::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;

    #[test]
    fn last_words_follow_each_other_so_that_the_newest_can_win() {
        for from in RefundStatus::ALL.iter().filter(|status| status.is_decided()) {
            for to in RefundStatus::ALL {
                let expected = to.is_decided() && to != from;
                assert_eq!(to.can_follow(Some(*from)), expected, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn nothing_is_ordered_before_it_is_approved() {
        let ordered = |status: &RefundStatus| match status {
            RefundStatus::PendingReview | RefundStatus::Approved | RefundStatus::Rejected => false,
            RefundStatus::Submitted
            | RefundStatus::RequiresAction
            | RefundStatus::Succeeded
            | RefundStatus::Failed
            | RefundStatus::Cancelled => true,
        };
        let early = [None, Some(RefundStatus::PendingReview), Some(RefundStatus::Rejected)];
        for to in RefundStatus::ALL.iter().filter(|status| ordered(status)) {
            assert!(early.iter().all(|from| !to.can_follow(*from)), "{to}");
            assert!(to.can_follow(Some(RefundStatus::Approved)), "{to}");
        }
    }
}
