//! What a rule answers, with stable codes.

use std::fmt;

use contracts::{MoneyError, OrderId, OrderRef, ProviderRef, Timestamp, Token};

use crate::Changes;
use crate::status::named;

named! {
    /// Why an event was not simply applied; stable, and a metric label and runbook name too.
    pub enum OutcomeCode {
        /// The order is paid; nothing to do (cases 1 and 85).
        AlreadyPaid = "already-paid",
        /// The order is expired or cancelled; nothing to do.
        AlreadyClosed = "already-closed",
        /// The order is known in this or a later revision.
        AlreadyOpen = "already-open",
        /// A later revision changed the total while a payment was under way (case 39).
        AmountChanged = "amount-changed",
        /// A timer came before its time (case 8).
        NotDue = "not-due",
        /// A timer fired before (case 9).
        TimerFired = "timer-fired",
        /// A timer was armed anew since (case 12).
        StaleGeneration = "stale-generation",
        /// Expiry waits for a payment under way (case 6).
        HeldForPayment = "held-for-payment",
        /// The wait for a payment under way is used up (case 6).
        HoldExhausted = "hold-exhausted",
        /// A buyer is reminded of an order that still waits for its money (policy 1).
        ReminderSent = "reminder-sent",
        /// A reminder is pointless by now (case 21).
        ReminderSuppressed = "reminder-suppressed",
        /// The customer's data were erased: nobody is written to (case 68).
        RecipientErased = "recipient-erased",
        /// The customer never agreed to such a message (policy 15).
        ConsentMissing = "consent-missing",
        /// The customer took back what they had agreed to (policy 15).
        ConsentWithdrawn = "consent-withdrawn",
        /// What would be told holds no longer.
        NotificationOutdated = "notification-outdated",
        /// Another customer than the order's is named.
        CustomerMismatch = "customer-mismatch",
        /// The event is older than what is known (case 33).
        StaleRank = "stale-rank",
        /// The event is behind the dispute's stage or status (case 76).
        Stale = "stale",
        /// Another event reported the same fact (case 28).
        DuplicateFact = "duplicate-fact",
        /// Another event reported the same fact with another amount (case 29).
        FactConflict = "fact-conflict",
        /// The same source and id came with another body (case 27).
        IdReuse = "id-reuse",
        /// The merchant is not the order's (case 42).
        MerchantMismatch = "merchant-mismatch",
        /// The currency is not the order's (case 51).
        CurrencyMismatch = "currency-mismatch",
        /// The awaited order, payment or dispute is not known yet (case 22).
        AwaitingParent = "awaiting-parent",
        /// The awaited parent never came (cases 13 and 25).
        Orphaned = "orphaned",
        /// Money came after the payment window (case 3).
        LatePayment = "late-payment",
        /// Money came in time, its report did not (case 4).
        LateNotification = "late-notification",
        /// The shop is asked for the stock of an expired order whose money is there (case 87).
        StockRequested = "stock-requested",
        /// An expired order has its money and its stock, and is paid (case 87).
        Reinstated = "reinstated",
        /// A person has to decide what becomes of late money (policy 2).
        LateMoneyToDecide = "late-money-to-decide",
        /// What is missing of an order's total is too little to ask for (case 43).
        WithinTolerance = "within-tolerance",
        /// Money came for an order already paid (case 45).
        DuplicatePayment = "duplicate-payment",
        /// More money came than was asked (case 44).
        Overpaid = "overpaid",
        /// A capture reported earlier failed after all (case 50).
        CaptureFailed = "capture-failed",
        /// A capture exceeds its authorisation (case 48).
        OverCapture = "over-capture",
        /// The event's clock is ahead of ours beyond the tolerated skew (case 14).
        ClockSkew = "clock-skew",
        /// The refund is more than what is left (case 57).
        ExceedsRefundable = "exceeds-refundable",
        /// There is nothing to refund (case 59).
        NothingCaptured = "nothing-captured",
        /// Only authorised: given back by a void instead (case 59).
        ConvertedToVoid = "converted-to-void",
        /// The payment is charged back (case 69).
        Disputed = "disputed",
        /// The refund window is over (case 66).
        WindowClosed = "window-closed",
        /// Above what is approved without a person.
        AboveAutoLimit = "above-auto-limit",
        /// Too many refunds for this customer.
        TooManyRefunds = "too-many-refunds",
        /// The customer is watched: refunds or disputes of theirs raised a flag (policy 6).
        CustomerFlagged = "customer-flagged",
        /// Orders of the customer expired unpaid again and again (policy 7).
        CustomerWarned = "customer-warned",
        /// What the customer may order is limited for a time (policy 7).
        CustomerRestricted = "customer-restricted",
        /// A person approved it (policy 4).
        ReviewApproved = "review-approved",
        /// A person decided against it.
        ReviewRejected = "review-rejected",
        /// A person stopped it before its provider was told (policy 2).
        RefundStopped = "refund-stopped",
        /// Another person has to approve it, too.
        SecondApprovalNeeded = "second-approval-needed",
        /// Nobody decided in time.
        ReviewOverdue = "review-overdue",
        /// A provider did not say in time what became of a refund.
        RefundUnanswered = "refund-unanswered",
        /// It was decided before.
        AlreadyDecided = "already-decided",
        /// The same request key came with another amount (case 60).
        DuplicateConflict = "duplicate-conflict",
        /// The provider reports on a refund that is not ours.
        UnknownRefund = "unknown-refund",
        /// A refund was made at its provider without a command of ours.
        MadeAtProvider = "made-at-provider",
        /// A refund is small and rare enough to need no person.
        WithinLimits = "within-limits",
        /// A refund did not work, of money that may not stay with us (case 63).
        RefundFailed = "refund-failed",
        /// Money that may not stay with us can go back, and is not on its way by itself.
        MoneyToReturn = "money-to-return",
        /// A refund that had succeeded came back (case 64).
        RefundReversed = "refund-reversed",
        /// The dispute names a payment that is not the order's.
        UnknownPayment = "unknown-payment",
        /// The disputed payment was refunded already (cases 70 and 71).
        AlreadyRefunded = "already-refunded",
        /// The evidence deadline is near (case 80).
        DeadlineNear = "deadline-near",
        /// The evidence deadline passed (case 80).
        DeadlineMissed = "deadline-missed",
        /// Evidence is handed in, as its submitter wants it (case 81).
        EvidenceSubmitted = "evidence-submitted",
        /// Nobody answered an inquiry in time (policy 8).
        MediationOverdue = "mediation-overdue",
        /// The shop's mediators decided an inquiry for the buyer (policy 8).
        MediatedForBuyer = "mediated-for-buyer",
        /// The shop's mediators decided an inquiry for the seller (policy 8).
        MediatedForSeller = "mediated-for-seller",
        /// Evidence came after its deadline (case 81).
        PastDue = "past-due",
        /// Evidence was handed in before, in this stage (case 81).
        AlreadySubmitted = "already-submitted",
        /// No answer is possible (case 79).
        NoResponsePossible = "no-response-possible",
        /// The dispute is about less than an answer costs (policy 9).
        NotWorthAnAnswer = "not-worth-an-answer",
        /// Money that fits no order waits for a person's decision.
        UnappliedOverdue = "unapplied-overdue",
        /// A status would follow one that it cannot follow.
        IllegalTransition = "illegal-transition",
        /// A sum is larger than any amount accepted (case 55).
        AmountOutOfRange = "amount-out-of-range",
        /// The payment window ended.
        PaymentTimeout = "payment-timeout",
        /// All of the order's money is back with the buyer.
        FullyRefunded = "fully-refunded",
        /// Somebody asked for the cancellation.
        CancelRequested = "cancel-requested",
    }
}

/// The code of a sum that cannot be made.
impl From<MoneyError> for OutcomeCode {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::CurrencyMismatch(..) => Self::CurrencyMismatch,
            MoneyError::Overflow | MoneyError::Negative => Self::AmountOutOfRange,
        }
    }
}

/// What becomes of the event itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It changed something. Final.
    Applied,
    /// It changes nothing, rightly. Final.
    Noop(OutcomeCode),
    /// It waits for its parent.
    Parked {
        /// What it waits for.
        key: ParkKey,
        /// How long.
        until: Timestamp,
    },
    /// Its parent never came; what had to be kept was kept (case 25).
    Orphaned(OutcomeCode),
    /// The answer is no; the sender may ask again.
    Rejected(OutcomeCode),
    /// It contradicts what is known; evidence was kept and a person must look: dead-lettered.
    Quarantined(OutcomeCode),
}

/// A rule's answer: what becomes of the event, and what is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of the event.
    pub outcome: Outcome,
    /// What is written; may be something even when the event is refused.
    pub changes: Changes,
}

impl Decision {
    /// The event changes something.
    pub fn apply(changes: Changes) -> Self {
        Self { outcome: Outcome::Applied, changes }
    }

    /// The event rightly changes nothing.
    pub fn noop(code: OutcomeCode) -> Self {
        Self::noop_with(code, Changes::default())
    }

    /// As [`Decision::noop`], but `changes` remember that the event was heard.
    ///
    /// Without that, the order in which reports arrive could decide which of them is the newest.
    pub fn noop_with(code: OutcomeCode, changes: Changes) -> Self {
        Self { outcome: Outcome::Noop(code), changes }
    }

    /// The event waits.
    pub fn park(key: ParkKey, until: Timestamp) -> Self {
        Self::park_with(key, until, Changes::default())
    }

    /// The event waits, and something is said about it.
    pub fn park_with(key: ParkKey, until: Timestamp, changes: Changes) -> Self {
        Self { outcome: Outcome::Parked { key, until }, changes }
    }

    /// The answer is no.
    pub fn reject(code: OutcomeCode) -> Self {
        Self { outcome: Outcome::Rejected(code), changes: Changes::default() }
    }

    /// The answer is no, and something is written or said about it.
    pub fn reject_with(code: OutcomeCode, changes: Changes) -> Self {
        Self { outcome: Outcome::Rejected(code), changes }
    }

    /// Nothing is awaited any longer; `changes` keep what must be kept.
    pub fn orphan(changes: Changes) -> Self {
        Self { outcome: Outcome::Orphaned(OutcomeCode::Orphaned), changes }
    }

    /// A person must look; `changes` keep the evidence.
    pub fn quarantine(code: OutcomeCode, changes: Changes) -> Self {
        Self { outcome: Outcome::Quarantined(code), changes }
    }
}

/// What a parked event waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ParkKey {
    /// The order itself (case 22).
    Order(OrderId),
    /// Money captured for the order (case 23).
    Capture(OrderId),
    /// A payment attempt, by its provider's reference (case 24).
    Payment {
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the attempt.
        payment_ref: ProviderRef,
    },
    /// A dispute, by its provider's reference.
    Dispute {
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        dispute_ref: ProviderRef,
    },
}

impl From<OrderRef> for ParkKey {
    fn from(order: OrderRef) -> Self {
        match order {
            OrderRef::Order(id) => Self::Order(id),
            OrderRef::Payment { provider, payment_ref } => Self::Payment { provider, payment_ref },
            OrderRef::Dispute { provider, dispute_ref } => Self::Dispute { provider, dispute_ref },
        }
    }
}

/// The key as stored, such as `order:0190b2f4-...`.
impl fmt::Display for ParkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(order) => write!(f, "order:{order}"),
            Self::Capture(order) => write!(f, "capture:{order}"),
            Self::Payment { provider, payment_ref } => {
                write!(f, "payment:{provider}/{payment_ref}")
            }
            Self::Dispute { provider, dispute_ref } => {
                write!(f, "dispute:{provider}/{dispute_ref}")
            }
        }
    }
}
