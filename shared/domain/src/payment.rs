//! Payment attempts and their captures.

use std::time::Duration;

use contracts::events::{PaymentOutcome, RefundCause, RefundReason};
use contracts::{AttemptId, Money, MoneyError, ProviderRef, Timestamp, Token};
use guidance::decline::{Category, Codes, guidance};

use crate::decision::OutcomeCode;
use crate::order::{Order, OrderStatus};
use crate::status::named;

named! {
    /// Where an attempt stands; events may only raise its rank (cases 33 to 36).
    pub enum AttemptStatus {
        /// Started.
        Initiated = "initiated",
        /// The buyer must do something first.
        RequiresAction = "requires_action",
        /// The provider has not decided yet.
        Processing = "processing",
        /// The issuer said no.
        Declined = "declined",
        /// It did not work for another reason.
        Failed = "failed",
        /// The money is set aside.
        Authorized = "authorized",
        /// The authorisation was given back.
        Voided = "voided",
        /// The authorisation ran out.
        AuthorizationExpired = "authorization_expired",
        /// Some of the authorised money is ours.
        PartiallyCaptured = "partially_captured",
        /// The money is ours.
        Captured = "captured",
        /// A capture reported earlier failed after all.
        CaptureFailed = "capture_failed",
        /// The facts contradict each other; a person must look (case 48).
        Review = "review",
    }
}

impl AttemptStatus {
    /// The rank rule: a status follows only one of lower rank; a late `declined` is stale.
    ///
    /// No two ranks are equal, so that the order of arrival never decides which one stays.
    pub fn rank(self) -> u8 {
        match self {
            Self::Initiated => 0,
            Self::RequiresAction => 10,
            Self::Processing => 20,
            Self::Declined => 30,
            Self::Failed => 31,
            Self::Authorized => 40,
            Self::Voided => 50,
            Self::AuthorizationExpired => 51,
            Self::PartiallyCaptured => 60,
            Self::Captured => 70,
            Self::CaptureFailed => 80,
            Self::Review => 90,
        }
    }

    /// Whether the provider may still turn the attempt into money (cases 6 and 17).
    pub fn in_flight(self) -> bool {
        match self {
            Self::RequiresAction | Self::Processing => true,
            Self::Initiated
            | Self::Declined
            | Self::Failed
            | Self::Authorized
            | Self::Voided
            | Self::AuthorizationExpired
            | Self::PartiallyCaptured
            | Self::Captured
            | Self::CaptureFailed
            | Self::Review => false,
        }
    }

    /// Whether there is something at the provider that can be ended before it becomes money.
    pub fn can_be_called_off(self) -> bool {
        self == Self::Initiated || self.in_flight() || self.holds_authorization()
    }

    /// Whether it is money, or may become money without another try of the buyer (case 39).
    pub fn is_live(self) -> bool {
        match self {
            Self::Initiated
            | Self::RequiresAction
            | Self::Processing
            | Self::Authorized
            | Self::PartiallyCaptured
            | Self::Captured
            | Self::Review => true,
            Self::Declined
            | Self::Failed
            | Self::Voided
            | Self::AuthorizationExpired
            | Self::CaptureFailed => false,
        }
    }

    /// Whether the buyer did their part, so that asking for money again would get it twice.
    pub fn awaits_provider(self) -> bool {
        match self {
            Self::Processing | Self::Authorized => true,
            Self::Initiated
            | Self::RequiresAction
            | Self::Declined
            | Self::Failed
            | Self::Voided
            | Self::AuthorizationExpired
            | Self::PartiallyCaptured
            | Self::Captured
            | Self::CaptureFailed
            | Self::Review => false,
        }
    }

    /// Whether the provider holds money that is not ours yet.
    pub fn holds_authorization(self) -> bool {
        match self {
            Self::Authorized | Self::PartiallyCaptured => true,
            Self::Initiated
            | Self::RequiresAction
            | Self::Processing
            | Self::Declined
            | Self::Failed
            | Self::Voided
            | Self::AuthorizationExpired
            | Self::Captured
            | Self::CaptureFailed
            | Self::Review => false,
        }
    }

    /// Legal edges, `None` standing for the attempt's beginning.
    ///
    /// A capture's failure may be reported before the capture itself (case 50).
    pub fn can_follow(self, from: Option<AttemptStatus>) -> bool {
        match (from, self) {
            // Money may come after a failure, and what contradicted itself may be taken back.
            (None, _)
            | (Some(Self::CaptureFailed | Self::Review), Self::Captured)
            | (Some(Self::Review), Self::CaptureFailed) => true,
            (Some(from), to) => to.rank() > from.rank(),
        }
    }
}

/// The status that a provider's report means; captures may turn out partial.
impl From<PaymentOutcome> for AttemptStatus {
    fn from(outcome: PaymentOutcome) -> Self {
        match outcome {
            PaymentOutcome::RequiresAction => Self::RequiresAction,
            PaymentOutcome::Processing => Self::Processing,
            PaymentOutcome::Authorized => Self::Authorized,
            PaymentOutcome::Captured => Self::Captured,
            PaymentOutcome::Declined => Self::Declined,
            PaymentOutcome::Failed => Self::Failed,
            PaymentOutcome::Voided => Self::Voided,
            PaymentOutcome::AuthorizationExpired => Self::AuthorizationExpired,
            PaymentOutcome::CaptureFailed => Self::CaptureFailed,
        }
    }
}

/// What a provider says of a decline beside its own code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclineDetails {
    /// The card network's code.
    pub network_code: Option<Token<16>>,
    /// The network's advice about another try.
    pub advice: Option<Token<64>>,
    /// The provider's grouping.
    pub category: Option<Token<32>>,
}

/// What was paid with, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidWith {
    /// Card, wallet, transfer and so on.
    pub kind: Token<32>,
    /// The brand of the card.
    pub brand: Option<Token<32>>,
}

/// One payment attempt at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The attempt.
    pub id: AttemptId,
    /// The payment provider.
    pub provider: Token<32>,
    /// The provider's reference; with `provider` unique over all orders.
    pub provider_ref: ProviderRef,
    /// Where it stands.
    pub status: AttemptStatus,
    /// How much it is for; always in the order's currency (case 51).
    pub amount: Money,
    /// How much the provider authorised; nothing if it never said.
    pub authorized: Money,
    /// The provider's code of the last decline.
    pub decline_code: Option<Token<64>>,
    /// What else was said of it.
    pub decline: DeclineDetails,
    /// What was paid with, by the first report that says so.
    pub paid_with: Option<PaidWith>,
    /// The order's revision that the buyer saw (case 39).
    pub revision: Option<i32>,
    /// When the first event about it happened.
    pub occurred_at: Timestamp,
    /// When the latest event about it happened, clamped against clocks ahead of ours (case 14).
    pub last_event_at: Timestamp,
}

impl Attempt {
    /// The codes of the last decline.
    pub fn decline_codes(&self) -> Codes<'_> {
        Codes {
            code: self.decline_code.as_ref().map(Token::as_str),
            network_code: self.decline.network_code.as_ref().map(Token::as_str),
            advice: self.decline.advice.as_ref().map(Token::as_str),
            category: self.decline.category.as_ref().map(Token::as_str),
        }
    }

    /// How long to wait before the same means is tried again; nothing when it never may be.
    pub fn retry_after(&self) -> Option<Duration> {
        guidance(self.decline_codes()).retry_after()
    }

    /// Whether it was declined because something technical went wrong (policies 7 and 11).
    pub fn was_declined_technically(&self) -> bool {
        let category = guidance(self.decline_codes()).category;
        self.status == AttemptStatus::Declined && category == Category::Technical
    }
}

named! {
    /// What a capture is to its order.
    pub enum Classification {
        /// It pays the order.
        Normal = "normal",
        /// It came after the order was closed (cases 3 and 4).
        Late = "late",
        /// It came after the order was closed, and waits for the order's stock (case 87).
        Held = "held",
        /// The order was already paid (case 45).
        Duplicate = "duplicate",
        /// It is more than was left to pay (case 44).
        Overpaid = "overpaid",
    }
}

impl Classification {
    /// Why money of this class goes back; what pays the order stays, and what may yet pay it.
    pub fn refund_cause(self) -> Option<RefundCause> {
        match self {
            Self::Normal | Self::Held => None,
            Self::Late => Some(RefundCause::Late),
            Self::Duplicate => Some(RefundCause::Duplicate),
            Self::Overpaid => Some(RefundCause::Overpaid),
        }
    }
}

/// Money that a provider took for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The attempt it belongs to.
    pub attempt_id: AttemptId,
    /// The provider's reference; unique within the attempt.
    pub capture_ref: ProviderRef,
    /// How much.
    pub amount: Money,
    /// How much of it pays the order; the rest is held in suspense and refunded.
    pub applied: Money,
    /// What it is to the order.
    pub classification: Classification,
    /// When it happened at the provider.
    pub occurred_at: Timestamp,
    /// When it failed after all (case 50).
    pub reversed_at: Option<Timestamp>,
}

impl Capture {
    /// How ledger and refunds refer to it: its attempt, and its reference within it.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.attempt_id, self.capture_ref)
    }

    /// The key of the refunds of its excess, such as `late:<attempt>/<capture>` (case 65).
    pub fn excess_refund_key(&self) -> Option<String> {
        self.classification.refund_cause().map(|cause| cause.key_of(self.reference()))
    }

    /// The key of the refunds of what paid an order that was closed after all (case 43).
    pub fn closing_refund_key(&self) -> String {
        RefundCause::Closed.key_of(self.reference())
    }

    /// What is wrong with its excess, and why that is refunded; nothing with what pays its order.
    pub fn anomaly(&self, order: &Order) -> Option<(OutcomeCode, RefundReason)> {
        match self.classification {
            Classification::Normal | Classification::Held => None,
            Classification::Late => Some(self.lateness(order)),
            Classification::Duplicate => {
                Some((OutcomeCode::DuplicatePayment, RefundReason::Duplicate))
            }
            Classification::Overpaid => Some((OutcomeCode::Overpaid, RefundReason::Overpaid)),
        }
    }

    /// Whether the money was late, or only its report (cases 3 and 4).
    fn lateness(&self, order: &Order) -> (OutcomeCode, RefundReason) {
        let cancelled_at = order.closed_at.filter(|_| order.status == OrderStatus::Cancelled);
        let (deadline, reason) = match cancelled_at {
            Some(cancelled_at) => (cancelled_at, RefundReason::OrderCancelled),
            None => (order.expires_at, RefundReason::LatePayment),
        };
        let in_time = self.occurred_at <= deadline;
        (if in_time { OutcomeCode::LateNotification } else { OutcomeCode::LatePayment }, reason)
    }

    /// How much of it does not pay the order.
    ///
    /// # Errors
    /// Never for a capture that was recorded: it never pays more than it is.
    pub fn excess(&self) -> Result<Money, MoneyError> {
        self.amount.checked_sub(self.applied)
    }

    /// Whether the money is still ours.
    pub fn is_live(&self) -> bool {
        self.reversed_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::status::Status;

    #[test]
    fn no_two_statuses_share_a_rank() {
        let ranks: BTreeSet<_> = AttemptStatus::ALL.iter().map(|status| status.rank()).collect();
        assert_eq!(ranks.len(), AttemptStatus::ALL.len());
    }

    #[test]
    fn whatever_holds_or_awaits_money_is_live() {
        for status in AttemptStatus::ALL {
            let awaited = status.in_flight() || status.awaits_provider();
            assert!(status.is_live() || !(awaited || status.holds_authorization()), "{status}");
        }
    }
}
