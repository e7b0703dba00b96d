//! The document's table of events and transfers says what the rules do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use contracts::events::PaymentOutcome::{CaptureFailed, Captured};
use contracts::{EventKind, RefundId};
use dispute_opened::DisputeRules;
use domain::ledger::Transfer;
use domain::policy::LateMoneyChoice;
use domain::timer::{TimerKind, TimerOwner};
use domain::unapplied::MoneyDecision;
use domain::{Decision, Moment, OrderId, Policies};
use order_created::OrderRules;
use payment_attempted::PaymentRules;
use payment_timeout::TimeoutRules;
use refund_requested::RefundRules;
use serde_json::json;
use testkit::shop::{
    ShopEvent, at, attempt_id, cancel_requested, dispute_id, dispute_opened, dispute_updated,
    order_created, order_id, payment, refund_requested, refund_updated, reserve_due,
    reserve_replied, timeout, unapplied_due,
};
use testkit::world::World;

const DOCUMENT: &str = include_str!("../../../ops/docs/ledger.md");
const HEADER: &str = "| event | situation | transfers |";

/// An order over EUR 100.00, and the transfers of the last event that it heard.
struct Book {
    world: World,
    rows: Vec<String>,
    messages: u32,
    policies: Policies,
}

fn order() -> OrderId {
    order_id(1)
}

fn captured(attempt: u32, amount_minor: i64) -> ShopEvent {
    payment(order(), attempt_id(attempt), Captured, amount_minor)
}

fn failed(attempt: u32, amount_minor: i64) -> ShopEvent {
    payment(order(), attempt_id(attempt), CaptureFailed, amount_minor)
}

fn disputed(amount_minor: i64, stage: &str) -> ShopEvent {
    let fee = json!({"amount_minor": 1_500, "currency": "EUR"});
    let event = dispute_opened(order(), dispute_id(1), attempt_id(1), amount_minor);
    event.with("stage", stage).with("fee", fee)
}

fn verdict(status: &str) -> ShopEvent {
    dispute_updated(order(), dispute_id(1), "chargeback", status)
}

impl Book {
    fn begin(&mut self) -> &mut Self {
        self.world = World::default();
        self
    }

    /// A new order, waiting for its money.
    fn placed(&mut self) -> &mut Self {
        self.begin().and(&order_created(order()))
    }

    /// One that expired.
    fn expired(&mut self) -> &mut Self {
        self.placed().world.clock("12:31:00");
        let timer = self.world.state.timers[0].clone();
        self.and(&timeout(order(), timer.generation, timer.due_at))
    }

    /// One that is paid.
    fn paid(&mut self) -> &mut Self {
        self.placed().and(&captured(1, 10_000))
    }

    /// One that is paid, of which EUR 30.00 are wanted back.
    fn refunding(&mut self) -> &mut Self {
        self.paid().and(&refund_requested(order(), "r-1", 3_000))
    }

    /// Money whose order does not come.
    fn orphaned(&mut self) -> &mut Self {
        self.begin().give_up(&captured(1, 10_000));
        self
    }

    /// Hears an event, of no interest in itself.
    fn and(&mut self, event: &ShopEvent) -> &mut Self {
        self.hear(event, false);
        self
    }

    fn give_up(&mut self, event: &ShopEvent) -> Decision {
        self.hear(event, true)
    }

    /// A word of the provider on the order's refund, or on that of money without one.
    fn refund(&mut self, status: &str) -> ShopEvent {
        let ours = self.world.state.refunds.first().map(|refund| refund.id);
        let beside = self.world.state.unapplied.first().and_then(|it| it.refund.as_ref());
        let id: RefundId = ours.or(beside.map(|refund| refund.id)).unwrap();
        refund_updated(order(), id, status)
    }

    /// The money without an order falls due.
    fn due(&mut self) -> ShopEvent {
        let money = self.world.state.unapplied[0].id;
        let timer = self.world.state.timer(TimerKind::UnappliedMoneyDue, TimerOwner::Money(money));
        let timer = timer.unwrap();
        self.world.now = self.world.now.max(timer.due_at);
        unapplied_due(order(), money, timer.generation, timer.due_at)
    }

    /// Adds a row for what an event moves.
    fn row(&mut self, situation: &str, event: &ShopEvent) {
        let decision = self.hear(event, false);
        self.add(event.kind(), situation, &decision);
    }

    fn add(&mut self, kind: EventKind, situation: &str, decision: &Decision) {
        let changes = &decision.changes;
        let kept = changes.unapplied.iter().map(|money| {
            format!("beside the order: `capture` {}: psp_receivable to suspense", money.amount)
        });
        let beside = changes.unapplied_transfers.iter();
        let beside = beside.map(|it| format!("beside the order: {}", in_words(&it.transfer)));
        let own = changes.transfers.iter().map(in_words);
        let transfers: Vec<String> = kept.chain(beside).chain(own).collect();
        let transfers =
            if transfers.is_empty() { "none".to_owned() } else { transfers.join("<br>") };
        self.rows.push(format!("| `{kind}` | {situation} | {transfers} |"));
    }

    fn hear(&mut self, event: &ShopEvent, waited_out: bool) -> Decision {
        self.messages += 1;
        let event = event.clone().id(&format!("message-{}", self.messages));
        // What providers report happens at its own time, a minute after what came before.
        self.world.now = self.world.now.plus(Duration::from_mins(1));
        let now = self.world.now.to_string();
        let event = match event.kind() {
            EventKind::RefundUpdated | EventKind::DisputeUpdated => event.with("occurred_at", now),
            _ => event,
        };
        let parked_until = waited_out.then_some(self.world.now);
        let moment = Moment { now: self.world.now, parked_until };
        decide(self.policies.clone(), &mut self.world, &event, moment)
    }
}

fn decide(policies: Policies, world: &mut World, event: &ShopEvent, moment: Moment) -> Decision {
    match event.kind() {
        EventKind::OrderCreated | EventKind::OrderCancelRequested | EventKind::ConsentWithdrawn => {
            world.handle_at(&OrderRules::new(policies), event, moment)
        }
        EventKind::PaymentAttempted
        | EventKind::UnappliedDue
        | EventKind::ReserveReplied
        | EventKind::ReserveAnswerDue => {
            world.handle_at(&PaymentRules::new(policies), event, moment)
        }
        EventKind::PaymentTimeout | EventKind::PaymentReminder => {
            world.handle_at(&TimeoutRules::new(policies), event, moment)
        }
        EventKind::RefundRequested
        | EventKind::RefundUpdated
        | EventKind::RefundReviewed
        | EventKind::RefundReviewDue => world.handle_at(&RefundRules::new(policies), event, moment),
        EventKind::DisputeOpened
        | EventKind::DisputeUpdated
        | EventKind::EvidenceSubmitted
        | EventKind::DisputeMediated
        | EventKind::DisputeDeadline => {
            world.handle_at(&DisputeRules::new(policies), event, moment)
        }
    }
}

fn in_words(transfer: &Transfer) -> String {
    let Transfer { code, amount, debit, credit, .. } = transfer;
    format!("`{code}` {amount}: {debit} to {credit}")
}

/// What every event moves, in every situation in which it moves something else.
fn rows() -> Vec<String> {
    let (world, policies) = (World::default(), Policies::default());
    let mut book = Book { world, rows: Vec::new(), messages: 0, policies };
    orders_and_payments(&mut book);
    late_money(&mut book);
    refunds(&mut book);
    disputes(&mut book);
    beside_orders(&mut book);
    book.rows
}

fn orders_and_payments(book: &mut Book) {
    book.begin().row("a new order", &order_created(order()));
    book.placed().row("it fits what is left to pay", &captured(1, 10_000));
    book.placed().row("more than is left", &captured(1, 12_000));
    book.paid().row("nothing is left", &captured(2, 10_000));
    book.placed().and(&cancel_requested(order())).row("the order is closed", &captured(1, 10_000));
    book.paid().row("the capture failed after all", &failed(1, 10_000));
    book.placed().and(&captured(1, 12_000));
    book.row("the same, its excess being on its way back", &failed(1, 12_000));
    let settled = book.refunding().refund("succeeded");
    book.and(&settled).row("the same, part of it gone to the buyer", &failed(1, 10_000));
    book.placed().and(&captured(1, 4_000));
    book.row("part of the order was paid", &cancel_requested(order()));
    book.placed().and(&captured(1, 4_000));
    book.world.clock("12:31:00");
    let timer = book.world.state.timers[0].clone();
    book.row("part of the order was paid", &timeout(order(), timer.generation, timer.due_at));
}

/// By the choices of a shop that reinstates orders, and then of one that asks a person.
fn late_money(book: &mut Book) {
    let late = captured(1, 10_000).with("occurred_at", json!(at("12:05:00")));
    book.policies.late_money.choice = LateMoneyChoice::Reinstate;
    book.expired().row("the order has expired, and is to be reinstated", &late);
    let yes = reserve_replied(order(), "reserved");
    book.expired().and(&late).row("the order has its stock again", &yes);
    let no = reserve_replied(order(), "refused");
    book.expired().and(&late).row("the order cannot have its stock again", &no);
    book.expired().and(&late);
    let timer = TimerOwner::Order(order());
    let timer = book.world.state.timer(TimerKind::ReserveAnswerDue, timer).unwrap().clone();
    book.world.now = timer.due_at;
    book.row("the shop did not answer", &reserve_due(order(), timer.generation, timer.due_at));
    book.policies.late_money.choice = LateMoneyChoice::Manual;
    book.expired().row("the order has expired, and a person decides", &late);
    book.policies = Policies::default();
}

fn refunds(book: &mut Book) {
    book.paid().row("approved", &refund_requested(order(), "r-1", 3_000));
    book.placed().and(&captured(1, 10_000)).world.now = "2026-05-01T12:00:00Z".parse().unwrap();
    book.row("laid before a person", &refund_requested(order(), "r-1", 3_000));
    let event = book.refunding().refund("succeeded");
    book.row("it reached the buyer", &event);
    let event = book.refunding().refund("failed");
    book.row("it did not", &event);
    let event = book.refunding().refund("succeeded");
    let event = book.and(&event).refund("reversed");
    book.row("it did, and came back", &event);
    let event = book.refunding().refund("failed");
    let event = book.and(&event).refund("succeeded");
    book.row("it did not, and then did after all", &event);
    let event = book.refunding().and(&disputed(10_000, "chargeback")).refund("failed");
    book.and(&verdict("lost")).row("it did not, and a dispute was lost meanwhile", &event);
}

fn disputes(book: &mut Book) {
    book.paid().row("an inquiry, with a fee", &disputed(10_000, "inquiry"));
    book.paid().row("a chargeback, with a fee", &disputed(10_000, "chargeback"));
    book.paid().and(&disputed(10_000, "chargeback")).row("lost", &verdict("lost"));
    let event = book.refunding().refund("succeeded");
    book.and(&event).and(&disputed(10_000, "chargeback"));
    book.row("lost, part of it being refunded already", &verdict("lost"));
    book.paid().and(&disputed(10_000, "chargeback")).row("won", &verdict("won"));
    book.paid().and(&disputed(10_000, "chargeback")).and(&verdict("lost"));
    book.row("lost and then won", &verdict("won"));
    book.paid().and(&disputed(10_000, "chargeback")).and(&verdict("won"));
    book.row("won and then lost", &verdict("lost"));
}

fn beside_orders(book: &mut Book) {
    let decision = book.begin().give_up(&captured(1, 10_000));
    book.add(EventKind::PaymentAttempted, "its order never came", &decision);
    let yen = captured(1, 1).with("amount", json!({"amount_minor": 5_800, "currency": "JPY"}));
    book.placed().row("in another currency than its order", &yen);
    let event = book.orphaned().due();
    book.row("its order did not come in a day", &event);
    let event = book.orphaned().and(&order_created(order())).due();
    book.row("its order has come", &event);
    let event = book.orphaned().due();
    book.world.state.unapplied[0].decision = Some(MoneyDecision::WriteOff);
    book.row("a person wrote it off", &event);
    let event = book.orphaned().due();
    let event = book.and(&event).refund("succeeded");
    book.row("of money without an order: it reached the buyer", &event);
    let event = book.orphaned().due();
    let event = book.and(&event).refund("failed");
    book.row("of money without an order: it did not", &event);
    book.orphaned();
    let decision = book.give_up(&failed(1, 10_000));
    book.add(
        EventKind::PaymentAttempted,
        "the capture of an order that never came failed",
        &decision,
    );
}

#[test]
fn the_document_s_table_of_transfers_is_what_the_rules_do() {
    let table = DOCUMENT.lines().skip_while(|line| *line != HEADER).skip(2);
    let told: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
    let rows = rows();
    assert_eq!(told, rows, "the table should be:\n{HEADER}\n|---|---|---|\n{}", rows.join("\n"));
}

#[test]
fn every_kind_of_transfer_is_in_the_table() {
    use domain::Status as _;
    let rows = rows().join("\n");
    for code in domain::ledger::JournalCode::ALL {
        assert!(rows.contains(&format!("`{code}`")), "{code}");
    }
}
