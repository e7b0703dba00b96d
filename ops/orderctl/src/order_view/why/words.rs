//! The codes of rules and policies in words: what follows "because".

use domain::OutcomeCode;
use domain::judgement::PolicyKind;
use domain::unapplied::UnappliedCause;

/// Why, as a clause that follows "because".
pub(super) fn reason(code: OutcomeCode) -> &'static str {
    match code {
        OutcomeCode::AlreadyPaid => "the order is paid already",
        OutcomeCode::AlreadyClosed => "the order is closed already",
        OutcomeCode::AlreadyOpen => "the order is known already in this or a later revision",
        OutcomeCode::AmountChanged => {
            "a later revision named another total while a payment was under way"
        }
        OutcomeCode::NotDue => "the timer came before its time",
        OutcomeCode::TimerFired => "the timer had fired before",
        OutcomeCode::StaleGeneration => "the timer was armed anew since",
        OutcomeCode::HeldForPayment => "a payment is under way, for which expiry waits",
        OutcomeCode::HoldExhausted => {
            "its payment window ended, and a payment under way was not decided in the time that \
             expiry waits for it"
        }
        OutcomeCode::ReminderSuppressed => "a reminder makes no sense any more",
        OutcomeCode::StaleRank => "a later state of the payment is known already",
        OutcomeCode::Stale => "a later stage or status of the dispute is known already",
        OutcomeCode::DuplicateFact => "another event reported the same before",
        OutcomeCode::FactConflict => "another event reported the same with another amount",
        OutcomeCode::IdReuse => "an earlier event has the same source and id, but another body",
        OutcomeCode::MerchantMismatch => "it names another merchant than the order does",
        OutcomeCode::CurrencyMismatch => "its currency is not the order's",
        OutcomeCode::AwaitingParent => "the order, payment or dispute it belongs to is not known",
        OutcomeCode::Orphaned => "the order, payment or dispute it belongs to never came",
        OutcomeCode::LatePayment => "the money came after the payment window had ended",
        OutcomeCode::LateNotification => "the money came in time, but was reported too late",
        OutcomeCode::DuplicatePayment => "the order was paid already when more money came for it",
        OutcomeCode::Overpaid => "more money came than was asked for",
        OutcomeCode::CaptureFailed => "a capture that was reported earlier failed after all",
        OutcomeCode::OverCapture => "more was captured than had been authorised",
        OutcomeCode::ClockSkew => "the sender's clock is too far ahead of ours",
        OutcomeCode::ExceedsRefundable => "it asks for more than is left to refund",
        OutcomeCode::NothingCaptured => "nothing was paid that could go back",
        OutcomeCode::ConvertedToVoid => {
            "the money was only authorised, and is given back by a void instead"
        }
        OutcomeCode::Disputed => "the payment is disputed, and its money would go back twice",
        OutcomeCode::WindowClosed => "the order was paid too long ago",
        OutcomeCode::AboveAutoLimit => "it is for more than goes back without a person's word",
        OutcomeCode::TooManyRefunds => "the customer or the payment had too many refunds already",
        OutcomeCode::ReviewApproved => "a person approved it",
        OutcomeCode::ReviewRejected => "a person decided against it",
        OutcomeCode::SecondApprovalNeeded => "it is so large that another person must approve it",
        OutcomeCode::ReviewOverdue => "nobody decided on it in time",
        OutcomeCode::AlreadyDecided => "it had been decided before",
        OutcomeCode::DuplicateConflict => "the same request came before with another amount",
        OutcomeCode::UnknownRefund => "the refund is none of ours",
        OutcomeCode::WithinLimits => "it is small and rare enough to need no person's word",
        OutcomeCode::RefundFailed => "a refund did not work, of money that may not stay",
        OutcomeCode::MoneyToReturn => "money that may not stay can go back now, but not by itself",
        OutcomeCode::RefundReversed => "a refund that had succeeded came back",
        OutcomeCode::UnknownPayment => "it names a payment that is not the order's",
        OutcomeCode::AlreadyRefunded => "the disputed payment had been refunded already",
        OutcomeCode::DeadlineNear => "the deadline for evidence is near",
        OutcomeCode::DeadlineMissed => "the deadline for evidence has passed",
        OutcomeCode::NoResponsePossible => "this kind of dispute cannot be answered",
        OutcomeCode::NotWorthAnAnswer => "it is about less than an answer costs",
        OutcomeCode::UnappliedOverdue => "nobody decided in time on money that fits no order",
        OutcomeCode::IllegalTransition => "it would follow a status that it cannot follow",
        OutcomeCode::AmountOutOfRange => "a sum is larger than any amount that is accepted",
        OutcomeCode::PaymentTimeout => "its payment window ended without the money",
        OutcomeCode::CancelRequested => "somebody asked for its cancellation",
    }
}

/// What a policy decides, as a question.
pub(super) fn question(policy: PolicyKind) -> &'static str {
    match policy {
        PolicyKind::DisputeAnswer => "Is the dispute worth an answer?",
        PolicyKind::PaymentHold => "Does expiry wait for a payment under way?",
        PolicyKind::RefundApproval => "Does the refund need a person?",
        PolicyKind::RefundReview => "Is the person's word enough for the refund?",
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
