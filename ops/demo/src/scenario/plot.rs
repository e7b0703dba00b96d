//! Writes one story: its events in the vocabulary of a shop and its providers.

use std::time::Duration;

use contracts::events::PaymentOutcome;
use contracts::{AttemptId, Currency, DisputeId, EventKind, IdSource, Money, OrderId, Timestamp};
use domain::order::OrderStatus;
use domain::payment::{AttemptStatus, Classification};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::facts::Facts;
use super::message::{Content, Event, Form, HEADER_PREFIXES, Message, Moment, Raw};
use super::story::{Cue, DeadLetter, RefundAnswer, Step, Story, at};

/// Who sends the events of shops.
pub const SHOP: &str = "/demo/shop";
/// Who sends the events of payment providers.
pub const PROVIDER: &str = "/demo/provider";
/// What the payment provider is called.
const PROVIDER_NAME: &str = "examplepay";
/// The merchant of most orders.
const MERCHANT: &str = "m-1";

/// A payment window that never ends during the day: nothing but a payment or a cancellation may.
pub(super) const PATIENT: u64 = 3_600_000;

/// Order ids begin here, so that those of one day lie together in an index.
const EPOCH: Timestamp = Timestamp::EPOCH;

/// Currencies with no, two and three decimals, by how often they are paid in.
const CURRENCIES: [(&str, u32); 7] =
    [("EUR", 40), ("USD", 25), ("GBP", 8), ("JPY", 12), ("KRW", 3), ("KWD", 8), ("BHD", 4)];

/// One payment attempt of a story.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// Its id.
    pub(super) id: AttemptId,
    /// The provider's reference.
    pub(super) provider_ref: String,
}

/// A story being written.
#[derive(Debug)]
pub(super) struct Plot {
    /// The story's own chance.
    pub(super) rng: ChaCha8Rng,
    /// What the order costs; divisible by twelve, small enough to be refunded without a person.
    pub(super) total: Money,
    ids: IdSource,
    story: Story,
}

impl Plot {
    /// Begins the story with this number; the same seed and number give the same story.
    pub(super) fn new(seed: u64, number: u32, scenario: &'static str) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(number));
        let created = EPOCH.plus(Duration::from_millis(number.into()));
        let mut ids = IdSource::new("/demo", &format!("{seed}/{number}"), created);
        let currency = currency(&mut rng);
        let total = money(12 * rng.random_range(40..=4_000), currency);
        let story = Story {
            number,
            scenario,
            order: ids.next_id(),
            total,
            begins: Duration::ZERO,
            steps: Vec::new(),
            refunds: vec![RefundAnswer::Succeeds],
            endings: Vec::new(),
            dead_letters: Vec::new(),
            panics: Vec::new(),
        };
        Self { rng, total, ids, story }
    }

    /// The finished story.
    pub(super) fn finish(self) -> Story {
        Story { total: self.total, ..self.story }
    }

    /// The order.
    pub(super) fn order(&self) -> OrderId {
        self.story.order
    }

    /// A part of the order's total.
    pub(super) fn part(&self, of: i64) -> Money {
        self.amount(self.total.minor() / of)
    }

    /// An amount in the order's currency.
    pub(super) fn amount(&self, minor: i64) -> Money {
        money(minor, self.total.currency())
    }

    /// Places the order with a payment window of so many milliseconds.
    pub(super) fn place(&mut self, window: u64) -> &mut Event {
        self.place_at(at(0), window)
    }

    /// As [`Plot::place`], but its event is published later than others of the story.
    pub(super) fn place_at(&mut self, when: Cue, window: u64) -> &mut Event {
        let (order, total) = (self.order(), self.total);
        let data = json!({
            "order_id": order, "merchant_id": MERCHANT,
            "customer_ref": format!("c-{}", self.story.number), "total": total,
            "revision": 1, "livemode": true, "payment_method_hint": "card", "locale": "en",
            "reservation_id": format!("r-{}", self.story.number),
            "lines": [{"sku": "book", "qty": 12, "unit": self.part(12)}],
        });
        let event = self.event(when, EventKind::OrderCreated, SHOP, data);
        event.set_time("placed_at", Moment::At(Duration::ZERO));
        event.set_time("expires_at", Moment::At(Duration::from_millis(window)))
    }

    /// The customer takes consent to reminders back.
    pub(super) fn takes_back_consent(&mut self, when: Cue) {
        let data = json!({
            "order_id": self.order(), "customer_ref": format!("c-{}", self.story.number),
            "purpose": "recovery", "version": "2026-01",
        });
        self.event(when, EventKind::ConsentWithdrawn, SHOP, data)
            .set_time("occurred_at", moment(when));
    }

    /// The shop says whether the order can have its stock again.
    pub(super) fn replies(&mut self, when: Cue, outcome: &str) -> &mut Event {
        let data = json!({"order_id": self.order(), "outcome": outcome});
        let event = self.event(when, EventKind::ReserveReplied, SHOP, data);
        event.set_time("occurred_at", moment(when))
    }

    /// Asks for the order's cancellation.
    pub(super) fn cancel(&mut self, when: Cue) {
        let data = json!({"order_id": self.order(), "actor": "buyer", "reason": "changed my mind"});
        self.event(when, EventKind::OrderCancelRequested, SHOP, data)
            .set_time("occurred_at", moment(when));
    }

    /// A new payment attempt.
    pub(super) fn attempt(&mut self) -> Attempt {
        let id: AttemptId = self.ids.next_id();
        Attempt { id, provider_ref: format!("pay-{id}") }
    }

    /// The provider reports on an attempt.
    pub(super) fn report(
        &mut self,
        when: Cue,
        attempt: &Attempt,
        outcome: PaymentOutcome,
        amount: Money,
    ) -> &mut Event {
        let data = json!({
            "order_id": self.order(), "attempt_id": attempt.id, "provider": PROVIDER_NAME,
            "provider_ref": attempt.provider_ref, "outcome": outcome, "amount": amount,
            "livemode": true, "method": {"type": "card", "brand": "examplecard"},
        });
        let event = self.event(when, EventKind::PaymentAttempted, PROVIDER, data);
        event.set_time("occurred_at", moment(when))
    }

    /// The provider captured the order's total.
    pub(super) fn captured(&mut self, when: Cue, attempt: &Attempt) -> &mut Event {
        self.report(when, attempt, PaymentOutcome::Captured, self.total)
    }

    /// The issuer declined.
    pub(super) fn declined(&mut self, when: Cue, attempt: &Attempt) {
        let code = ["insufficient_funds", "do_not_honor", "expired_card"];
        let code = code[self.rng.random_range(0..code.len())];
        self.report(when, attempt, PaymentOutcome::Declined, self.total)
            .set("decline", json!({"code": code, "category": "soft"}));
    }

    /// The buyer asks for money back; without an amount, for all of it.
    pub(super) fn refund(&mut self, when: Cue, key: &str, amount: Option<Money>) -> &mut Event {
        let number = self.story.number;
        let mut data = json!({
            "order_id": self.order(), "request_key": format!("{number}-{key}"),
            "reason_code": "requested_by_customer",
            "requested_by": {"type": "customer", "id": format!("c-{number}")},
        });
        match amount {
            Some(amount) => data["amount"] = json!(amount),
            None => data["full"] = json!(true),
        }
        let event = self.event(when, EventKind::RefundRequested, SHOP, data);
        event.set_time("requested_at", moment(when))
    }

    /// A new dispute.
    pub(super) fn dispute(&mut self) -> DisputeId {
        self.ids.next_id()
    }

    /// The provider opens a dispute of an attempt, with evidence due long after the day.
    pub(super) fn opened(
        &mut self,
        when: Cue,
        dispute: DisputeId,
        attempt: &Attempt,
        stage: &str,
        amount: Money,
    ) -> &mut Event {
        let data = json!({
            "order_id": self.order(), "dispute_id": dispute, "provider": PROVIDER_NAME,
            "provider_ref": format!("dp-{dispute}"), "payment_ref": attempt.provider_ref,
            "amount": amount, "stage": stage, "reason_category": "product_not_received",
        });
        let event = self.event(when, EventKind::DisputeOpened, PROVIDER, data);
        event.set_time("evidence_due_at", Moment::At(Duration::from_hours(7 * 24)));
        event.set_time("opened_at", moment(when))
    }

    /// The provider reports on a dispute.
    pub(super) fn updated(
        &mut self,
        when: Cue,
        dispute: DisputeId,
        stage: &str,
        status: &str,
    ) -> &mut Event {
        let data = json!({
            "order_id": self.order(), "dispute_id": dispute, "provider": PROVIDER_NAME,
            "provider_ref": format!("dp-{dispute}"), "stage": stage, "status": status,
        });
        let event = self.event(when, EventKind::DisputeUpdated, PROVIDER, data);
        event.set_time("occurred_at", moment(when))
    }

    /// The seller has evidence against a dispute.
    pub(super) fn evidence(&mut self, when: Cue, dispute: DisputeId) {
        let data = json!({
            "order_id": self.order(), "dispute_id": dispute, "provider": PROVIDER_NAME,
            "provider_ref": format!("dp-{dispute}"), "submitted_by": "seller",
            "evidence_refs": ["delivery-note"],
        });
        self.event(when, EventKind::EvidenceSubmitted, SHOP, data)
            .set_time("submitted_at", moment(when));
    }

    /// The shop's mediators decide on an inquiry.
    pub(super) fn mediated(&mut self, when: Cue, dispute: DisputeId, decided_for: &str) {
        let data = json!({
            "order_id": self.order(), "dispute_id": dispute, "provider": PROVIDER_NAME,
            "provider_ref": format!("dp-{dispute}"), "decided_for": decided_for,
            "decided_by": {"type": "mediator", "id": "op-7"},
        });
        self.event(when, EventKind::DisputeMediated, SHOP, data)
            .set_time("decided_at", moment(when));
    }

    /// Publishes a message that is no event of ours.
    pub(super) fn raw(&mut self, when: Cue, id: String, raw: Raw) {
        let message = Message { id, content: Content::Raw(raw) };
        self.story.steps.push(Step { when, message, copies: Vec::new() });
    }

    /// A new message id.
    pub(super) fn message_id(&mut self) -> String {
        self.ids.next_id::<Uuid>().to_string()
    }

    /// The id of the latest message.
    pub(super) fn latest(&self) -> String {
        self.story.steps.last().map(|step| step.message.id.clone()).unwrap_or_default()
    }

    /// The latest message ends as a dead letter.
    pub(super) fn latest_is_refused(&mut self, code: &'static str) {
        let message_id = self.latest();
        self.story.dead_letters.push(DeadLetter { message_id, code });
    }

    /// The latest message makes its worker panic, time after time.
    pub(super) fn latest_panics(&mut self) {
        let id = self.latest();
        self.story.panics.push(id);
        self.latest_is_refused("panic");
    }

    /// The latest message takes the id of the one before it.
    pub(super) fn latest_reuses_an_id(&mut self) {
        let [.., first, second] = &mut *self.story.steps else { return };
        second.message.id.clone_from(&first.message.id);
        self.latest_is_refused("id-reuse");
    }

    /// How the provider answers refunds, in turn.
    pub(super) fn answers(&mut self, answers: &[RefundAnswer]) {
        self.story.refunds = answers.to_vec();
    }

    /// The story may end so.
    pub(super) fn ends(&mut self, facts: Facts) {
        self.story.endings.push(facts);
    }

    /// The order is paid by one capture, and the money is kept.
    pub(super) fn paid(&self) -> Facts {
        Facts::order(OrderStatus::Paid)
            .attempt(AttemptStatus::Captured)
            .captures(Classification::Normal, 1)
            .kept(self.total)
    }

    /// The order is closed, its stock back.
    pub(super) fn closed(status: OrderStatus) -> Facts {
        Facts::order(status).released()
    }

    /// Repeats some messages exactly, and sends some with the envelope in their headers.
    pub(super) fn vary(&mut self) {
        let refused: Vec<&str> =
            self.story.dead_letters.iter().map(|letter| letter.message_id.as_str()).collect();
        for step in &mut self.story.steps {
            let Content::Event(event) = &mut step.message.content else { continue };
            if self.rng.random_bool(0.08) {
                let prefix = self.rng.random_range(0..HEADER_PREFIXES.len());
                event.form = Form::Binary(HEADER_PREFIXES[prefix]);
            }
            if !refused.contains(&step.message.id.as_str()) && self.rng.random_bool(0.06) {
                let pause = [0, self.rng.random_range(20..2_000)];
                let pause = pause[self.rng.random_range(0..2)];
                step.copies.push(Duration::from_millis(pause));
            }
        }
    }

    fn event(
        &mut self,
        when: Cue,
        kind: EventKind,
        source: &'static str,
        data: Value,
    ) -> &mut Event {
        let (id, subject) = (self.message_id(), Some(self.order()));
        let data = match data {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let form = Form::Structured;
        let event = Event { kind, source, subject, data, times: Vec::new(), form };
        let message = Message { id, content: Content::Event(event) };
        self.story.steps.push(Step { when, message, copies: Vec::new() });
        let latest = self.story.steps.last_mut().map(|step| &mut step.message.content);
        match latest {
            Some(Content::Event(event)) => event,
            Some(Content::Raw(_)) | None => unreachable!("an event was just added"),
        }
    }
}

/// When something happens that is published on this cue.
fn moment(when: Cue) -> Moment {
    match when {
        Cue::At(time) => Moment::At(time),
        Cue::Heard(..) => Moment::Now,
    }
}

fn money(minor: i64, currency: Currency) -> Money {
    Money::new(minor, currency).expect("amounts of the day are small and not negative")
}

fn currency(rng: &mut ChaCha8Rng) -> Currency {
    let all: u32 = CURRENCIES.iter().map(|(_, weight)| weight).sum();
    let mut drawn = rng.random_range(0..all);
    let (code, _) = CURRENCIES
        .iter()
        .find(|(_, weight)| {
            let hit = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            hit
        })
        .expect("the draw is below the sum of all weights");
    code.parse().expect("the currencies of the day are in use")
}
