//! What we announce and command; every message leaves through the outbox.

use contracts::events::{OrderLine, RefundReason};
use contracts::{
    AttemptId, DisputeId, FlagId, MessageId, Money, MoneyId, OrderId, ProviderRef, RefundId,
    Timestamp, Token,
};
use serde::Serialize;
use uuid::Uuid;

use crate::customer::{RestrictionLevel, RiskRule};
use crate::decision::OutcomeCode;
use crate::dispute::{Dispute, EscalationLevel};
use crate::notices::Notice;
use crate::order::CloseReason;
use crate::payment::Classification;
use crate::unapplied::{Resolution, UnappliedCause};

/// A message to send, in the transaction that causes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Stable over re-sends.
    pub id: MessageId,
    /// The order it is about.
    pub order_id: OrderId,
    /// When it was caused, by the database's clock.
    pub at: Timestamp,
    /// What it says.
    pub body: Body,
}

/// Declares the messages: variant, routing key, and whether a subscriber must exist.
macro_rules! messages {
    ($($(#[$doc:meta])* $variant:ident($name:literal, $kind:ident) {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    })+) => {
        /// What a message says; serialises to its data.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Body {
            $($(#[$doc])* $variant { $($(#[$field_doc])* $field: $type,)* },)+
        }

        impl Body {
            /// Every routing key there is, with whether it must reach a queue.
            pub const ROUTES: &'static [(&'static str, Routing)] = &[$(($name, Routing::$kind),)+];

            /// The routing key, such as `order.paid`.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name,)+ }
            }

            /// The CloudEvents `type`, such as `orderflow.order.paid.v1`.
            pub fn type_name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => concat!("orderflow.", $name, ".v1"),)+ }
            }

            /// Whether it must reach a queue.
            pub fn routing(&self) -> Routing {
                match self { $(Self::$variant { .. } => Routing::$kind,)+ }
            }
        }
    };
}

impl Body {
    /// That refund and chargeback of one payment exceed what it brought, by so much (case 70).
    pub fn double_loss(order_id: OrderId, dispute: &Dispute, excess: Money) -> Self {
        let (provider, provider_ref) = dispute.at_provider();
        Self::DisputeDoubleLossDetected {
            order_id,
            dispute_id: dispute.id,
            provider,
            provider_ref,
            attempt_id: dispute.attempt_id,
            excess,
        }
    }

    /// Whether it asks for money, so that it is not sent once that is there (case 21).
    pub fn holds_while_unpaid(&self) -> bool {
        matches!(self, Self::PaymentReminderDue { .. })
            || matches!(self, Self::NotificationRequested { notice, .. } if notice.while_unpaid)
    }
}

/// A refund that was made, or is on its way, as proof against a claim (cases 70 and 71).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefundProof {
    /// The refund.
    pub refund_id: RefundId,
    /// The provider's reference of it, once it said so.
    pub provider_ref: Option<ProviderRef>,
    /// How much.
    pub amount: Money,
    /// When the buyer had it; absent while it is on its way.
    pub settled_at: Option<Timestamp>,
}

/// Whether a message may go unheard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// Somebody must act on it: a returned one stays in the outbox and raises an alert.
    Command,
    /// May have no subscriber.
    Announcement,
}

messages! {
    /// The order is covered.
    OrderPaid("order.paid", Announcement) {
        /// The order.
        order_id: OrderId,
        /// Its total.
        total: Money,
        /// When it was covered.
        paid_at: Timestamp,
    }
    /// The payment window ended without the money.
    OrderExpired("order.expired", Announcement) {
        /// The order.
        order_id: OrderId,
        /// When the window ended.
        expires_at: Timestamp,
        /// What the customer may be told (complaint 4: a limit nobody knows of).
        reason: CloseReason,
    }
    /// The order was called off.
    OrderCancelled("order.cancelled", Announcement) {
        /// The order.
        order_id: OrderId,
        /// By whom.
        reason: CloseReason,
    }
    /// An order that had expired is paid after all, and has its stock again (case 87).
    OrderReinstated("order.reinstated", Announcement) {
        /// The order.
        order_id: OrderId,
        /// Its total.
        total: Money,
        /// When its window had ended.
        expires_at: Timestamp,
    }
    /// An attempt was declined or failed; the order still waits.
    OrderPaymentFailed("order.payment_failed", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The attempt.
        attempt_id: AttemptId,
        /// The provider's code.
        decline_code: Option<Token<64>>,
        /// The card network's code.
        network_code: Option<Token<16>>,
        /// The network's advice about another try.
        advice: Option<Token<64>>,
        /// In how many seconds the same means may be tried again; nothing when it never may.
        retry_after_s: Option<u64>,
        /// Until when another try is welcome.
        expires_at: Timestamp,
    }
    /// Set an expired order's stock aside again, and answer whether that is possible (case 87).
    InventoryReserveRequested("inventory.reserve_requested", Command) {
        /// The order.
        order_id: OrderId,
        /// The shop's reservation that was given back.
        reservation_id: Option<Token<64>>,
        /// What was bought.
        lines: Vec<OrderLine>,
        /// Until when an answer counts; without one the money goes back.
        reply_by: Timestamp,
    }
    /// Give the order's stock back; sent once for each reservation of it (case 86).
    InventoryReleaseRequested("inventory.release_requested", Command) {
        /// The order.
        order_id: OrderId,
        /// The shop's reservation.
        reservation_id: Option<Token<64>>,
        /// What was bought.
        lines: Vec<OrderLine>,
        /// Why.
        reason: CloseReason,
    }
    /// Remind the buyer to pay.
    PaymentReminderDue("payment.reminder_due", Announcement) {
        /// The order.
        order_id: OrderId,
        /// What is left to pay.
        amount: Money,
        /// Until when.
        expires_at: Timestamp,
        /// The buyer's language.
        locale: Option<Token<35>>,
    }
    /// Give an authorisation back.
    PaymentVoidRequested("payment.void_requested", Command) {
        /// The order.
        order_id: OrderId,
        /// The attempt.
        attempt_id: AttemptId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference.
        provider_ref: ProviderRef,
    }
    /// Ask the provider how an attempt stands (case 6).
    PaymentStatusCheckRequested("payment.status_check_requested", Command) {
        /// The order.
        order_id: OrderId,
        /// The attempt.
        attempt_id: AttemptId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference.
        provider_ref: ProviderRef,
    }
    /// Money came that the order cannot keep.
    PaymentAnomaly("payment.anomaly", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The attempt.
        attempt_id: AttemptId,
        /// What it is to the order.
        class: Classification,
        /// Why, in one code.
        code: OutcomeCode,
        /// How much may not stay; what a dispute has of it goes back only when it is won.
        excess: Money,
    }
    /// A refund will be made.
    RefundApproved("refund.approved", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The refund.
        refund_id: RefundId,
        /// How much.
        amount: Money,
        /// Why.
        reason: RefundReason,
        /// Whether the goods go back on the shelf, as the wish for it says (case 88).
        restock: Option<bool>,
    }
    /// A refund will not be made.
    RefundRejected("refund.rejected", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The request.
        request_key: Token<255>,
        /// Why not.
        code: OutcomeCode,
    }
    /// A person must decide on a refund.
    RefundReviewRequested("refund.review_requested", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The refund.
        refund_id: RefundId,
        /// How much.
        amount: Money,
        /// Which rule sent it to review.
        code: OutcomeCode,
    }
    /// Give money back, now.
    RefundExecute("refund.execute", Command) {
        /// The order.
        order_id: OrderId,
        /// The refund, and the idempotency key of every try (case 62).
        refund_id: RefundId,
        /// The attempt.
        attempt_id: AttemptId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the attempt.
        provider_ref: ProviderRef,
        /// How much.
        amount: Money,
    }
    /// The money is back with the buyer.
    RefundSucceeded("refund.succeeded", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The refund.
        refund_id: RefundId,
        /// How much.
        amount: Money,
    }
    /// A refund did not work, or came back (cases 63 and 64).
    RefundFailed("refund.failed", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The refund.
        refund_id: RefundId,
        /// How much.
        amount: Money,
        /// Whether it had been reported as a success before.
        reversed: bool,
    }
    /// A dispute is known to us.
    DisputeOpenedAck("dispute.opened_ack", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The dispute.
        dispute_id: DisputeId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        provider_ref: ProviderRef,
        /// How much is disputed.
        amount: Money,
        /// Stage and status.
        position: &'static str,
    }
    /// Evidence is wanted from the merchant.
    DisputeEvidenceRequested("dispute.evidence_requested", Command) {
        /// The order.
        order_id: OrderId,
        /// The dispute.
        dispute_id: DisputeId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        provider_ref: ProviderRef,
        /// Until when.
        due_at: Timestamp,
        /// What proves most against this claim.
        checklist: &'static [&'static str],
    }
    /// The deadline of a dispute comes nearer.
    DisputeDeadlineApproaching("dispute.deadline_approaching", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The dispute.
        dispute_id: DisputeId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        provider_ref: ProviderRef,
        /// Until when evidence is taken.
        due_at: Timestamp,
        /// How many hours are left.
        hours_left: u64,
        /// Who should see to it now.
        level: EscalationLevel,
    }
    /// Hand in what evidence there is.
    DisputeEvidenceSubmit("dispute.evidence_submit", Command) {
        /// The order.
        order_id: OrderId,
        /// The dispute.
        dispute_id: DisputeId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        provider_ref: ProviderRef,
        /// What to say for sure, such as that it was refunded already (case 71).
        code: OutcomeCode,
        /// What to hand in, by the shop's names for it; what is at hand when empty.
        evidence_refs: Vec<Token<64>>,
        /// The refunds of the disputed payment: the proof that the buyer has the money (case 70).
        refunds: Vec<RefundProof>,
    }
    /// A dispute needs somebody's eyes.
    DisputeEscalated("dispute.escalated", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The dispute.
        dispute_id: DisputeId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        provider_ref: ProviderRef,
        /// Why.
        code: OutcomeCode,
        /// Who should see to it now.
        level: EscalationLevel,
    }
    /// A dispute was decided for the merchant.
    DisputeWon("dispute.won", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The dispute.
        dispute_id: DisputeId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        provider_ref: ProviderRef,
        /// How much came back.
        amount: Money,
    }
    /// A dispute was decided for the buyer.
    DisputeLost("dispute.lost", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The dispute.
        dispute_id: DisputeId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        provider_ref: ProviderRef,
        /// How much is gone.
        amount: Money,
    }
    /// Refund and chargeback together exceed what was captured (case 70).
    DisputeDoubleLossDetected("dispute.double_loss_detected", Announcement) {
        /// The order.
        order_id: OrderId,
        /// The dispute.
        dispute_id: DisputeId,
        /// The payment provider.
        provider: Token<32>,
        /// The provider's reference of the dispute.
        provider_ref: ProviderRef,
        /// The attempt whose money is lost twice.
        attempt_id: AttemptId,
        /// By how much.
        excess: Money,
    }
    /// A customer has many refunds or disputes; refunds of theirs need a person now (policy 6).
    CustomerRiskFlagged("customer.risk_flagged", Announcement) {
        /// The order whose refund or dispute was one too many.
        order_id: OrderId,
        /// The customer, a pseudonym.
        customer_ref: Token<64>,
        /// The flag.
        flag_id: FlagId,
        /// Which rule.
        rule: RiskRule,
        /// The refunds or disputes that led to it.
        evidence: Vec<Uuid>,
        /// Until when, unless a person lifts it.
        expires_at: Timestamp,
    }
    /// Orders of a customer expired unpaid again and again; nothing is closed yet (policy 7).
    CustomerWarned("customer.warned", Announcement) {
        /// The order that expired last.
        order_id: OrderId,
        /// The customer, a pseudonym.
        customer_ref: Token<64>,
        /// How many count.
        unpaid: usize,
    }
    /// What a customer may order is limited for a time (policy 7).
    CustomerRestricted("customer.restricted", Announcement) {
        /// The order that expired last.
        order_id: OrderId,
        /// The customer, a pseudonym.
        customer_ref: Token<64>,
        /// How much is closed.
        level: RestrictionLevel,
        /// How many unpaid orders count.
        unpaid: usize,
        /// Until when, unless a person lifts it or another order expires.
        until: Timestamp,
    }
    /// A customer may order as before (policy 7).
    CustomerRestrictionLifted("customer.restriction_lifted", Announcement) {
        /// The order whose expiry had caused it.
        order_id: OrderId,
        /// The customer, a pseudonym.
        customer_ref: Token<64>,
        /// What was closed.
        level: RestrictionLevel,
    }
    /// It is settled what becomes of money that fitted no order.
    PaymentUnappliedResolved("payment.unapplied_resolved", Announcement) {
        /// The order that the money's report names.
        order_id: OrderId,
        /// The money.
        money_id: MoneyId,
        /// How much.
        amount: Money,
        /// Why it fitted no order.
        cause: UnappliedCause,
        /// What becomes of it.
        resolution: Resolution,
    }
    /// Tell somebody something, as it is written here.
    NotificationRequested("notification.requested", Announcement) {
        /// The order.
        order_id: OrderId,
        /// What to tell, to whom, how and until when.
        #[serde(flatten)]
        notice: Box<Notice>,
    }
    /// A person must look into something.
    OpsCaseOpened("ops.case_opened", Announcement) {
        /// The order, as claimed.
        order_id: OrderId,
        /// What it is about.
        code: OutcomeCode,
        /// What to look up: a provider's reference or an id of ours.
        reference: String,
    }
}
