//! Money that fits no order: kept beside it until it is applied, given back or written off.

use contracts::{AttemptId, Money, MoneyId, OrderId, ProviderRef, RefundId, Timestamp, Token};

use crate::decision::OutcomeCode;
use crate::ledger::Transfer;
use crate::refund::RefundStatus;
use crate::status::named;

named! {
    /// Why money fits no order.
    pub enum UnappliedCause {
        /// Its order never came.
        Orphan = "orphan",
        /// It is in another currency than its order.
        CurrencyMismatch = "currency_mismatch",
        /// It names another merchant than its order.
        MerchantMismatch = "merchant_mismatch",
        /// It contradicts a report of the same fact.
        FactConflict = "fact_conflict",
    }
}

named! {
    /// What became of money that fitted no order.
    pub enum Resolution {
        /// Its order came, and has it.
        Applied = "applied",
        /// It goes back to the buyer; open again when that fails.
        Refunded = "refunded",
        /// The provider does not have it, or settled it outside of the books.
        WrittenOff = "written_off",
    }
}

named! {
    /// What a person wants to become of money that fits no order.
    pub enum MoneyDecision {
        /// It goes back to the buyer.
        Refund = "refund",
        /// The provider does not have it, or settled it outside of the books.
        WriteOff = "write_off",
    }
}

/// Money that a provider took and that fits no order; booked to suspense in its own currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnappliedMoney {
    /// Its own id, and the subject of its ledger.
    pub id: MoneyId,
    /// The payment provider.
    pub provider: Token<32>,
    /// The provider's reference of the capture; with `provider` and `cause` unique.
    pub capture_ref: ProviderRef,
    /// The order that the report names; its lock guards the money, too.
    pub claimed_order: OrderId,
    /// The attempt that the report names.
    pub attempt_id: AttemptId,
    /// The provider's reference of the attempt.
    pub provider_ref: ProviderRef,
    /// The merchant that the report names.
    pub merchant_id: Option<Token<64>>,
    /// How much.
    pub amount: Money,
    /// Why it fits no order.
    pub cause: UnappliedCause,
    /// When it happened at the provider.
    pub occurred_at: Timestamp,
    /// When it was recorded, by the database's clock.
    pub recorded_at: Timestamp,
    /// What a person decided; only people write it, and a refund that failed uses it up.
    pub decision: Option<MoneyDecision>,
    /// When they decided it, by the database's clock.
    pub decided_at: Option<Timestamp>,
    /// Since when a dispute waits for its order or payment: the buyer may have it back already.
    pub disputed_since: Option<Timestamp>,
    /// The latest try to give it back.
    pub refund: Option<MoneyRefund>,
    /// What became of it, if that is settled.
    pub resolved: Option<Resolved>,
    /// How many transfers its ledger has.
    pub ledger_len: i32,
}

/// What became of money, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// What.
    pub resolution: Resolution,
    /// Since when, by the database's clock.
    pub at: Timestamp,
}

/// A try to give money back that no order has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyRefund {
    /// The refund; also the idempotency key at the provider.
    pub id: RefundId,
    /// Where it stands.
    pub status: RefundStatus,
    /// That it was taken back after it had succeeded.
    pub code: Option<OutcomeCode>,
    /// The provider's reference.
    pub provider_ref: Option<ProviderRef>,
    /// When the latest event about it happened.
    pub last_event_at: Timestamp,
}

/// A movement of unapplied money, in a ledger of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnappliedTransfer {
    /// The money.
    pub money: MoneyId,
    /// The movement.
    pub transfer: Transfer,
}

impl UnappliedMoney {
    /// Whether it is the capture that the provider calls so.
    pub fn is_capture(&self, provider: &Token<32>, capture_ref: &ProviderRef) -> bool {
        self.provider == *provider && self.capture_ref == *capture_ref
    }

    /// Whether a dispute waits that nobody knew of who decided on the money, if somebody did.
    pub fn is_disputed_unseen(&self) -> bool {
        let seen = |since| self.decided_at.is_some_and(|decided_at| decided_at > since);
        self.disputed_since.is_some_and(|since| !seen(since))
    }

    /// What became of it, if that is settled.
    pub fn resolution(&self) -> Option<Resolution> {
        self.resolved.map(|resolved| resolved.resolution)
    }
}
