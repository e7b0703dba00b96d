//! The codes of rules and policies in words: what follows "because".

use domain::OutcomeCode;
use domain::judgement::PolicyKind;
use domain::unapplied::UnappliedCause;

/// Declares the clause of every code: a code without one does not compile.
macro_rules! clauses {
    ($($code:ident: $words:literal,)+) => {
        /// Why, as a clause that follows "because".
        pub(super) fn reason(code: OutcomeCode) -> &'static str {
            match code { $(OutcomeCode::$code => $words,)+ }
        }
    };
}

clauses! {
    AlreadyPaid: "the order is paid already",
    AlreadyClosed: "the order is closed already",
    AlreadyOpen: "the order is known already in this or a later revision",
    AmountChanged: "a later revision named another total while a payment was under way",
    NotDue: "the timer came before its time",
    TimerFired: "the timer had fired before",
    StaleGeneration: "the timer was armed anew since",
    HeldForPayment: "a payment is under way, for which expiry waits",
    HoldExhausted: "its payment window ended, and a payment under way was not decided in the \
        time that expiry waits for it",
    ReminderSent: "its money is still missing, and there is time to pay",
    ReminderSuppressed: "a reminder makes no sense any more",
    RecipientErased: "the customer's data were erased, so that nobody is written to",
    ConsentMissing: "the customer never agreed to such messages",
    ConsentWithdrawn: "the customer took back the consent to such messages",
    NotificationOutdated: "what would be told holds no longer",
    CustomerMismatch: "it names another customer than the order does",
    StaleRank: "a later state of the payment is known already",
    Stale: "a later stage or status of the dispute is known already",
    DuplicateFact: "another event reported the same before",
    FactConflict: "another event reported the same with another amount",
    IdReuse: "an earlier event has the same source and id, but another body",
    MerchantMismatch: "it names another merchant than the order does",
    CurrencyMismatch: "its currency is not the order's",
    AwaitingParent: "the order, payment or dispute it belongs to is not known",
    Orphaned: "the order, payment or dispute it belongs to never came",
    LatePayment: "the money came after the payment window had ended",
    LateNotification: "the money came in time, but was reported too late",
    StockRequested: "its money came after all, and the shop is asked for its stock",
    Reinstated: "its money came after all, and the shop still has the stock",
    LateMoneyToDecide: "a person has to decide what becomes of late money",
    WithinTolerance: "what is missing of its total is too little to ask for",
    DuplicatePayment: "the order was paid already when more money came for it",
    Overpaid: "more money came than was asked for",
    CaptureFailed: "a capture that was reported earlier failed after all",
    OverCapture: "more was captured than had been authorised",
    ClockSkew: "the sender's clock is too far ahead of ours",
    ExceedsRefundable: "it asks for more than is left to refund",
    NothingCaptured: "nothing was paid that could go back",
    ConvertedToVoid: "the money was only authorised, and is given back by a void instead",
    Disputed: "the payment is disputed, and its money would go back twice",
    WindowClosed: "the order was paid too long ago",
    AboveAutoLimit: "it is for more than goes back without a person's word",
    TooManyRefunds: "the customer or the payment had too many refunds already",
    CustomerFlagged: "the customer has had many refunds or disputes",
    CustomerWarned: "orders of the customer expired unpaid again and again",
    CustomerRestricted: "what the customer may order is limited for a time",
    ReviewApproved: "a person approved it",
    ReviewRejected: "a person decided against it",
    RefundStopped: "a person stopped it before its provider was told",
    SecondApprovalNeeded: "it is so large that another person must approve it",
    ReviewOverdue: "nobody decided on it in time",
    RefundUnanswered: "the provider did not say in time what became of it",
    AlreadyDecided: "it had been decided before",
    DuplicateConflict: "the same request came before with another amount",
    MadeAtProvider: "it was made at the provider, without our command",
    UnknownRefund: "the refund is none of ours",
    WithinLimits: "it is small and rare enough to need no person's word",
    RefundFailed: "a refund did not work, of money that may not stay",
    MoneyToReturn: "money that may not stay can go back now, but not by itself",
    RefundReversed: "a refund that had succeeded came back",
    UnknownPayment: "it names a payment that is not the order's",
    AlreadyRefunded: "the disputed payment had been refunded already",
    DeadlineNear: "the deadline for evidence is near",
    DeadlineMissed: "the deadline for evidence has passed",
    EvidenceSubmitted: "the evidence is handed in as its submitter wants it",
    MediationOverdue: "nobody answered the inquiry in time",
    MediatedForBuyer: "the shop's mediators decided the inquiry for the buyer",
    MediatedForSeller: "the shop's mediators decided the inquiry for the seller",
    PastDue: "the evidence came after its deadline",
    AlreadySubmitted: "evidence had been handed in before, in this stage",
    NoResponsePossible: "this kind of dispute cannot be answered",
    NotWorthAnAnswer: "it is about less than an answer costs",
    UnappliedOverdue: "nobody decided in time on money that fits no order",
    IllegalTransition: "it would follow a status that it cannot follow",
    AmountOutOfRange: "a sum is larger than any amount that is accepted",
    PaymentTimeout: "its payment window ended without the money",
    FullyRefunded: "all that paid it is back with the buyer",
    CancelRequested: "somebody asked for its cancellation",
}

/// What a policy decides, as a question.
pub(super) fn question(policy: PolicyKind) -> &'static str {
    match policy {
        PolicyKind::Cancellation => "May the paid order be called off?",
        PolicyKind::CustomerLimit => "Did orders of the customer expire unpaid too often?",
        PolicyKind::CustomerRisk => "Are the customer's refunds or disputes too many?",
        PolicyKind::DisputeAnswer => "Is the dispute worth an answer?",
        PolicyKind::DisputeDeadline => "What is due for the dispute?",
        PolicyKind::DisputeMediation => "Whom was the inquiry decided for?",
        PolicyKind::LateMoney => "What becomes of money that came late, or is a little short?",
        PolicyKind::Notification => "Is the notification sent?",
        PolicyKind::PaymentHold => "Does expiry wait for a payment under way?",
        PolicyKind::PaymentReminder => "Is the buyer reminded?",
        PolicyKind::RefundApproval => "Does the refund need a person?",
        PolicyKind::RefundReview => "Is the person's word enough for the refund?",
        PolicyKind::UnappliedMoney => "What becomes of money that fits no order?",
    }
}

/// Why money is kept beside the order, as a clause that follows "because".
pub(super) fn kept_apart(cause: UnappliedCause) -> &'static str {
    match cause {
        UnappliedCause::Orphan => "its order is not known",
        UnappliedCause::CurrencyMismatch => "its currency is not the order's",
        UnappliedCause::MerchantMismatch => "it is of another merchant than the order",
        UnappliedCause::FactConflict => "it was reported before with another amount",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::Status as _;

    use super::*;

    /// A clause fits after "because": it begins small, and the sentence around it ends it.
    fn is_clause(words: &str) -> bool {
        words.starts_with(char::is_lowercase) && !words.ends_with(['.', '?', ' '])
    }

    #[test]
    fn every_code_has_a_clause_of_its_own() {
        let clauses: BTreeSet<_> = OutcomeCode::ALL.iter().map(|code| reason(*code)).collect();
        assert_eq!(clauses.len(), OutcomeCode::ALL.len());
        for clause in clauses {
            assert!(is_clause(clause), "{clause}");
        }
    }

    #[test]
    fn every_policy_asks_a_question_of_its_own() {
        let asked: BTreeSet<_> = PolicyKind::ALL.iter().map(|policy| question(*policy)).collect();
        assert_eq!(asked.len(), PolicyKind::ALL.len());
        for question in asked {
            assert!(question.starts_with(char::is_uppercase) && question.ends_with('?'));
        }
    }

    #[test]
    fn every_cause_has_a_clause() {
        for cause in UnappliedCause::ALL {
            assert!(is_clause(kept_apart(*cause)));
        }
    }
}
