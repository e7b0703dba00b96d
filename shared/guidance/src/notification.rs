//! What we tell people: one variant per template, with its typed parameters.

use contracts::events::PaymentMethod;
use contracts::{Money, OrderId, Timestamp};
use serde::Serialize;

use crate::format::{PayLink, Shown, Value};

/// Who reads a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Who bought.
    Customer,
    /// Who sells.
    Merchant,
}

/// What a notification is for; decides whether its reader must have agreed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// It tells what became of an order or of its money.
    Transactional,
    /// It asks somebody who has not paid to come back and pay.
    RecoveryReminder,
    /// It advertises.
    Marketing,
}

/// What a template is called, who reads it, and what it is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name in the template files and in messages, such as `order-paid`.
    pub id: &'static str,
    /// Who reads it.
    pub audience: Audience,
    /// What it is for.
    pub purpose: Purpose,
    /// What it is filled with.
    pub parameters: &'static [Parameter],
}

/// What a template is filled with: `$amount` and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, without the dollar sign.
    pub name: &'static str,
    /// What it is, in a word for whoever writes templates.
    pub kind: &'static str,
}

/// Declares the notifications: variant, template id, audience, purpose and parameters.
macro_rules! notifications {
    ($($(#[$doc:meta])* $variant:ident($id:literal, $audience:ident, $purpose:ident) {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    })+) => {
        /// Something to tell somebody; serialises to its parameters.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Notification {
            $($(#[$doc])* $variant { $($(#[$field_doc])* $field: $type,)* },)+
        }

        /// Every template there is; each locale has all of them.
        pub const TEMPLATES: &[Template] = &[$(Template {
            id: $id,
            audience: Audience::$audience,
            purpose: Purpose::$purpose,
            parameters: &[$(Parameter {
                name: stringify!($field),
                kind: <$type as Value>::KIND,
            },)*],
        },)+];

        impl Notification {
            /// The name of its template, such as `order-paid`.
            pub fn template_id(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $id,)+ }
            }

            /// Who reads it.
            pub fn audience(&self) -> Audience {
                match self { $(Self::$variant { .. } => Audience::$audience,)+ }
            }

            /// What it is for.
            pub fn purpose(&self) -> Purpose {
                match self { $(Self::$variant { .. } => Purpose::$purpose,)+ }
            }

            /// Its parameters, by name.
            pub(crate) fn values(&self) -> Vec<(&'static str, Shown)> {
                match self {
                    $(Self::$variant { $($field,)* } => {
                        vec![$((stringify!($field), $field.shown()),)*]
                    })+
                }
            }

            /// One of each, filled with the longest values there are.
            pub(crate) fn samples() -> Vec<Self> {
                vec![$(Self::$variant { $($field: <$type as Value>::sample(),)* },)+]
            }
        }
    };
}

notifications! {
    /// Money is still awaited.
    PaymentReminder("payment-reminder", Customer, RecoveryReminder) {
        /// The order.
        order: OrderId,
        /// What is left to pay.
        amount: Money,
        /// Until when.
        expires_at: Timestamp,
        /// Where, if the shop says so.
        pay_link: Option<PayLink>,
        /// By which other method, of those the shop takes.
        other_method: Option<PaymentMethod>,
    }
    /// A payment is under way: whoever pays again pays twice.
    PaymentConfirming("payment-confirming", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much is under way.
        amount: Money,
    }
    /// A payment was declined, for a reason that is unknown or not for the customer.
    PaymentDeclined("payment-declined", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// What is left to pay.
        amount: Money,
        /// Until when another try is welcome.
        expires_at: Timestamp,
    }
    /// A payment was declined; the same may work now.
    PaymentDeclinedTryAgain("payment-declined-try-again", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// What is left to pay.
        amount: Money,
        /// Until when another try is welcome.
        expires_at: Timestamp,
    }
    /// A payment was declined; the same may work later.
    PaymentDeclinedTryLater("payment-declined-try-later", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// What is left to pay.
        amount: Money,
        /// Until when another try is welcome.
        expires_at: Timestamp,
    }
    /// A payment was declined because of what was typed in.
    PaymentDeclinedCheckDetails("payment-declined-check-details", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// What is left to pay.
        amount: Money,
        /// Until when another try is welcome.
        expires_at: Timestamp,
    }
    /// A payment was declined because there was not enough money, or a limit was met.
    PaymentDeclinedCheckFunds("payment-declined-check-funds", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// What is left to pay.
        amount: Money,
        /// Until when another try is welcome.
        expires_at: Timestamp,
    }
    /// A payment was declined until the customer confirms it with the bank.
    PaymentDeclinedConfirm("payment-declined-confirm", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// What is left to pay.
        amount: Money,
        /// Until when another try is welcome.
        expires_at: Timestamp,
    }
    /// A payment was declined, and will be whenever it is made in the same way.
    PaymentDeclinedOtherMethod("payment-declined-other-method", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// What is left to pay.
        amount: Money,
        /// Until when another try is welcome.
        expires_at: Timestamp,
    }
    /// Some of the money came.
    PaymentPartial("payment-partial", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// What came.
        paid: Money,
        /// What is left to pay.
        amount: Money,
        /// Until when.
        expires_at: Timestamp,
    }
    /// Money came after the order was closed and goes back.
    LatePaymentRefunded("late-payment-refunded", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much goes back.
        amount: Money,
    }
    /// An order was paid twice and the second payment goes back.
    DuplicatePaymentRefunded("duplicate-payment-refunded", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much goes back.
        amount: Money,
    }
    /// More came than was asked and the rest goes back.
    OverpaymentRefunded("overpayment-refunded", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much goes back.
        amount: Money,
    }
    /// The customer's bank examines a payment.
    PaymentDisputed("payment-disputed", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much is disputed.
        amount: Money,
    }
    /// The order is covered.
    OrderPaid("order-paid", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// Its total.
        amount: Money,
    }
    /// An expired order was paid after all, and is kept.
    OrderReinstated("order-reinstated", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// Its total.
        amount: Money,
    }
    /// The payment window ended without the money.
    OrderExpired("order-expired", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// Its total.
        amount: Money,
        /// When the window ended.
        expires_at: Timestamp,
    }
    /// The order was called off; by whom and why stays with us.
    OrderCancelled("order-cancelled", Customer, Transactional) {
        /// The order.
        order: OrderId,
    }
    /// The order waits until we have confirmed something.
    OrderOnHold("order-on-hold", Customer, Transactional) {
        /// The order.
        order: OrderId,
    }
    /// A refund will be made.
    RefundApproved("refund-approved", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much.
        amount: Money,
    }
    /// A person decides on a refund.
    RefundUnderReview("refund-under-review", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much.
        amount: Money,
    }
    /// The payment provider works on a refund.
    RefundSent("refund-sent", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much.
        amount: Money,
    }
    /// The money is on its way to the account.
    RefundSucceeded("refund-succeeded", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much.
        amount: Money,
    }
    /// A refund did not work, or came back.
    RefundFailed("refund-failed", Customer, Transactional) {
        /// The order.
        order: OrderId,
        /// How much.
        amount: Money,
    }
    /// A refund will not be made, for a reason that needs a person to explain.
    RefundRejected("refund-rejected", Customer, Transactional) {
        /// The order.
        order: OrderId,
    }
    /// A refund is for more than is left.
    RefundRejectedAmount("refund-rejected-amount", Customer, Transactional) {
        /// The order.
        order: OrderId,
    }
    /// A refund is for an order that nothing was paid for.
    RefundRejectedNothingPaid("refund-rejected-nothing-paid", Customer, Transactional) {
        /// The order.
        order: OrderId,
    }
    /// A refund is for money that the customer's bank examines.
    RefundRejectedDisputed("refund-rejected-disputed", Customer, Transactional) {
        /// The order.
        order: OrderId,
    }
    /// A refund was asked for too late.
    RefundRejectedWindow("refund-rejected-window", Customer, Transactional) {
        /// The order.
        order: OrderId,
    }
    /// A customer disputes a payment, and the merchant may answer.
    DisputeOpened("dispute-opened", Merchant, Transactional) {
        /// The order.
        order: OrderId,
        /// How much is disputed.
        amount: Money,
        /// Until when evidence is taken.
        evidence_due_at: Timestamp,
    }
    /// A customer disputes a payment, and nobody may answer.
    DisputeOpenedNoResponse("dispute-opened-no-response", Merchant, Transactional) {
        /// The order.
        order: OrderId,
        /// How much is disputed.
        amount: Money,
    }
    /// Evidence is due soon.
    DisputeDeadlineNear("dispute-deadline-near", Merchant, Transactional) {
        /// The order.
        order: OrderId,
        /// How much is disputed.
        amount: Money,
        /// Until when evidence is taken.
        evidence_due_at: Timestamp,
        /// How many hours are left.
        hours_left: u32,
    }
    /// A dispute was handed to the next level.
    DisputeEscalated("dispute-escalated", Merchant, Transactional) {
        /// The order.
        order: OrderId,
        /// How much is disputed.
        amount: Money,
    }
    /// A dispute was decided for the merchant.
    DisputeWon("dispute-won", Merchant, Transactional) {
        /// The order.
        order: OrderId,
        /// How much came back.
        amount: Money,
    }
    /// A dispute was decided for the customer.
    DisputeLost("dispute-lost", Merchant, Transactional) {
        /// The order.
        order: OrderId,
        /// How much is gone.
        amount: Money,
    }
    /// A customer left too many orders unpaid.
    CustomerRestricted("customer-restricted", Customer, Transactional) {
        /// Until when.
        until: Timestamp,
    }
    /// A customer may order as before.
    CustomerRestrictionLifted("customer-restriction-lifted", Customer, Transactional) {}
}

/// Why a refund will not be made, as far as the customer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundRefusal {
    /// It is for more than is left.
    Amount,
    /// Nothing was paid.
    NothingPaid,
    /// The customer's bank examines the payment.
    Disputed,
    /// It was asked for too late.
    Window,
    /// A person must explain it.
    Other,
}

impl RefundRefusal {
    /// The class of a code such as `exceeds-refundable`; what is not known needs a person.
    pub fn of_code(code: &str) -> Self {
        match code {
            "exceeds-refundable" => Self::Amount,
            "nothing-captured" | "converted-to-void" => Self::NothingPaid,
            "disputed" => Self::Disputed,
            "window-closed" => Self::Window,
            _ => Self::Other,
        }
    }

    /// What the customer is told.
    pub fn notification(self, order: OrderId) -> Notification {
        match self {
            Self::Amount => Notification::RefundRejectedAmount { order },
            Self::NothingPaid => Notification::RefundRejectedNothingPaid { order },
            Self::Disputed => Notification::RefundRejectedDisputed { order },
            Self::Window => Notification::RefundRejectedWindow { order },
            Self::Other => Notification::RefundRejected { order },
        }
    }
}
