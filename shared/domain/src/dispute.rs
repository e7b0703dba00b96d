//! Disputes: a stage that only advances, and a status within it.

use contracts::events::{DisputeParty, DisputeReason, DisputeStage, DisputeVerdict};
use contracts::{AttemptId, DisputeId, Money, ProviderRef, Timestamp, Token};

use crate::status::named;

named! {
    /// Where a dispute stands within its stage.
    pub enum DisputeStatus {
        /// Evidence is awaited from us.
        NeedsResponse = "needs_response",
        /// The other side looks at the evidence.
        UnderReview = "under_review",
        /// Decided for the merchant.
        Won = "won",
        /// Decided for the buyer.
        Lost = "lost",
        /// The merchant gave in.
        Accepted = "accepted",
        /// The buyer gave in.
        Withdrawn = "withdrawn",
    }
}

impl From<DisputeVerdict> for DisputeStatus {
    fn from(verdict: DisputeVerdict) -> Self {
        match verdict {
            DisputeVerdict::NeedsResponse => Self::NeedsResponse,
            DisputeVerdict::UnderReview => Self::UnderReview,
            DisputeVerdict::Won => Self::Won,
            DisputeVerdict::Lost => Self::Lost,
            DisputeVerdict::Accepted => Self::Accepted,
            DisputeVerdict::Withdrawn => Self::Withdrawn,
        }
    }
}

impl DisputeStatus {
    /// Whether nothing more is awaited in this stage.
    pub fn is_closed(self) -> bool {
        match self {
            Self::NeedsResponse | Self::UnderReview => false,
            Self::Won | Self::Lost | Self::Accepted | Self::Withdrawn => true,
        }
    }

    /// How far a stage has come: evidence awaited, looked at, decided.
    pub fn phase(self) -> u8 {
        match self {
            Self::NeedsResponse => 0,
            Self::UnderReview => 1,
            Self::Won | Self::Lost | Self::Accepted | Self::Withdrawn => 2,
        }
    }

    /// Legal edges within one stage: never back to an earlier phase (case 76).
    ///
    /// Decisions follow each other freely: `lost` and `won` flip on a newer event (case 77).
    pub fn can_follow_in_stage(self, from: DisputeStatus) -> bool {
        self != from && self.phase() >= from.phase()
    }
}

/// Stage and status together, as history records them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DisputePosition {
    /// How far it has gone.
    pub stage: DisputeStage,
    /// Where it stands there.
    pub status: DisputeStatus,
}

impl DisputePosition {
    /// Legal edges, `None` standing for the dispute's beginning: any position (case 82).
    pub fn can_follow(self, from: Option<DisputePosition>) -> bool {
        match from {
            None => true,
            Some(from) if from.stage == self.stage => self.status.can_follow_in_stage(from.status),
            Some(from) => self.stage > from.stage,
        }
    }

    /// Whether the provider holds the disputed money: never for an inquiry.
    pub fn holds_money(self) -> bool {
        self.money() > DisputeMoney::Untouched
    }

    /// Where the ledger has the disputed money.
    pub fn money(self) -> DisputeMoney {
        match (self.stage, self.status) {
            (DisputeStage::Inquiry, _) | (_, DisputeStatus::Won | DisputeStatus::Withdrawn) => {
                DisputeMoney::Untouched
            }
            (_, DisputeStatus::NeedsResponse | DisputeStatus::UnderReview) => DisputeMoney::Held,
            (_, DisputeStatus::Lost | DisputeStatus::Accepted) => DisputeMoney::Lost,
        }
    }
}

named! {
    /// Who is told of a dispute that waits for an answer (policy 8).
    pub enum EscalationLevel {
        /// Who sold.
        Seller = "seller",
        /// Who leads them.
        TeamLead = "team_lead",
        /// Who runs the platform.
        Operations = "operations",
    }
}

impl EscalationLevel {
    /// Whom the first, second, ... reminder of a deadline goes to.
    pub fn of_reminder(number: usize) -> Self {
        match number {
            0 | 1 => Self::Seller,
            2 => Self::TeamLead,
            _ => Self::Operations,
        }
    }
}

/// What proves most against a buyer's claim, in the order of its weight (policy 8).
pub fn evidence_checklist(reason: DisputeReason) -> &'static [&'static str] {
    match reason {
        DisputeReason::Fraudulent => {
            &["authentication_result", "order_history", "delivery_proof", "address_match"]
        }
        DisputeReason::ProductNotReceived => {
            &["delivery_proof", "tracking_number", "customer_messages"]
        }
        DisputeReason::ProductUnacceptable => {
            &["product_description", "return_policy", "customer_messages", "refund_offer"]
        }
        DisputeReason::Duplicate => &["proof_of_distinct_orders", "refund_proof"],
        DisputeReason::CreditNotProcessed => &["refund_proof", "return_policy"],
        DisputeReason::SubscriptionCanceled => {
            &["cancellation_policy", "cancellation_record", "usage_record"]
        }
        DisputeReason::IncorrectAmount => &["itemised_receipt", "agreed_price"],
        DisputeReason::Unrecognized | DisputeReason::General => {
            &["itemised_receipt", "delivery_proof", "customer_messages"]
        }
    }
}

/// Where the ledger has the disputed money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DisputeMoney {
    /// Where it was before.
    Untouched,
    /// With the provider, until it decides.
    Held,
    /// With the buyer.
    Lost,
}

/// A dispute over one attempt's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The dispute.
    pub id: DisputeId,
    /// The payment provider.
    pub provider: Token<32>,
    /// The provider's reference; with `provider` unique over all orders.
    pub provider_ref: ProviderRef,
    /// Whose money.
    pub attempt_id: AttemptId,
    /// How much is disputed, in the order's currency.
    pub amount: Money,
    /// What the provider says is disputed, if that is in another currency (case 73).
    ///
    /// `amount` is then all that the payment brought: nobody knows what it comes to.
    pub original: Option<Money>,
    /// What the provider charged so far.
    pub fee: Money,
    /// How much of the disputed money was booked as our loss beyond the buyer's funds.
    pub loss: Money,
    /// Where it stands.
    pub position: DisputePosition,
    /// What the buyer says.
    pub reason: DisputeReason,
    /// The network's code of the reason.
    pub network_reason_code: Option<Token<32>>,
    /// Until when evidence is taken.
    pub evidence_due_at: Option<Timestamp>,
    /// When evidence was handed in, in the stage that it is in; once in each (case 81).
    pub evidence_submitted_at: Option<Timestamp>,
    /// Whom the shop's mediators decided it for, while it was an inquiry (policy 8).
    pub mediated_for: Option<DisputeParty>,
    /// Whether its deadline passed while the provider still wanted evidence (case 80).
    pub deadline_missed: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When the latest event about it happened.
    pub last_event_at: Timestamp,
}

impl Dispute {
    /// What its provider knows it by.
    pub fn at_provider(&self) -> (Token<32>, ProviderRef) {
        (self.provider.clone(), self.provider_ref.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;

    #[test]
    fn decisions_follow_each_other_so_that_the_newest_can_win() {
        for from in DisputeStatus::ALL.iter().filter(|status| status.is_closed()) {
            for to in DisputeStatus::ALL {
                let expected = to.is_closed() && to != from;
                assert_eq!(to.can_follow_in_stage(*from), expected, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn a_later_stage_begins_anywhere_and_an_earlier_one_is_over() {
        let at = |stage, status| DisputePosition { stage, status };
        for (from, to) in DisputeStatus::ALL.iter().zip(DisputeStatus::ALL.iter().rev()) {
            let (inquiry, chargeback) =
                (at(DisputeStage::Inquiry, *from), at(DisputeStage::Chargeback, *to));
            assert!(chargeback.can_follow(Some(inquiry)), "{from} -> {to}");
            assert!(!inquiry.can_follow(Some(chargeback)), "{to} -> {from}");
        }
    }
}
