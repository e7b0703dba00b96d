//! What an order's own events do to it, case by case of the domain's list.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "rules/restricted.rs"]
mod restricted;

use std::time::Duration;

use contracts::events::RefundReason;
use domain::ledger::Account;
use domain::message::Body;
use domain::operations::{OwnRefund, refund_own};
use domain::order::{CloseReason, Order, OrderStatus};
use domain::payment::AttemptStatus;
use domain::policy::{CancellationPolicy, PaidCancellation};
use domain::timer::{Timer, TimerKind, TimerOwner, TimerStatus};
use domain::{Moment, Money, OrderId, Outcome, OutcomeCode, ParkKey, Policies};
use order_created::OrderRules;
use serde_json::{Value, json};
use testkit::shop::{ShopEvent, at, cancel_requested, order_created, order_id};
use testkit::world::World;

fn order() -> OrderId {
    order_id(1)
}

fn tell(world: &mut World, event: &ShopEvent) -> Outcome {
    world.handle(&OrderRules::new(Policies::default()), event).outcome
}

fn placed() -> World {
    let mut world = World::default();
    assert_eq!(tell(&mut world, &order_created(order())), Outcome::Applied);
    world
}

fn row(world: &World) -> &Order {
    world.state.order.as_ref().unwrap()
}

fn timer(world: &World, kind: TimerKind) -> Option<&Timer> {
    world.state.timer(kind, TimerOwner::Order(order()))
}

/// When a timer will fire, such as `Some("12:30:00")`.
fn check_armed(world: &World, kind: TimerKind, due: Option<&str>) {
    let armed = timer(world, kind).filter(|timer| timer.status == TimerStatus::Armed);
    assert_eq!(armed.map(|timer| timer.due_at), due.map(at));
}

/// An order that differs in these fields has this end of its payment window.
fn check_window(fields: &Value, expires_at: &str) {
    let mut event = order_created(order());
    for (field, value) in fields.as_object().unwrap() {
        event = event.with(field, value.clone());
    }
    let mut world = World::default();
    assert_eq!(tell(&mut world, &event), Outcome::Applied);
    assert_eq!(row(&world).expires_at, expires_at.parse().unwrap(), "{fields}");
}

fn revision(number: i32, total_minor: i64) -> ShopEvent {
    order_created(order())
        .with("revision", number)
        .with("total", json!({"amount_minor": total_minor, "currency": "EUR"}))
}

#[test]
fn an_order_waits_for_its_money_with_its_timers_armed() {
    let world = placed();
    assert_eq!(row(&world).status, OrderStatus::PendingPayment);
    check_armed(&world, TimerKind::PaymentTimeout, Some("12:30:00"));
    check_armed(&world, TimerKind::PaymentReminder, Some("12:15:00"));
    assert!(world.sent.is_empty());
}

#[test]
fn a_window_too_short_for_a_reminder_has_none() {
    let mut world = World::default();
    tell(&mut world, &order_created(order()).with("payment_window_s", 300));
    check_armed(&world, TimerKind::PaymentTimeout, Some("12:05:00"));
    check_armed(&world, TimerKind::PaymentReminder, None);
}

#[test]
fn case_014_deadlines_of_an_order_from_the_future_count_from_now() {
    let tomorrow = json!({"placed_at": "2026-03-02T12:00:00Z"});
    check_window(&tomorrow, "2026-03-01T12:30:00Z");
    let with_end =
        json!({"placed_at": "2026-03-02T12:00:00Z", "expires_at": "2026-03-02T13:00:00Z"});
    check_window(&with_end, "2026-03-01T13:00:00Z");
    let a_little_ahead = json!({"placed_at": "2026-03-01T12:04:00Z"});
    check_window(&a_little_ahead, "2026-03-01T12:34:00Z");
}

#[test]
fn case_014_a_clock_ahead_is_noted_in_history() {
    let mut world = World::default();
    let event = order_created(order()).with("placed_at", "2026-03-02T12:00:00Z");
    let decision = world.handle(&OrderRules::new(Policies::default()), &event);
    assert_eq!(decision.changes.history[0].reason, Some(OutcomeCode::ClockSkew));
}

#[test]
fn case_018_every_method_has_its_own_window_unless_the_shop_names_one() {
    check_window(&json!({"payment_method_hint": "card"}), "2026-03-01T12:30:00Z");
    check_window(&json!({"payment_method_hint": "wallet"}), "2026-03-01T12:30:00Z");
    check_window(&json!({"payment_method_hint": "bank_transfer"}), "2026-03-08T12:00:00Z");
    check_window(&json!({"payment_method_hint": "cowrie"}), "2026-03-01T13:00:00Z");
    check_window(&json!({"payment_method_hint": null}), "2026-03-01T13:00:00Z");
    check_window(&json!({"payment_window_s": 90}), "2026-03-01T12:01:30Z");
    let both = json!({"payment_window_s": 90, "expires_at": "2026-03-01T12:45:00Z"});
    check_window(&both, "2026-03-01T12:45:00Z");
}

#[test]
fn a_window_of_nothing_still_ends_after_its_beginning() {
    let mut policies = Policies::default();
    policies.windows.card = Duration::ZERO;
    let mut world = World::default();
    world.handle(&OrderRules::new(policies), &order_created(order()));
    assert!(row(&world).expires_at > row(&world).placed_at);
}

#[test]
fn case_019_a_free_order_is_paid_at_once_and_has_no_timer() {
    let mut world = World::default();
    assert_eq!(tell(&mut world, &revision(1, 0)), Outcome::Applied);
    assert_eq!(row(&world).status, OrderStatus::Paid);
    assert_eq!(row(&world).paid_at, Some(world.now));
    assert!(world.state.timers.is_empty());
    assert_eq!(world.sent_names(), ["order.paid"]);
}

#[test]
fn case_020_an_order_that_comes_after_its_deadline_first_hears_its_payments() {
    let mut world = World::default();
    world.clock("14:00:00");
    tell(&mut world, &order_created(order()));
    assert_eq!(row(&world).status, OrderStatus::PendingPayment);
    check_armed(&world, TimerKind::PaymentTimeout, Some("14:00:30"));
    check_armed(&world, TimerKind::PaymentReminder, None);
}

#[test]
fn case_022_a_new_order_lets_go_of_what_waited_for_it() {
    let mut world = World::default();
    let rules = OrderRules::new(Policies::default());
    let decision = world.handle(&rules, &order_created(order()));
    assert_eq!(decision.changes.arrived, [ParkKey::Order(order())]);
}

#[test]
fn an_order_told_again_is_open_already() {
    let mut world = placed();
    let again = order_created(order()).id("another");
    assert_eq!(tell(&mut world, &again), Outcome::Noop(OutcomeCode::AlreadyOpen));
    tell(&mut world, &revision(3, 12_000));
    let late = revision(2, 11_000);
    assert_eq!(tell(&mut world, &late), Outcome::Noop(OutcomeCode::AlreadyOpen));
    assert_eq!(row(&world).total.minor(), 12_000);
}

#[test]
fn case_039_a_later_revision_brings_a_new_total_and_window() {
    let mut world = placed();
    world.clock("12:10:00");
    let later = revision(2, 12_000).with("placed_at", json!(at("12:10:00")));
    assert_eq!(tell(&mut world, &later), Outcome::Applied);
    assert_eq!((row(&world).revision, row(&world).total.minor()), (2, 12_000));
    check_armed(&world, TimerKind::PaymentTimeout, Some("12:40:00"));
    check_armed(&world, TimerKind::PaymentReminder, Some("12:25:00"));
    assert_eq!(timer(&world, TimerKind::PaymentTimeout).unwrap().generation, 2);
}

#[test]
fn case_039_a_window_made_too_short_loses_its_reminder() {
    let mut world = placed();
    let shorter = revision(2, 10_000).with("payment_window_s", 300);
    assert_eq!(tell(&mut world, &shorter), Outcome::Applied);
    check_armed(&world, TimerKind::PaymentTimeout, Some("12:05:00"));
    check_armed(&world, TimerKind::PaymentReminder, None);
}

#[test]
fn case_039_a_payment_that_failed_does_not_hold_a_revision_back() {
    let mut world = placed();
    world.attempt(1, 10_000, AttemptStatus::Declined);
    assert_eq!(tell(&mut world, &revision(2, 12_000)), Outcome::Applied);
    assert_eq!(row(&world).total.minor(), 12_000);
}

#[test]
fn case_039_a_payment_under_way_keeps_the_total_it_rests_on() {
    let mut world = placed();
    world.attempt(1, 10_000, AttemptStatus::Processing);
    assert_eq!(tell(&mut world, &revision(2, 12_000)), Outcome::Applied);
    assert_eq!((row(&world).revision, row(&world).total.minor()), (1, 10_000));
    assert!(row(&world).amount_changed);
    assert_eq!(world.sent_names(), ["ops.case_opened"]);
    let once_more = revision(3, 13_000);
    assert_eq!(tell(&mut world, &once_more), Outcome::Noop(OutcomeCode::AmountChanged));
}

#[test]
fn case_039_the_same_total_is_taken_over_whatever_is_under_way() {
    let mut world = placed();
    world.attempt(1, 10_000, AttemptStatus::Processing);
    let longer = revision(2, 10_000).with("payment_window_s", 3_600);
    assert_eq!(tell(&mut world, &longer), Outcome::Applied);
    assert!(!row(&world).amount_changed);
    check_armed(&world, TimerKind::PaymentTimeout, Some("13:00:00"));
}

#[test]
fn case_039_a_paid_order_keeps_its_total() {
    let mut world = World::paid_order(&[10_000]);
    let same = revision(2, 10_000);
    assert_eq!(tell(&mut world, &same), Outcome::Noop(OutcomeCode::AlreadyPaid));
    assert_eq!(tell(&mut world, &revision(3, 12_000)), Outcome::Applied);
    assert!(row(&world).amount_changed);
    assert_eq!((row(&world).status, row(&world).total.minor()), (OrderStatus::Paid, 10_000));
}

#[test]
fn case_039_a_revision_may_make_an_order_free() {
    let mut world = placed();
    assert_eq!(tell(&mut world, &revision(2, 0)), Outcome::Applied);
    assert_eq!(row(&world).status, OrderStatus::Paid);
    check_armed(&world, TimerKind::PaymentTimeout, None);
    check_armed(&world, TimerKind::PaymentReminder, None);
    assert_eq!(world.sent_names(), ["order.paid"]);
}

#[test]
fn case_042_another_merchant_cannot_revise_an_order() {
    let mut world = placed();
    let foreign = revision(2, 1).with("merchant_id", "m-2");
    let outcome = tell(&mut world, &foreign);
    assert_eq!(outcome, Outcome::Quarantined(OutcomeCode::MerchantMismatch));
    assert_eq!(row(&world).total.minor(), 10_000);
    assert_eq!(world.sent_names(), ["ops.case_opened"]);
}

#[test]
fn case_051_an_order_does_not_change_its_currency() {
    let mut world = placed();
    let yen = json!({"amount_minor": 10_000, "currency": "JPY"});
    let outcome = tell(&mut world, &revision(2, 1).with("total", yen));
    assert_eq!(outcome, Outcome::Quarantined(OutcomeCode::CurrencyMismatch));
    assert_eq!(row(&world).total.currency().code(), "EUR");
}

#[test]
fn case_084_a_cancelled_order_gives_its_authorisation_and_its_stock_back() {
    let mut world = placed();
    world.attempt(1, 10_000, AttemptStatus::Authorized);
    world.clock("12:10:00");
    assert_eq!(tell(&mut world, &cancel_requested(order())), Outcome::Applied);
    assert_eq!(row(&world).status, OrderStatus::Cancelled);
    assert_eq!(row(&world).close_reason, Some(CloseReason::Buyer));
    assert_eq!(row(&world).closed_at, Some(world.now));
    check_armed(&world, TimerKind::PaymentTimeout, None);
    check_armed(&world, TimerKind::PaymentReminder, None);
    assert_eq!(
        world.sent_names(),
        ["payment.void_requested", "order.cancelled", "inventory.release_requested"]
    );
}

#[test]
fn case_084_a_payment_still_being_made_is_ended_with_its_order() {
    let mut world = placed();
    world.attempt(1, 10_000, AttemptStatus::RequiresAction);
    world.attempt(2, 10_000, AttemptStatus::Declined);
    assert_eq!(tell(&mut world, &cancel_requested(order())), Outcome::Applied);
    assert_eq!(world.sent_count("payment.void_requested"), 1);
}

#[test]
fn case_085_a_paid_order_is_not_cancelled() {
    let mut world = World::paid_order(&[10_000]);
    let outcome = tell(&mut world, &cancel_requested(order()));
    assert_eq!(outcome, Outcome::Rejected(OutcomeCode::AlreadyPaid));
    assert_eq!(row(&world).status, OrderStatus::Paid);
}

/// Rules of a shop that lets these call paid orders off.
fn shop_that_lets(paid_orders: PaidCancellation) -> OrderRules {
    let cancellation = CancellationPolicy { paid_orders, ..CancellationPolicy::default() };
    OrderRules::new(Policies { cancellation, ..Policies::default() })
}

#[test]
fn a_paid_order_is_cancelled_where_its_shop_lets_who_asks() {
    use PaidCancellation::{Anybody, Nobody, Staff};
    let allowed = [(Nobody, [false, false]), (Staff, [false, true]), (Anybody, [true, true])];
    for (paid_orders, [buyer, operator]) in allowed {
        for (actor, expected) in [("buyer", buyer), ("operator", operator)] {
            let mut world = World::paid_order(&[4_000, 6_000]);
            let event = cancel_requested(order()).with("actor", actor);
            let decision = world.handle(&shop_that_lets(paid_orders), &event);
            let cancelled = row(&world).status == OrderStatus::Cancelled;
            assert_eq!(cancelled, expected, "{paid_orders}, {actor}");
            assert_eq!(decision.changes.judgements.len(), usize::from(expected));
            let back = if expected { 10_000 } else { 0 };
            assert_eq!(-world.balance(Account::RefundsPayable), back);
            assert_eq!(world.sent_count("inventory.release_requested"), usize::from(expected));
            world.check_books();
        }
    }
}

#[test]
fn a_paid_order_that_is_cancelled_gives_back_only_what_is_there() {
    let mut world = World::paid_order(&[10_000]);
    world.write(|draft| {
        let (order, attempt) = (draft.state().order.clone(), draft.state().attempts[0].clone());
        let wanted = OwnRefund {
            attempt: &attempt,
            amount: Money::new(3_000, "EUR".parse().unwrap()).unwrap(),
            request_key: "shop-1".to_owned(),
            reason: RefundReason::Goodwill,
            funded_from: Account::CustomerFunds,
            code: OutcomeCode::WithinLimits,
        };
        refund_own(draft, &order.unwrap(), &wanted).unwrap();
    });
    let rules = shop_that_lets(PaidCancellation::Anybody);
    world.handle(&rules, &cancel_requested(order()));
    let amounts: Vec<i64> = world.state.refunds.iter().map(|it| it.amount.minor()).collect();
    assert_eq!(amounts, [3_000, 7_000]);
    world.check_books();
}

#[test]
fn case_086_stock_is_released_once_and_with_its_reservation() {
    let mut world = placed();
    tell(&mut world, &cancel_requested(order()));
    for actor in ["merchant", "fraud", "operator"] {
        let again = cancel_requested(order()).with("actor", actor);
        assert_eq!(tell(&mut world, &again), Outcome::Noop(OutcomeCode::AlreadyClosed));
    }
    let released = world.sent.iter().filter_map(|message| {
        let Body::InventoryReleaseRequested { reservation_id, lines, .. } = &message.body else {
            return None;
        };
        Some((reservation_id.as_ref().unwrap().as_str(), lines.len()))
    });
    assert_eq!(released.collect::<Vec<_>>(), [("r-1", 1)]);
}

#[test]
fn a_closed_order_is_not_revised() {
    let mut world = placed();
    tell(&mut world, &cancel_requested(order()));
    let outcome = tell(&mut world, &revision(2, 12_000));
    assert_eq!(outcome, Outcome::Noop(OutcomeCode::AlreadyClosed));
}

#[test]
fn a_cancellation_waits_for_its_order_and_in_the_end_a_person_is_told() {
    let mut world = World::default();
    let event = cancel_requested(order());
    let until = at("12:30:00");
    let waiting = Outcome::Parked { key: ParkKey::Order(order()), until };
    assert_eq!(tell(&mut world, &event), waiting);

    let rules = OrderRules::new(Policies::default());
    let parked = |now| Moment { now, parked_until: Some(until) };
    let early = world.handle_at(&rules, &event, parked(at("12:20:00")));
    assert_eq!(early.outcome, waiting, "waiting again does not lengthen the wait");
    let decision = world.handle_at(&rules, &event, parked(until));
    assert_eq!(decision.outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    assert_eq!(world.sent_names(), ["ops.case_opened"]);
}
