//! What happens to an order, at the shop and at providers; messages only tell of it.

use std::time::Duration;

use contracts::events::{
    DisputeStage, DisputeVerdict, PaymentOutcome, RefundResult, ReserveOutcome,
};
use contracts::{AttemptId, DisputeId, OrderId, Timestamp};
use domain::refund::Refund;
use serde_json::{Value, json};
use testkit::shop::{self, ShopEvent};

/// Something that happened. Every message about it says the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fact {
    /// The shop placed the order, or changed it.
    Placed { revision: i32, total: i64, window_s: u32 },
    /// The buyer called the order off.
    CalledOff,
    /// A provider did something to an attempt.
    Payment(Payment),
    /// Somebody wants money back.
    Wish(Wish),
    /// A buyer disputed an attempt.
    Opened(Opened),
    /// A provider moved a dispute on.
    Moved(Moved),
    /// A shop's people have evidence against a dispute.
    Evidence { dispute: u32, stage: Option<DisputeStage> },
    /// What the shop says whenever it is asked for the order's stock, and unasked as well.
    Stock(ReserveOutcome),
    /// A provider worked on the refunds of one cause.
    Refunded { cause: Cause, result: RefundResult, minute: u8 },
}

/// What somebody wants back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wish {
    pub(crate) key: u8,
    /// How much, if not all that is left.
    pub(crate) amount: Option<i64>,
    /// Whose money, if not any attempt's.
    pub(crate) attempt: Option<u32>,
    /// Whether it is in another currency than the order.
    pub(crate) foreign: bool,
}

/// A step of an attempt at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Payment {
    pub(crate) attempt: u32,
    pub(crate) outcome: PaymentOutcome,
    pub(crate) amount: i64,
    /// Which capture, if the attempt has several.
    pub(crate) part: Option<u8>,
    pub(crate) last: Option<bool>,
    pub(crate) authorized: Option<i64>,
    pub(crate) minute: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Opened {
    pub(crate) dispute: u32,
    pub(crate) attempt: u32,
    pub(crate) amount: i64,
    pub(crate) stage: DisputeStage,
    pub(crate) answerable: bool,
    pub(crate) fee: i64,
    pub(crate) names_order: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Moved {
    pub(crate) dispute: u32,
    pub(crate) stage: DisputeStage,
    pub(crate) status: DisputeVerdict,
    pub(crate) minute: u8,
    /// Whose money and how much, if the provider repeats it.
    pub(crate) about: Option<(u32, i64)>,
    pub(crate) names_order: bool,
}

/// Why a refund is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cause {
    /// Somebody asked for it.
    Wish(u8),
    /// The money may not stay with us.
    Own,
}

impl Cause {
    /// The cause of a refund, by the key of its request: those of our own contain a colon.
    pub(crate) fn of(refund: &Refund) -> Self {
        Self::of_key(refund.request_key.as_str())
    }

    pub(crate) fn of_key(key: &str) -> Self {
        let wish = key.strip_prefix("wish-").and_then(|number| number.parse().ok());
        wish.map_or(Self::Own, Self::Wish)
    }
}

/// Which order is meant, and when its life began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) order: u32,
    pub(crate) began: Timestamp,
}

/// How many attempts and disputes one order may have, so that their numbers differ.
const NUMBERS_PER_ORDER: u32 = 8;

/// How long a dispute may be answered.
const EVIDENCE: Duration = Duration::from_hours(7 * 24);

impl Scene {
    pub(crate) fn order(self) -> OrderId {
        shop::order_id(self.order)
    }

    pub(crate) fn attempt(self, number: u32) -> AttemptId {
        shop::attempt_id(self.order * NUMBERS_PER_ORDER + number)
    }

    pub(crate) fn dispute(self, number: u32) -> DisputeId {
        shop::dispute_id(self.order * NUMBERS_PER_ORDER + number)
    }

    /// Which of the order's attempts this is; 0 if none.
    pub(crate) fn attempt_number(self, id: AttemptId) -> u32 {
        (1..NUMBERS_PER_ORDER).find(|number| self.attempt(*number) == id).unwrap_or_default()
    }

    /// Which of the order's disputes this is; 0 if none.
    pub(crate) fn dispute_number(self, id: DisputeId) -> u32 {
        (1..NUMBERS_PER_ORDER).find(|number| self.dispute(*number) == id).unwrap_or_default()
    }

    pub(crate) fn at(self, minute: u8) -> Timestamp {
        self.began.plus(Duration::from_mins(minute.into()))
    }

    /// The message that tells a fact; none for reports on refunds, whose ids are ours to give.
    pub(crate) fn event(self, fact: &Fact) -> Option<ShopEvent> {
        Some(match fact {
            Fact::Placed { revision, total, window_s } => shop::order_created(self.order())
                .with("customer_ref", format!("c-{}", self.order))
                .with("revision", *revision)
                .with("total", euros(*total))
                .with("payment_window_s", *window_s)
                .with("placed_at", json!(self.began)),
            Fact::CalledOff => {
                shop::cancel_requested(self.order()).with("occurred_at", json!(self.at(5)))
            }
            Fact::Payment(payment) => self.payment(payment),
            Fact::Wish(wish) => self.wish(wish),
            Fact::Opened(opened) => self.opened(opened),
            Fact::Moved(moved) => self.moved(moved),
            Fact::Evidence { dispute, stage } => self.evidence(*dispute, *stage),
            Fact::Stock(outcome) => shop::reserve_replied(self.order(), "reserved")
                .with("outcome", json!(outcome))
                .with("occurred_at", json!(self.at(9))),
            Fact::Refunded { .. } => return None,
        })
    }

    fn payment(self, payment: &Payment) -> ShopEvent {
        let attempt = self.attempt(payment.attempt);
        shop::payment(self.order(), attempt, payment.outcome, payment.amount)
            .with("capture_ref", payment.part.map(|part| format!("c-{part}")))
            .with("final_capture", payment.last)
            .with("authorized", payment.authorized.map_or(Value::Null, euros))
            .with("occurred_at", json!(self.at(payment.minute)))
    }

    fn wish(self, wish: &Wish) -> ShopEvent {
        let currency = if wish.foreign { "JPY" } else { "EUR" };
        let money = |minor| json!({"amount_minor": minor, "currency": currency});
        shop::refund_requested(self.order(), &format!("wish-{}", wish.key), 1)
            .with("amount", wish.amount.map_or(Value::Null, money))
            .with("full", wish.amount.is_none().then_some(true))
            .with("attempt_id", json!(wish.attempt.map(|number| self.attempt(number))))
            .with("requested_at", json!(self.at(6)))
    }

    fn opened(self, opened: &Opened) -> ShopEvent {
        let (dispute, attempt) = (self.dispute(opened.dispute), self.attempt(opened.attempt));
        let due_at = opened.answerable.then(|| self.began.plus(EVIDENCE));
        shop::dispute_opened(self.order(), dispute, attempt, opened.amount)
            .with("order_id", json!(opened.names_order.then(|| self.order())))
            .with("stage", json!(opened.stage))
            .with("opened_at", json!(self.at(0)))
            .with("evidence_due_at", json!(due_at))
            .with("fee", if opened.fee > 0 { euros(opened.fee) } else { Value::Null })
    }

    fn evidence(self, dispute: u32, stage: Option<DisputeStage>) -> ShopEvent {
        shop::evidence_submitted(self.order(), self.dispute(dispute))
            .with("stage", json!(stage))
            .with("submitted_at", json!(self.at(8)))
    }

    fn moved(self, moved: &Moved) -> ShopEvent {
        let dispute = self.dispute(moved.dispute);
        let awaits = moved.status == DisputeVerdict::NeedsResponse;
        let payment_ref = |number| format!("pay-{}", self.attempt(number));
        shop::dispute_updated(self.order(), dispute, "chargeback", "won")
            .with("order_id", json!(moved.names_order.then(|| self.order())))
            .with("stage", json!(moved.stage))
            .with("status", json!(moved.status))
            .with("occurred_at", json!(self.at(moved.minute)))
            .with("evidence_due_at", json!(awaits.then(|| self.began.plus(EVIDENCE))))
            .with("payment_ref", moved.about.map(|(attempt, _)| payment_ref(attempt)))
            .with("amount", moved.about.map_or(Value::Null, |(_, amount)| euros(amount)))
    }
}

fn euros(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "EUR"})
}
