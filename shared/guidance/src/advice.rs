//! What support tells a customer next, by how the order stands.

use contracts::{Money, OrderId, Timestamp};

use crate::decline::Guidance;
use crate::notification::{Notification, RefundRefusal};

/// How an order stands, as far as its customer is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The order.
    pub order: OrderId,
    /// What is to be paid.
    pub total: Money,
    /// What was paid for it, in the same currency.
    pub paid: Money,
    /// Where it stands.
    pub standing: Standing,
    /// How its latest payment went; absent when there is none, or when it brought its money.
    pub payment: Option<Payment>,
    /// Its latest refund.
    pub refund: Option<Refund>,
    /// How much of its money the customer's bank examines.
    pub disputed: Option<Money>,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for its money.
    Pending {
        /// Until when.
        expires_at: Timestamp,
    },
    /// It is covered.
    Paid,
    /// It was not paid in time.
    Expired {
        /// When its time was over.
        expires_at: Timestamp,
    },
    /// It was called off.
    Cancelled,
}

/// How a payment without money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// The provider has not decided yet.
    Confirming,
    /// Its facts contradict each other; a person looks into it.
    UnderReview,
    /// It was declined.
    Declined(Guidance),
}

/// Money that goes back, or is wanted back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// How much.
    pub amount: Money,
    /// Why.
    pub cause: RefundCause,
    /// How far it is.
    pub progress: RefundProgress,
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundCause {
    /// Somebody asked for it.
    Wanted,
    /// It came after the order was closed.
    Late,
    /// The order was already paid.
    Duplicate,
    /// It was more than asked.
    Overpaid,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundProgress {
    /// A person decides.
    UnderReview,
    /// It will not be made.
    Rejected(RefundRefusal),
    /// It will be made.
    Approved,
    /// The provider works on it.
    Sent,
    /// The money is on its way to the account.
    Succeeded,
    /// It did not work, or came back.
    Failed,
}

/// What to tell the customer, and what support should know beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What the customer is told: render it in the order's locale.
    pub notification: Notification,
    /// What support should know, in English; not for the customer's eyes.
    pub support_hint: &'static str,
}

/// What to tell the customer next.
///
/// A dispute comes first, since nothing else can be done meanwhile. An order that waits for money
/// is about its payment, and any other about its latest refund; without one, about itself.
pub fn advise(situation: &Situation) -> Advice {
    let Situation { order, total, standing, .. } = *situation;
    if let Some(amount) = situation.disputed {
        return Advice {
            notification: Notification::PaymentDisputed { order, amount },
            support_hint: "Do not refund what is disputed: it would go back twice. See that the \
                           evidence is handed in by its deadline.",
        };
    }
    match (standing, situation.refund) {
        (Standing::Pending { expires_at }, _) => awaiting(situation, expires_at),
        (Standing::Paid | Standing::Expired { .. } | Standing::Cancelled, Some(refund)) => {
            refunding(order, refund)
        }
        (Standing::Paid, None) => Advice {
            notification: Notification::OrderPaid { order, amount: total },
            support_hint: "The order is covered. Nothing is to be done about its payment.",
        },
        (Standing::Expired { expires_at }, None) => Advice {
            notification: Notification::OrderExpired { order, amount: total, expires_at },
            support_hint: "Money that still comes goes back by itself. The customer can order \
                           anew.",
        },
        (Standing::Cancelled, None) => Advice {
            notification: Notification::OrderCancelled { order },
            support_hint: "Money that still comes goes back by itself. Do not say who cancelled: \
                           it may have been a fraud check.",
        },
    }
}

/// About an order that waits for money.
fn awaiting(situation: &Situation, expires_at: Timestamp) -> Advice {
    let Situation { order, total, paid, .. } = *situation;
    // Both are in the order's currency; if they were not, nothing that came would count.
    let amount = total.saturating_sub(paid).unwrap_or(total);
    match situation.payment {
        Some(Payment::Confirming) => Advice {
            notification: Notification::PaymentConfirming { order, amount },
            support_hint: "A payment is under way. Whoever pays again now pays twice: wait for \
                           the provider.",
        },
        Some(Payment::UnderReview) => Advice {
            notification: Notification::OrderOnHold { order },
            support_hint: "What the provider reports about a payment contradicts itself. A person \
                           must look into it before anything is promised.",
        },
        Some(Payment::Declined(guidance)) => Advice {
            notification: guidance.message.notification(order, amount, expires_at),
            support_hint: guidance.support_hint,
        },
        None if paid.is_zero() => Advice {
            notification: Notification::PaymentReminder {
                order,
                amount,
                expires_at,
                pay_link: None,
                other_method: None,
            },
            support_hint: "No payment was tried yet.",
        },
        None => Advice {
            notification: Notification::PaymentPartial { order, paid, amount, expires_at },
            support_hint: "If the rest does not come in time, what was paid goes back by itself.",
        },
    }
}

/// About money that goes back.
fn refunding(order: OrderId, refund: Refund) -> Advice {
    let Refund { amount, cause, progress } = refund;
    match progress {
        RefundProgress::UnderReview => Advice {
            notification: Notification::RefundUnderReview { order, amount },
            support_hint: "A person decides. Promise neither the refund nor a day.",
        },
        RefundProgress::Rejected(refusal) => Advice {
            notification: refusal.notification(order),
            support_hint: "The code beside the refund says which rule refused it. A wish that was \
                           refused can be made again, under a new key.",
        },
        RefundProgress::Approved => Advice {
            notification: going_back(order, amount, cause),
            support_hint: "It was decided, and goes to the provider by itself.",
        },
        RefundProgress::Sent => Advice {
            notification: Notification::RefundSent { order, amount },
            support_hint: "The provider works on it. Do not refund again: it would go back twice.",
        },
        RefundProgress::Succeeded => Advice {
            notification: Notification::RefundSucceeded { order, amount },
            support_hint: "The bank may take days to show it. It finds the money by the acquirer's \
                           reference, which the provider knows.",
        },
        RefundProgress::Failed => Advice {
            notification: Notification::RefundFailed { order, amount },
            support_hint: "It is not tried again by itself. Ask the customer for another way, and \
                           refund under a new key.",
        },
    }
}

/// What is said of money that was ordered back.
fn going_back(order: OrderId, amount: Money, cause: RefundCause) -> Notification {
    match cause {
        RefundCause::Wanted => Notification::RefundApproved { order, amount },
        RefundCause::Late => Notification::LatePaymentRefunded { order, amount },
        RefundCause::Duplicate => Notification::DuplicatePaymentRefunded { order, amount },
        RefundCause::Overpaid => Notification::OverpaymentRefunded { order, amount },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decline::{Codes, guidance};

    fn euros(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    const DEADLINE: Timestamp = Timestamp::EPOCH;

    fn pending() -> Situation {
        Situation {
            order: "0190b2f4-5f6e-7a3b-8c1d-2e3f4a5b6c7d".parse().unwrap(),
            total: euros(10_000),
            paid: euros(0),
            standing: Standing::Pending { expires_at: DEADLINE },
            payment: None,
            refund: None,
            disputed: None,
        }
    }

    fn template(situation: &Situation) -> &'static str {
        advise(situation).notification.template_id()
    }

    #[test]
    fn an_order_that_waits_is_about_its_payment() {
        let order = pending().order;
        let (paid, amount, expires_at) = (euros(4_000), euros(6_000), DEADLINE);
        assert_eq!(template(&pending()), "payment-reminder");
        let partly = Situation { paid, ..pending() };
        let expected = Notification::PaymentPartial { order, paid, amount, expires_at };
        assert_eq!(advise(&partly).notification, expected);

        let confirming = Situation { payment: Some(Payment::Confirming), ..partly };
        let expected = Notification::PaymentConfirming { order, amount };
        assert_eq!(advise(&confirming).notification, expected);
        let unclear = Situation { payment: Some(Payment::UnderReview), ..pending() };
        assert_eq!(template(&unclear), "order-on-hold");
    }

    #[test]
    fn a_decline_is_told_by_its_guidance() {
        for (code, id) in [
            ("insufficient_funds", "payment-declined-check-funds"),
            ("authentication_required", "payment-declined-confirm"),
            ("stolen_card", "payment-declined"),
        ] {
            let guidance = guidance(Codes { code: Some(code), ..Codes::default() });
            let payment = Some(Payment::Declined(guidance));
            let advice = advise(&Situation { payment, ..pending() });
            assert_eq!(advice.notification.template_id(), id);
            assert_eq!(advice.support_hint, guidance.support_hint);
        }
    }

    #[test]
    fn an_order_that_is_decided_is_about_itself() {
        for (standing, id) in [
            (Standing::Paid, "order-paid"),
            (Standing::Expired { expires_at: DEADLINE }, "order-expired"),
            (Standing::Cancelled, "order-cancelled"),
        ] {
            assert_eq!(template(&Situation { standing, ..pending() }), id);
        }
    }

    #[test]
    fn a_refund_is_told_by_how_far_it_is_and_why_it_goes_back() {
        use RefundCause::{Duplicate, Late, Overpaid, Wanted};
        use RefundProgress::{Approved, Failed, Rejected, Sent, Succeeded, UnderReview};
        for (cause, progress, id) in [
            (Wanted, UnderReview, "refund-under-review"),
            (Wanted, Rejected(RefundRefusal::Amount), "refund-rejected-amount"),
            (Wanted, Rejected(RefundRefusal::NothingPaid), "refund-rejected-nothing-paid"),
            (Wanted, Rejected(RefundRefusal::Disputed), "refund-rejected-disputed"),
            (Wanted, Rejected(RefundRefusal::Window), "refund-rejected-window"),
            (Wanted, Rejected(RefundRefusal::Other), "refund-rejected"),
            (Wanted, Approved, "refund-approved"),
            (Late, Approved, "late-payment-refunded"),
            (Duplicate, Approved, "duplicate-payment-refunded"),
            (Overpaid, Approved, "overpayment-refunded"),
            (Late, Sent, "refund-sent"),
            (Duplicate, Succeeded, "refund-succeeded"),
            (Overpaid, Failed, "refund-failed"),
        ] {
            let refund = Some(Refund { amount: euros(1), cause, progress });
            let expired = Standing::Expired { expires_at: DEADLINE };
            for standing in [Standing::Paid, expired, Standing::Cancelled] {
                assert_eq!(template(&Situation { standing, refund, ..pending() }), id);
            }
            assert_eq!(template(&Situation { refund, ..pending() }), "payment-reminder");
        }
    }

    #[test]
    fn a_dispute_comes_before_everything_else() {
        let refund = Refund {
            amount: euros(1),
            cause: RefundCause::Wanted,
            progress: RefundProgress::Succeeded,
        };
        let disputed = Situation {
            standing: Standing::Paid,
            refund: Some(refund),
            payment: Some(Payment::Confirming),
            disputed: Some(euros(500)),
            ..pending()
        };
        let expected = Notification::PaymentDisputed { order: disputed.order, amount: euros(500) };
        assert_eq!(advise(&disputed).notification, expected);
    }

    #[test]
    fn refusals_are_told_by_the_codes_of_the_rules() {
        for (code, refusal) in [
            ("exceeds-refundable", RefundRefusal::Amount),
            ("nothing-captured", RefundRefusal::NothingPaid),
            ("disputed", RefundRefusal::Disputed),
            ("window-closed", RefundRefusal::Window),
            ("too-many-refunds", RefundRefusal::Other),
            ("", RefundRefusal::Other),
        ] {
            assert_eq!(RefundRefusal::of_code(code), refusal, "{code}");
        }
    }
}
