//! A stored order with a bit of everything, the same in every run.

use contracts::events::{
    DisputeEvent, DisputeReason, DisputeStage, OrderEvent, PaymentEvent, PaymentOutcome,
    RefundReason,
};
use contracts::{AttemptId, Envelope, Event, OrderId};
use domain::dispute::{Dispute, DisputePosition, DisputeStatus};
use domain::ledger::{Account, JournalCode, Leg};
use domain::message::Body;
use domain::operations::{OwnRefund, arm_payment_timers, pay_order, refund_own};
use domain::order::Order;
use domain::payment::{Attempt, AttemptStatus, Capture, Classification};
use domain::timer::{TimerKind, TimerOwner};
use domain::{Decision, Draft, Money, OrderState, OutcomeCode, ParkKey, Policies, settlement};
use store::inbox::{Claim, Claimed, claim};
use store::locks::lock_orders;
use store::write_set::{Decided, Original, write};
use store::{Database, DatabaseConfig};
use testkit::TestDatabase;
use testkit::shop::{
    ShopEvent, at, attempt_id, captured, dispute_id, dispute_opened, dispute_updated,
    order_created, order_id, payment,
};
use testkit::world::World;

/// The order of the story.
pub(crate) fn order() -> OrderId {
    order_id(7)
}

/// Stores the order's life: a decline, its payment, a second payment that goes back, a dispute.
pub(crate) async fn store_story(database: &TestDatabase) {
    let mut teller = Teller::of(database).await;
    teller.tell::<OrderEvent>("12:00:00.25", &order_created(order()), open_order).await;

    let declined = payment(order(), attempt_id(1), PaymentOutcome::Declined, 10_000);
    teller.tell::<PaymentEvent>("12:04:00.5", &declined, decline_first).await;

    let paid = captured(order(), attempt_id(2), 10_000);
    teller.tell::<PaymentEvent>("12:05:03", &paid, pay_by_second).await;
    teller.send_everything("12:05:03.04").await;
    teller.deliver_again(&paid).await;

    let again = captured(order(), attempt_id(3), 10_000);
    teller.tell::<PaymentEvent>("12:05:09", &again, pay_twice_by_third).await;

    let disputed = dispute_opened(order(), dispute_id(1), attempt_id(2), 10_000);
    teller.tell::<DisputeEvent>("14:00:01", &disputed, dispute_second).await;

    let early = dispute_updated(order(), dispute_id(2), "chargeback", "won");
    let (provider, dispute_ref) = ("acme".parse().unwrap(), "dp-2".parse().unwrap());
    let key = ParkKey::Dispute { provider, dispute_ref };
    let parked = Decision::park(key, at("15:30:00"));
    teller.decide::<DisputeEvent>("15:00:00", &early, parked).await;
}

/// Brings what the story left open into the future, so that nothing of it is late.
pub(crate) async fn make_story_timely(database: &TestDatabase) {
    database
        .run(
            "UPDATE outbox SET publish_after = now(); \
             UPDATE timers SET due_at = now() + INTERVAL '1 day'; \
             UPDATE parked_events SET park_until = now() + INTERVAL '1 day'",
        )
        .await;
}

/// Stores a payment whose order nobody created.
pub(crate) async fn store_early_payment(database: &TestDatabase) {
    let early = captured(order(), attempt_id(1), 10_000);
    let parked = Decision::park(ParkKey::Order(order()), at("12:30:00"));
    Teller::of(database).await.decide::<PaymentEvent>("12:00:00", &early, parked).await;
}

/// Decides events at fixed times and stores what follows, as an engine does.
pub(crate) struct Teller<'a> {
    database: &'a TestDatabase,
    connection: Database,
    state: OrderState,
}

impl<'a> Teller<'a> {
    pub(crate) async fn of(database: &'a TestDatabase) -> Self {
        let config = DatabaseConfig::new(database.url().parse().unwrap(), "orderctl tests");
        let connection = Database::connect(&config).await.unwrap();
        Self { database, connection, state: OrderState::default() }
    }

    pub(crate) async fn tell<E: Event>(
        &mut self,
        time: &str,
        event: &ShopEvent,
        rule: fn(&mut Draft),
    ) {
        let mut draft = Draft::new(&self.state, &event.decoded::<E>(), at(time));
        rule(&mut draft);
        self.decide::<E>(time, event, Decision::apply(draft.finish())).await;
    }

    async fn decide<E: Event>(&mut self, time: &str, event: &ShopEvent, decision: Decision) {
        let envelope = event.decoded::<E>();
        let (source, event_id) = (envelope.source.as_str(), envelope.id.as_str());
        let mut transaction = self.connection.begin("story").await.unwrap();
        let claimed = claim(&mut transaction, &[claim_of(&envelope)]).await.unwrap();
        lock_orders(&mut transaction, &[order()]).await.unwrap();
        let [Claimed::Fresh(inbox)] = claimed[..] else { panic!("{event_id}: {claimed:?}") };
        let decided = Decided {
            inbox,
            again: false,
            order: Some(order()),
            source,
            event_id,
            kind: envelope.kind,
            occurred_at: envelope.event.occurred_at(),
            decision: &decision,
            trace: None,
            original: Original {
                queue: "orderflow.test",
                content_type: None,
                headers_json: Some("{}"),
                message_id: None,
                body: &event.body(),
            },
        };
        write(&mut transaction, &[decided]).await.unwrap();
        transaction.commit().await.unwrap();
        self.state.apply(&decision.changes);
        self.date_back(time).await;
    }

    /// Gives what the database dated by its own clock the story's time.
    async fn date_back(&self, time: &str) {
        let at = at(time);
        for (table, column) in
            [("inbox", "received_at"), ("outbox", "publish_after"), ("outbox", "created_at")]
        {
            let statement = format!(
                "UPDATE {table} SET {column} = '{at}'::timestamptz - INTERVAL '2 ms' \
                 WHERE {column} > '2026-03-02'"
            );
            self.database.run(&statement).await;
        }
    }

    async fn send_everything(&self, time: &str) {
        let statement = format!("UPDATE outbox SET sent_at = '{}', attempts = 1", at(time));
        self.database.run(&statement).await;
    }

    async fn deliver_again(&self, event: &ShopEvent) {
        let id = event.json()["id"].as_str().unwrap().to_owned();
        let statement = format!("UPDATE inbox SET deliveries = 2 WHERE event_id = '{id}'");
        self.database.run(&statement).await;
    }
}

fn claim_of<E: Event>(envelope: &Envelope<E>) -> Claim<'_> {
    Claim {
        source: envelope.source.as_str(),
        event_id: envelope.id.as_str(),
        kind: envelope.kind,
        digest: &envelope.digest,
        order: Some(order()),
        occurred_at: envelope.event.occurred_at(),
    }
}

pub(crate) fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

pub(crate) fn open_order(draft: &mut Draft) {
    let placed = World::pending_order(10_000).state.order.unwrap();
    let opened = Order { id: order(), ..placed };
    draft.put_order(opened.clone(), None);
    arm_payment_timers(draft, &opened, &Policies::default());
}

pub(crate) fn attempt(id: AttemptId, status: AttemptStatus) -> Attempt {
    let occurred_at = at("12:05:00");
    Attempt {
        id,
        provider: "acme".parse().unwrap(),
        provider_ref: format!("ch_{}", &id.to_string()[..8]).parse().unwrap(),
        status,
        amount: euros(10_000),
        authorized: euros(0),
        decline_code: None,
        decline: domain::payment::DeclineDetails::default(),
        paid_with: None,
        revision: None,
        occurred_at,
        last_event_at: occurred_at,
    }
}

pub(crate) fn decline_first(draft: &mut Draft) {
    let decline_code = "insufficient_funds".parse().ok();
    let declined = attempt(attempt_id(1), AttemptStatus::Declined);
    draft.put_attempt(Attempt { decline_code: decline_code.clone(), ..declined }, None);
    let body = Body::OrderPaymentFailed {
        order_id: order(),
        attempt_id: attempt_id(1),
        decline_code,
        network_code: None,
        advice: None,
        retry_after_s: Some(86_400),
        expires_at: at("12:30:00"),
    };
    draft.send(order(), body);
}

pub(crate) fn put_capture(draft: &mut Draft, id: AttemptId, applied: i64, account: Account) {
    let classification =
        if applied > 0 { Classification::Normal } else { Classification::Duplicate };
    let capture = Capture {
        attempt_id: id,
        capture_ref: format!("cap_{}", &id.to_string()[..8]).parse().unwrap(),
        amount: euros(10_000),
        applied: euros(applied),
        classification,
        occurred_at: at("12:05:00"),
        reversed_at: None,
    };
    draft.put_attempt(attempt(id, AttemptStatus::Captured), None);
    draft.put_capture(capture.clone());
    let leg = Leg {
        code: JournalCode::Capture,
        debit: Account::PspReceivable,
        credit: account,
        amount: capture.amount,
    };
    draft.post(capture.reference(), [leg]);
}

pub(crate) fn current(draft: &Draft) -> Order {
    draft.state().order.clone().unwrap()
}

pub(crate) fn pay_by_second(draft: &mut Draft) {
    put_capture(draft, attempt_id(2), 10_000, Account::CustomerFunds);
    pay_order(draft, current(draft), None);
}

fn pay_twice_by_third(draft: &mut Draft) {
    put_capture(draft, attempt_id(3), 0, Account::Suspense);
    let attempt = attempt(attempt_id(3), AttemptStatus::Captured);
    let wanted = OwnRefund {
        attempt: &attempt,
        amount: euros(10_000),
        request_key: "duplicate:third".to_owned(),
        reason: RefundReason::Duplicate,
        funded_from: Account::Suspense,
        code: OutcomeCode::DuplicatePayment,
    };
    refund_own(draft, &current(draft), &wanted).unwrap();
}

fn dispute_second(draft: &mut Draft) {
    let due = "2026-03-08T14:00:00Z".parse().unwrap();
    let dispute = Dispute {
        id: dispute_id(1),
        provider: "acme".parse().unwrap(),
        provider_ref: "dp-1".parse().unwrap(),
        attempt_id: attempt_id(2),
        amount: euros(10_000),
        fee: euros(1_500),
        loss: euros(0),
        position: DisputePosition {
            stage: DisputeStage::Chargeback,
            status: DisputeStatus::NeedsResponse,
        },
        reason: DisputeReason::ProductNotReceived,
        network_reason_code: None,
        evidence_due_at: Some(due),
        evidence_submitted_at: None,
        mediated_for: None,
        original: None,
        deadline_missed: false,
        opened_at: at("14:00:00"),
        closed_at: None,
        last_event_at: at("14:00:00"),
    };
    settlement::put_dispute(draft, &current(draft), dispute, None).unwrap();
    draft.arm(TimerKind::DisputeEvidenceDue, TimerOwner::Dispute(dispute_id(1)), due);
}
