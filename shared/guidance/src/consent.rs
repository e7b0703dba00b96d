//! Whether a message may be sent, decided when it is sent and not when it was planned.

use std::fmt;

use contracts::Timestamp;

use crate::notification::Purpose;

/// What a customer agreed to, for purposes beyond the order itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// When it was given.
    pub granted_at: Timestamp,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
}

/// What is known of whoever would read the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    /// Whether the customer's personal data were erased (case 68): there is nobody to write to.
    pub erased: bool,
    /// What the customer agreed to; absent when nothing is known, or when it was refused.
    pub consent: Option<Consent>,
}

/// Why a message is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suppression {
    /// The customer's personal data were erased.
    RecipientErased,
    /// The customer never agreed to messages of this kind.
    ConsentMissing,
    /// The customer agreed once, and took it back.
    ConsentWithdrawn,
}

impl Suppression {
    /// Every reason.
    pub const ALL: [Suppression; 3] =
        [Self::RecipientErased, Self::ConsentMissing, Self::ConsentWithdrawn];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::RecipientErased => "recipient-erased",
            Self::ConsentMissing => "consent-missing",
            Self::ConsentWithdrawn => "consent-withdrawn",
        }
    }
}

impl fmt::Display for Suppression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Whether a message may be sent, by what is known at this moment.
///
/// What became of an order or its money is told without asking. Whoever agreed anew after a
/// withdrawal has agreed; of an agreement and a withdrawal of the same moment the latter counts.
///
/// # Errors
/// Why it may not be sent.
pub fn may_send(purpose: Purpose, recipient: &Recipient) -> Result<(), Suppression> {
    if recipient.erased {
        return Err(Suppression::RecipientErased);
    }
    match purpose {
        Purpose::Transactional => Ok(()),
        Purpose::RecoveryReminder | Purpose::Marketing => {
            let consent = recipient.consent.ok_or(Suppression::ConsentMissing)?;
            let withdrawn = consent.withdrawn_at.is_some_and(|at| at >= consent.granted_at);
            if withdrawn { Err(Suppression::ConsentWithdrawn) } else { Ok(()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ON_REQUEST: [Purpose; 2] = [Purpose::RecoveryReminder, Purpose::Marketing];

    fn day(days: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_hours(24 * days))
    }

    fn consenting(granted_at: Timestamp, withdrawn_at: Option<Timestamp>) -> Recipient {
        Recipient { erased: false, consent: Some(Consent { granted_at, withdrawn_at }) }
    }

    #[test]
    fn what_became_of_an_order_is_told_without_consent() {
        for recipient in [Recipient::default(), consenting(day(1), Some(day(2)))] {
            assert_eq!(may_send(Purpose::Transactional, &recipient), Ok(()));
        }
    }

    #[test]
    fn reminders_and_advertising_need_consent() {
        for purpose in ON_REQUEST {
            let unknown = Recipient::default();
            assert_eq!(may_send(purpose, &unknown), Err(Suppression::ConsentMissing));
            assert_eq!(may_send(purpose, &consenting(day(1), None)), Ok(()));
        }
    }

    #[test]
    fn consent_withdrawn_between_planning_and_sending_suppresses_the_message() {
        for purpose in ON_REQUEST {
            let planned = consenting(day(1), None);
            assert_eq!(may_send(purpose, &planned), Ok(()));
            let sent = consenting(day(1), Some(day(2)));
            let suppression = may_send(purpose, &sent).unwrap_err();
            assert_eq!(suppression.to_string(), "consent-withdrawn");
        }
    }

    #[test]
    fn consent_given_anew_counts_and_a_tie_does_not() {
        for purpose in ON_REQUEST {
            assert_eq!(may_send(purpose, &consenting(day(3), Some(day(2)))), Ok(()));
            let tie = consenting(day(2), Some(day(2)));
            assert_eq!(may_send(purpose, &tie), Err(Suppression::ConsentWithdrawn));
        }
    }

    #[test]
    fn case_068_nobody_is_written_to_whose_data_were_erased() {
        for purpose in [Purpose::Transactional, Purpose::RecoveryReminder, Purpose::Marketing] {
            let erased = Recipient { erased: true, ..consenting(day(1), None) };
            assert_eq!(may_send(purpose, &erased), Err(Suppression::RecipientErased));
        }
    }

    #[test]
    fn no_two_reasons_share_a_code() {
        let codes: std::collections::BTreeSet<_> =
            Suppression::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Suppression::ALL.len());
    }
}
