//! Random lives of one order: whatever comes, in whatever order, its books are right.

use std::collections::HashSet;
use std::time::Duration;

use contracts::Timestamp;
use contracts::events::PaymentOutcome;
use domain::ledger::Account;
use domain::order::OrderStatus;
use domain::timer::{TimerKind, TimerOwner, TimerStatus};
use domain::unapplied::Resolution;
use domain::{Decision, Moment, Outcome, OutcomeCode, ParkKey};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use serde_json::json;
use testkit::shop::{ShopEvent, attempt_id, cancel_requested, order_created, payment};
use testkit::world::World;

use crate::payments::scene::{decide, order};

/// Something that happens to the order.
#[derive(Clone, Debug)]
enum Step {
    Hear(ShopEvent),
    /// The same fact as an earlier event, in a message of its own.
    HearAgain(usize),
    /// A timer comes back, rightly or not.
    Timer(TimerKind, i32),
    /// The next armed timer comes due and comes back.
    NextTimer,
    Pass(Duration),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => created().prop_map(Step::Hear),
        10 => report().prop_map(Step::Hear),
        1 => Just(Step::Hear(cancel_requested(order()))),
        2 => any::<usize>().prop_map(Step::HearAgain),
        1 => (select(vec![TimerKind::PaymentTimeout, TimerKind::PaymentReminder]), 0..4)
            .prop_map(|(kind, generation)| Step::Timer(kind, generation)),
        2 => Just(Step::NextTimer),
        2 => (0_u64..600).prop_map(|seconds| Step::Pass(Duration::from_secs(seconds))),
    ];
    vec(step, 1..24)
}

fn created() -> impl Strategy<Value = ShopEvent> {
    let total = prop_oneof![4 => Just(10_000), 2 => Just(12_000), 1 => Just(0)];
    (1..4, total, option::of(1_u32..4_000)).prop_map(|(revision, total, window)| {
        order_created(order())
            .with("revision", revision)
            .with("total", json!({"amount_minor": total, "currency": "EUR"}))
            .with("payment_window_s", window)
    })
}

fn report() -> impl Strategy<Value = ShopEvent> {
    use PaymentOutcome::{
        AuthorizationExpired, Authorized, CaptureFailed, Captured, Declined, Failed, Processing,
        RequiresAction, Voided,
    };
    let outcome = prop_oneof![
        6 => Just(Captured),
        2 => Just(CaptureFailed),
        6 => select(vec![
            RequiresAction, Processing, Authorized, Declined, Failed, Voided, AuthorizationExpired,
        ]),
    ];
    let amount = select(vec![1, 4_000, 6_000, 10_000, 12_000, 999_999_999_999_i64]);
    let capture_ref = option::of(select(vec!["c-1", "c-2", "c-3"]));
    let last = option::of(any::<bool>());
    let minute = 0..60;
    (1_u32..4, outcome, amount, capture_ref, last, minute, oddity()).prop_map(
        |(attempt, outcome, amount, capture_ref, last, minute, oddity)| {
            let event = payment(order(), attempt_id(attempt), outcome, amount)
                .with("capture_ref", capture_ref)
                .with("final_capture", last)
                .with("occurred_at", format!("2026-03-01T12:{minute:02}:00Z"));
            oddity.map_or(event.clone(), |(field, value)| event.with(field, value))
        },
    )
}

/// Now and then a report that does not fit.
fn oddity() -> impl Strategy<Value = Option<(&'static str, serde_json::Value)>> {
    let odd = vec![
        ("merchant_id", json!("m-2")),
        ("amount", json!({"amount_minor": 5_800, "currency": "JPY"})),
        ("authorized", json!({"amount_minor": 8_000, "currency": "EUR"})),
        ("provider_ref", json!("pay-other")),
        ("attempt_id", json!(attempt_id(1))),
        ("occurred_at", json!("2027-01-01T00:00:00Z")),
    ];
    prop_oneof![6 => Just(None), 1 => select(odd).prop_map(Some)]
}

/// What stands between the queues and the rules: the inbox and the parked events.
#[derive(Default)]
struct Life {
    world: World,
    heard: Vec<ShopEvent>,
    done: HashSet<String>,
    parked: Vec<(ParkKey, Timestamp, ShopEvent)>,
}

impl Life {
    fn step(&mut self, step: Step) {
        match step {
            Step::Hear(event) => {
                self.heard.push(event.clone());
                self.deliver(&event, None);
            }
            Step::HearAgain(index) => {
                let id = format!("again-{}", self.done.len());
                let earlier = self.heard.get(index % self.heard.len().max(1));
                if let Some(event) = earlier.map(|event| event.clone().id(&id)) {
                    self.deliver(&event, None);
                }
            }
            Step::Timer(kind, generation) => {
                let event = timer_event(kind, generation, self.world.now);
                self.deliver(&event, None);
            }
            Step::NextTimer => self.fire_next(),
            Step::Pass(duration) => self.world.now = self.world.now.plus(duration),
        }
    }

    /// Lets the next armed timer come due; each hand-over is a message of its own.
    fn fire_next(&mut self) {
        let timers = self.world.state.timers.iter();
        let armed = timers.filter(|timer| timer.status == TimerStatus::Armed);
        let Some(timer) = armed.min_by_key(|timer| timer.due_at).cloned() else {
            return;
        };
        self.world.now = self.world.now.max(timer.due_at);
        let event = timer_event(timer.kind, timer.generation, timer.due_at);
        let event = match timer.owner {
            TimerOwner::Money(money) => event.with("money_id", money.to_string()),
            TimerOwner::Refund(refund) => event.with("refund_id", refund.to_string()),
            TimerOwner::Order(_) | TimerOwner::Dispute(_) => event,
        };
        self.deliver(&event.id(&format!("timer-{}", self.done.len())), None);
    }

    fn deliver(&mut self, event: &ShopEvent, parked_until: Option<Timestamp>) {
        let id = event.json()["id"].to_string();
        if self.done.contains(&id) {
            return;
        }
        let moment = Moment { now: self.world.now, parked_until };
        let before = self.lengths();
        let decision = decide(&mut self.world, event, moment);
        self.check_numbering(before, &decision);
        check_money_is_a_fact(&self.world, event, &decision);
        self.check();
        match decision.outcome {
            Outcome::Parked { key, until } => self.parked.push((key, until, event.clone())),
            Outcome::Rejected(_) => {}
            Outcome::Applied
            | Outcome::Noop(_)
            | Outcome::Orphaned(_)
            | Outcome::Quarantined(_) => {
                self.done.insert(id);
            }
        }
        for key in decision.changes.arrived {
            self.release(|waits_for, _| *waits_for == key);
        }
    }

    /// Delivers parked events again.
    fn release(&mut self, which: impl Fn(&ParkKey, Timestamp) -> bool) {
        let (released, parked): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.parked).into_iter().partition(|(key, at, _)| which(key, *at));
        self.parked = parked;
        for (_, until, event) in released {
            self.deliver(&event, Some(until));
        }
    }

    /// Nothing more is heard: parked events are given up, timers fire until none is left.
    fn end(&mut self) {
        self.world.now = self.world.now.plus(Duration::from_hours(1));
        let now = self.world.now;
        self.release(|_, until| until <= now);
        assert!(self.parked.is_empty());
        for _ in 0..64 {
            self.fire_next();
        }
        let state = &self.world.state;
        let order = state.order.as_ref();
        assert!(order.is_none_or(|order| order.status != OrderStatus::PendingPayment));
    }

    fn check(&self) {
        check_books(&self.world);
        check_status(&self.world);
        check_timers(&self.world);
        let closed = self.status().is_some_and(OrderStatus::is_closed);
        let released = self.world.sent_count("inventory.release_requested");
        assert_eq!(released, usize::from(closed), "stock goes back once, and only when closed");
        let paid = self.status() == Some(OrderStatus::Paid);
        assert_eq!(self.world.sent_count("order.paid"), usize::from(paid));
    }

    /// How many lines of history and transfers the order has.
    fn lengths(&self) -> (i32, i32) {
        let order = self.world.state.order.as_ref();
        order.map_or((0, 0), |order| (order.history_len, order.ledger_len))
    }

    /// History and ledger are numbered without a gap.
    fn check_numbering(&self, (history, ledger): (i32, i32), decision: &Decision) {
        let lines: Vec<_> = decision.changes.history.iter().map(|line| line.seq).collect();
        let transfers: Vec<_> = decision.changes.transfers.iter().map(|row| row.seq).collect();
        let (history_now, ledger_now) = self.lengths();
        assert_eq!(lines, (history + 1..=history_now).collect::<Vec<_>>());
        assert_eq!(transfers, (ledger + 1..=ledger_now).collect::<Vec<_>>());
    }

    fn status(&self) -> Option<OrderStatus> {
        self.world.state.order.as_ref().map(|order| order.status)
    }
}

fn timer_event(kind: TimerKind, generation: i32, due_at: Timestamp) -> ShopEvent {
    let data = json!({"order_id": order(), "generation": generation, "due_at": due_at});
    ShopEvent::new(kind.event(), data)
}

/// Money that was captured is recorded, known already, kept beside the order, or waits for it.
fn check_money_is_a_fact(world: &World, event: &ShopEvent, decision: &Decision) {
    let data = &event.json()["data"];
    if data["outcome"] != json!("captured") {
        return;
    }
    let amount = data["amount"]["amount_minor"].as_i64().unwrap();
    let kept = decision.changes.unapplied.iter().any(|money| money.amount.minor() == amount);
    let reference = data["capture_ref"].as_str().or(data["provider_ref"].as_str()).unwrap();
    let known = world.state.captures.iter().find(|c| c.capture_ref.as_str() == reference);
    let beside = world.state.unapplied.iter().any(|it| it.capture_ref.as_str() == reference);
    match decision.outcome {
        Outcome::Applied => assert_eq!(decision.changes.captures[0].amount.minor(), amount),
        Outcome::Noop(code) => {
            assert_eq!(code, OutcomeCode::DuplicateFact);
            assert!(known.is_some() || beside);
        }
        Outcome::Parked { .. } => assert!(world.state.order.is_none()),
        Outcome::Orphaned(_) => assert!(kept || beside),
        Outcome::Quarantined(_) => assert!(kept || beside || known.is_some()),
        Outcome::Rejected(code) => panic!("money was refused as {code}"),
    }
}

/// Every account says what the rows say, and nothing is left where it does not belong.
fn check_books(world: &World) {
    world.check_books();
    assert_eq!(world.balance(Account::Suspense), 0, "what we may not keep is promised back");
    assert_eq!(world.balance(Account::DisputeLosses), 0);
    for money in &world.state.unapplied {
        let owed = world.unapplied_balance(money.id, Account::PspReceivable);
        let kept = match money.resolution() {
            None | Some(Resolution::Refunded) => money.amount.minor(),
            Some(Resolution::Applied | Resolution::WrittenOff) => 0,
        };
        assert_eq!(owed, kept, "no provider reports on refunds here");
    }
}

/// An order is paid only by its money, waits only without it, and is closed only empty.
fn check_status(world: &World) {
    let Some(order) = &world.state.order else {
        return;
    };
    let applied = |live_only: bool| -> i64 {
        let counted = world.state.captures.iter().filter(|c| c.is_live() || !live_only);
        counted.map(|capture| capture.applied.minor()).sum()
    };
    match order.status {
        OrderStatus::PendingPayment => assert!(applied(true) < order.total.minor()),
        OrderStatus::Paid => assert!(applied(false) >= order.total.minor()),
        OrderStatus::Expired | OrderStatus::Cancelled => {
            assert_eq!(world.balance(Account::CustomerFunds), 0, "stranded on a closed order");
        }
    }
    assert!(applied(true) <= order.total.minor());
    assert!(order.expires_at > order.placed_at);
}

/// An order that waits will be looked at again; no other one will.
fn check_timers(world: &World) {
    let Some(order) = &world.state.order else {
        return;
    };
    let armed = |kind| {
        let timer = world.state.timer(kind, TimerOwner::Order(order.id));
        timer.is_some_and(|timer| timer.status == TimerStatus::Armed)
    };
    let pending = order.status == OrderStatus::PendingPayment;
    assert_eq!(armed(TimerKind::PaymentTimeout), pending);
    assert!(pending || !armed(TimerKind::PaymentReminder));
}

/// What became of the order: its status, what pays it, and what goes back.
fn result_of(events: Vec<ShopEvent>) -> (Option<OrderStatus>, i64, i64) {
    let mut life = Life::default();
    for event in events {
        life.step(Step::Hear(event));
    }
    let funds = -life.world.balance(Account::CustomerFunds);
    (life.status(), funds, -life.world.balance(Account::RefundsPayable))
}

/// An order and reports on its attempts, as told and in another order; each fact once.
fn told_twice() -> impl Strategy<Value = (Vec<ShopEvent>, Vec<ShopEvent>)> {
    use PaymentOutcome::{Authorized, Declined, Failed, Processing, RequiresAction};
    let captures = vec((1_u32..3, 1_i64..9_000), 0..5).prop_map(|captures| {
        let events = (1..).zip(captures).map(|(number, (attempt, amount))| {
            payment(order(), attempt_id(attempt), PaymentOutcome::Captured, amount)
                .with("capture_ref", format!("c-{number}"))
        });
        events.collect::<Vec<_>>()
    });
    let outcomes = select(vec![Authorized, Declined, Failed, Processing, RequiresAction]);
    let others = vec((1_u32..3, outcomes), 0..5).prop_map(|reports| {
        let events = reports
            .into_iter()
            .map(|(attempt, outcome)| payment(order(), attempt_id(attempt), outcome, 20_000));
        events.collect::<Vec<_>>()
    });
    (captures, others).prop_flat_map(|(captures, others)| {
        let told = [vec![order_created(order())], captures, others].concat();
        (Just(told.clone()), Just(told).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_comes_in_whatever_order_the_books_are_right(steps in steps()) {
        let mut life = Life::default();
        for step in steps {
            life.step(step);
        }
        life.end();
    }

    #[test]
    fn the_order_in_which_facts_come_makes_no_difference((told, shuffled) in told_twice()) {
        assert_eq!(result_of(told), result_of(shuffled));
    }
}
