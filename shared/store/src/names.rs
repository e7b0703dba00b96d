//! Stored names of the contracts' enums; the domain's own bring theirs along.

use contracts::events::{DisputeParty, DisputeReason, DisputeStage, PaymentMethod, RefundReason};

/// Declares a module with the stored name of each variant and the way back.
macro_rules! stored_names {
    ($(#[$doc:meta])* $module:ident: $type:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        pub(crate) mod $module {
            use super::$type;

            /// The stored name.
            pub(crate) fn name(value: $type) -> &'static str {
                match value { $($type::$variant => $text,)+ }
            }

            /// Reads a stored name.
            pub(crate) fn parse(name: &str) -> Option<$type> {
                match name { $($text => Some($type::$variant),)+ _ => None }
            }

            #[cfg(test)]
            pub(crate) const ALL: &[$type] = &[$($type::$variant,)+];
        }
    };
}

stored_names! {
    /// How the buyer means to pay.
    payment_method: PaymentMethod {
        Card = "card",
        Wallet = "wallet",
        BankTransfer = "bank_transfer",
        Other = "other",
    }
}

stored_names! {
    /// Why a refund is wanted.
    refund_reason: RefundReason {
        RequestedByCustomer = "requested_by_customer",
        Duplicate = "duplicate",
        Fraudulent = "fraudulent",
        NotReceived = "not_received",
        Defective = "defective",
        LatePayment = "late_payment",
        Overpaid = "overpaid",
        OrderCancelled = "order_cancelled",
        Goodwill = "goodwill",
    }
}

stored_names! {
    /// How far a dispute has gone.
    dispute_stage: DisputeStage {
        Inquiry = "inquiry",
        Chargeback = "chargeback",
        PreArbitration = "pre_arbitration",
        Arbitration = "arbitration",
    }
}

stored_names! {
    /// What the buyer says.
    dispute_reason: DisputeReason {
        Fraudulent = "fraudulent",
        ProductNotReceived = "product_not_received",
        ProductUnacceptable = "product_unacceptable",
        Duplicate = "duplicate",
        CreditNotProcessed = "credit_not_processed",
        SubscriptionCanceled = "subscription_canceled",
        Unrecognized = "unrecognized",
        IncorrectAmount = "incorrect_amount",
        General = "general",
    }
}

stored_names! {
    /// Whom a dispute was decided for.
    dispute_party: DisputeParty {
        Buyer = "buyer",
        Seller = "seller",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_are_the_names_on_the_wire() {
        fn check<T: serde::Serialize + Copy>(all: &[T], name: impl Fn(T) -> &'static str) {
            for value in all {
                assert_eq!(serde_json::json!(value), name(*value));
            }
        }
        check(payment_method::ALL, payment_method::name);
        check(refund_reason::ALL, refund_reason::name);
        check(dispute_stage::ALL, dispute_stage::name);
        check(dispute_reason::ALL, dispute_reason::name);
        check(dispute_party::ALL, dispute_party::name);
    }

    #[test]
    fn every_name_is_read_back() {
        for reason in refund_reason::ALL {
            assert_eq!(refund_reason::parse(refund_reason::name(*reason)), Some(*reason));
        }
        assert_eq!(refund_reason::parse("lost"), None);
    }
}
