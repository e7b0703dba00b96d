//! Events as a shop would send them, for tests: complete, valid, and easy to bend.

use contracts::events::PaymentOutcome;
use contracts::{
    AttemptId, DisputeId, Envelope, Event, EventKind, Limits, MoneyId, OrderId, RefundId,
    STRUCTURED_CONTENT_TYPE, Timestamp, WireMessage, decode,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// An order id that is the same in every run.
pub fn order_id(number: u32) -> OrderId {
    numbered(1, number).into()
}

/// An attempt id that is the same in every run.
pub fn attempt_id(number: u32) -> AttemptId {
    numbered(2, number).into()
}

/// A dispute id that is the same in every run.
pub fn dispute_id(number: u32) -> DisputeId {
    numbered(3, number).into()
}

fn numbered(kind: u16, number: u32) -> Uuid {
    Uuid::from_fields(number, kind, 0x7000, &[0x80, 0, 0, 0, 0, 0, 0, 0])
}

/// A time of day on 1 March 2026, when tests take place.
pub fn at(text: &str) -> Timestamp {
    format!("2026-03-01T{text}Z").parse().expect("tests write times as HH:MM:SS")
}

/// An event with its envelope, as JSON.
#[derive(Clone, Debug)]
pub struct ShopEvent {
    kind: EventKind,
    envelope: Value,
}

impl ShopEvent {
    /// An event whose id is its kind and its data's digest: equal events have equal ids.
    pub fn new(kind: EventKind, data: Value) -> Self {
        let mut envelope = json!({
            "specversion": "1.0",
            "id": "",
            "source": "/test/shop",
            "type": kind.type_name(),
        });
        envelope["data"] = data;
        Self { kind, envelope }
    }

    /// Names the message; without it the id follows from kind and data.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        self.attribute("id", json!(id))
    }

    /// Sets an attribute of the envelope.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: Value) -> Self {
        self.envelope[name] = value;
        self
    }

    /// Sets a field of the data, or removes it with null.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.envelope["data"][field] = value.into();
        self
    }

    /// Which kind it is.
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// The whole message as JSON.
    pub fn json(&self) -> Value {
        let mut envelope = self.envelope.clone();
        if envelope["id"] == "" {
            let digest = Uuid::from_u128(fold(&self.envelope.to_string()));
            envelope["id"] = json!(digest.to_string());
        }
        envelope
    }

    /// The body as a shop would publish it.
    pub fn body(&self) -> Vec<u8> {
        self.json().to_string().into_bytes()
    }

    /// The decoded event.
    ///
    /// # Panics
    /// When the event is not valid: a test that wants that calls `decode` itself.
    pub fn decoded<E: Event>(&self) -> Envelope<E> {
        let body = self.body();
        let content_type = Some(STRUCTURED_CONTENT_TYPE);
        decode(WireMessage { content_type, headers: &[], body: &body }, &Limits::default())
            .expect("events built here are valid unless a test bends them")
    }
}

/// FNV-1a over 128 bits: stable over runs, which is all a test needs.
fn fold(text: &str) -> u128 {
    text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

/// An order over EUR 100.00, placed at 12:00 with a card's payment window of 30 minutes.
pub fn order_created(order: OrderId) -> ShopEvent {
    ShopEvent::new(
        EventKind::OrderCreated,
        json!({
            "order_id": order, "merchant_id": "m-1", "customer_ref": "c-1",
            "total": {"amount_minor": 10_000, "currency": "EUR"},
            "placed_at": at("12:00:00"), "revision": 1, "livemode": true,
            "payment_method_hint": "card", "reservation_id": "r-1",
            "lines": [
                {"sku": "book", "qty": 2, "unit": {"amount_minor": 5_000, "currency": "EUR"}},
            ],
        }),
    )
}

/// A report on an attempt, of EUR and `amount_minor`, at 12:05; its provider reference is its id.
pub fn payment(
    order: OrderId,
    attempt: AttemptId,
    outcome: PaymentOutcome,
    amount_minor: i64,
) -> ShopEvent {
    ShopEvent::new(
        EventKind::PaymentAttempted,
        json!({
            "order_id": order, "attempt_id": attempt, "provider": "acme",
            "provider_ref": format!("pay-{attempt}"), "outcome": outcome,
            "amount": {"amount_minor": amount_minor, "currency": "EUR"},
            "occurred_at": at("12:05:00"), "livemode": true,
        }),
    )
}

/// A capture of an attempt, as [`payment`].
pub fn captured(order: OrderId, attempt: AttemptId, amount_minor: i64) -> ShopEvent {
    payment(order, attempt, PaymentOutcome::Captured, amount_minor)
}

/// A buyer's wish to cancel, at 12:10.
pub fn cancel_requested(order: OrderId) -> ShopEvent {
    ShopEvent::new(
        EventKind::OrderCancelRequested,
        json!({"order_id": order, "actor": "buyer", "occurred_at": at("12:10:00")}),
    )
}

/// A customer's consent to `purpose` taken back, at 12:10.
pub fn consent_withdrawn(order: OrderId, purpose: &str) -> ShopEvent {
    ShopEvent::new(
        EventKind::ConsentWithdrawn,
        json!({
            "order_id": order, "customer_ref": "c-1", "purpose": purpose,
            "occurred_at": at("12:10:00"),
        }),
    )
}

/// The payment window's end, as the timer scheduler sends it.
pub fn timeout(order: OrderId, generation: i32, due_at: Timestamp) -> ShopEvent {
    timer(EventKind::PaymentTimeout, order, generation, due_at)
}

/// A reminder's time, as the timer scheduler sends it.
pub fn reminder(order: OrderId, generation: i32, due_at: Timestamp) -> ShopEvent {
    timer(EventKind::PaymentReminder, order, generation, due_at)
}

fn timer(kind: EventKind, order: OrderId, generation: i32, due_at: Timestamp) -> ShopEvent {
    let data = json!({"order_id": order, "generation": generation, "due_at": due_at});
    ShopEvent::new(kind, data)
}

/// A wish for EUR and `amount_minor` back, at 13:00.
pub fn refund_requested(order: OrderId, request_key: &str, amount_minor: i64) -> ShopEvent {
    ShopEvent::new(
        EventKind::RefundRequested,
        json!({
            "order_id": order, "request_key": request_key,
            "amount": {"amount_minor": amount_minor, "currency": "EUR"},
            "reason_code": "requested_by_customer",
            "requested_by": {"type": "customer", "id": "c-1"}, "requested_at": at("13:00:00"),
        }),
    )
}

/// A provider's report on a refund, at 13:30.
pub fn refund_updated(order: OrderId, refund: RefundId, status: &str) -> ShopEvent {
    ShopEvent::new(
        EventKind::RefundUpdated,
        json!({
            "order_id": order, "refund_id": refund, "provider_ref": format!("re-{refund}"),
            "status": status, "occurred_at": at("13:30:00"),
        }),
    )
}

/// A chargeback of an attempt over EUR and `amount_minor`, at 14:00, answerable for a week.
pub fn dispute_opened(
    order: OrderId,
    dispute: DisputeId,
    attempt: AttemptId,
    amount_minor: i64,
) -> ShopEvent {
    ShopEvent::new(
        EventKind::DisputeOpened,
        json!({
            "dispute_id": dispute, "provider": "acme", "provider_ref": format!("dp-{dispute}"),
            "payment_ref": format!("pay-{attempt}"), "order_id": order,
            "amount": {"amount_minor": amount_minor, "currency": "EUR"},
            "stage": "chargeback", "reason_category": "product_not_received",
            "opened_at": at("14:00:00"), "evidence_due_at": "2026-03-08T14:00:00Z",
        }),
    )
}

/// A provider's report on a dispute, at 15:00.
pub fn dispute_updated(order: OrderId, dispute: DisputeId, stage: &str, status: &str) -> ShopEvent {
    ShopEvent::new(
        EventKind::DisputeUpdated,
        json!({
            "dispute_id": dispute, "provider": "acme", "provider_ref": format!("dp-{dispute}"),
            "order_id": order, "stage": stage, "status": status, "occurred_at": at("15:00:00"),
        }),
    )
}

/// Evidence of a seller's against a dispute, complete at 16:00.
pub fn evidence_submitted(order: OrderId, dispute: DisputeId) -> ShopEvent {
    ShopEvent::new(
        EventKind::EvidenceSubmitted,
        json!({
            "dispute_id": dispute, "provider": "acme", "provider_ref": format!("dp-{dispute}"),
            "order_id": order, "submitted_by": "seller", "submitted_at": at("16:00:00"),
            "evidence_refs": ["doc-1"],
        }),
    )
}

/// A mediator's decision on an inquiry, at 16:00.
pub fn dispute_mediated(order: OrderId, dispute: DisputeId, decided_for: &str) -> ShopEvent {
    ShopEvent::new(
        EventKind::DisputeMediated,
        json!({
            "dispute_id": dispute, "provider": "acme", "provider_ref": format!("dp-{dispute}"),
            "order_id": order, "decided_for": decided_for,
            "decided_by": {"type": "mediator", "id": "op-7"}, "decided_at": at("16:00:00"),
        }),
    )
}

/// A shop's answer whether an order can have its stock again, at 13:05.
pub fn reserve_replied(order: OrderId, outcome: &str) -> ShopEvent {
    ShopEvent::new(
        EventKind::ReserveReplied,
        json!({"order_id": order, "outcome": outcome, "occurred_at": at("13:05:00")}),
    )
}

/// The end of the time for that answer, as the timer scheduler sends it.
pub fn reserve_due(order: OrderId, generation: i32, due_at: Timestamp) -> ShopEvent {
    timer(EventKind::ReserveAnswerDue, order, generation, due_at)
}

/// Money without an order falls due, as the timer scheduler sends it.
pub fn unapplied_due(
    order: OrderId,
    money: MoneyId,
    generation: i32,
    due_at: Timestamp,
) -> ShopEvent {
    ShopEvent::new(
        EventKind::UnappliedDue,
        json!({"order_id": order, "money_id": money, "generation": generation, "due_at": due_at}),
    )
}

/// A dispute's deadline, as the timer scheduler sends it.
pub fn dispute_deadline(
    order: OrderId,
    dispute: DisputeId,
    generation: i32,
    due_at: Timestamp,
) -> ShopEvent {
    ShopEvent::new(
        EventKind::DisputeDeadline,
        json!({
            "order_id": order, "dispute_id": dispute, "generation": generation, "due_at": due_at,
        }),
    )
}

/// A person's decision on a refund, at 16:00.
pub fn refund_reviewed(
    order: OrderId,
    refund: RefundId,
    verdict: &str,
    reviewer: &str,
) -> ShopEvent {
    ShopEvent::new(
        EventKind::RefundReviewed,
        json!({
            "order_id": order, "refund_id": refund, "verdict": verdict,
            "reviewed_by": {"type": "operator", "id": reviewer}, "reviewed_at": at("16:00:00"),
        }),
    )
}

/// The end of the time for a review, as the timer scheduler sends it.
pub fn refund_review_due(
    order: OrderId,
    refund: RefundId,
    generation: i32,
    due_at: Timestamp,
) -> ShopEvent {
    ShopEvent::new(
        EventKind::RefundReviewDue,
        json!({
            "order_id": order, "refund_id": refund, "generation": generation, "due_at": due_at,
        }),
    )
}
