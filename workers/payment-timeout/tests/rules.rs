//! What an order's payment timers do to it, case by case of the domain's list.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "rules/unpaid.rs"]
mod unpaid;

use contracts::{Money, OrderId};
use domain::judgement::PolicyKind;
use domain::ledger::Account;
use domain::message::Body;
use domain::operations::{arm_payment_timers, close_order, pay_order};
use domain::order::{CloseReason, Order, OrderStatus};
use domain::payment::{AttemptStatus, Capture, Classification};
use domain::refund::RefundStatus;
use domain::timer::{TimerKind, TimerOwner, TimerStatus};
use domain::{Changes, Moment, Outcome, OutcomeCode, ParkKey, Policies};
use payment_timeout::TimeoutRules;
use testkit::shop::{ShopEvent, at, order_id, reminder, timeout};
use testkit::world::World;

fn order() -> OrderId {
    order_id(1)
}

fn tell(world: &mut World, event: &ShopEvent) -> Outcome {
    world.handle(&TimeoutRules::new(Policies::default()), event).outcome
}

/// An order placed at 12:00, its window ending at 12:30, with attempts that got this far.
fn placed_with(attempts: &[AttemptStatus]) -> World {
    let mut world = World::pending_order(10_000);
    arm_timers(&mut world);
    for (number, status) in (1..).zip(attempts) {
        world.attempt(number, 10_000, *status);
    }
    world
}

/// Arms both timers of the order as its row says.
fn arm_timers(world: &mut World) {
    let order = row(world).clone();
    world.write(|draft| arm_payment_timers(draft, &order, &Policies::default()));
}

/// Lets the order be paid in full by its first attempt.
fn pay(world: &mut World) {
    world.capture(1, 10_000, Classification::Normal);
    let order = row(world).clone();
    world.write(|draft| pay_order(draft, order, None));
    world.sent.clear();
}

/// Lets the buyer cancel the order.
fn cancel(world: &mut World) {
    let (to, code) = (OrderStatus::Cancelled, OutcomeCode::CancelRequested);
    world.write(|draft| close_order(draft, to, CloseReason::Buyer, code).unwrap());
    world.sent.clear();
}

/// The window's end comes back, of this generation and at this time.
fn time_out(world: &mut World, time: &str, generation: i32) -> Outcome {
    world.clock(time);
    tell(world, &timeout(order(), generation, at(time)))
}

/// A reminder comes back, of this generation and at this time.
fn remind(world: &mut World, time: &str, generation: i32) -> Outcome {
    world.clock(time);
    tell(world, &reminder(order(), generation, at(time)))
}

fn row(world: &World) -> &Order {
    world.state.order.as_ref().unwrap()
}

/// When a timer will fire next and as which generation, if it is armed.
fn armed(world: &World, kind: TimerKind) -> Option<(String, i32)> {
    let timer = world.state.timer(kind, TimerOwner::Order(order()))?;
    let due = timer.due_at.to_string();
    (timer.status == TimerStatus::Armed).then(|| (due[11..19].to_owned(), timer.generation))
}

fn check_armed(world: &World, kind: TimerKind, due: &str, generation: i32) {
    assert_eq!(armed(world, kind), Some((due.to_owned(), generation)));
}

fn check_expired(world: &World, code: OutcomeCode) {
    assert_eq!(row(world).status, OrderStatus::Expired, "{code}");
    assert_eq!(row(world).close_reason, Some(CloseReason::PaymentTimeout));
    assert_eq!(row(world).closed_at, Some(world.now));
    assert_eq!(armed(world, TimerKind::PaymentTimeout), None);
    assert_eq!(armed(world, TimerKind::PaymentReminder), None);
    assert_eq!(world.sent_count("order.expired"), 1);
    assert_eq!(world.sent_count("inventory.release_requested"), 1);
}

/// The window's end comes at 12:30 and changes nothing, for this reason.
fn check_noop(world: &mut World, generation: i32, code: OutcomeCode) {
    let before = world.state.clone();
    assert_eq!(time_out(world, "12:30:00", generation), Outcome::Noop(code));
    assert_eq!(world.state, before);
    assert!(world.sent.is_empty());
}

#[test]
fn an_unpaid_order_expires_when_its_window_ends() {
    let mut world = placed_with(&[]);
    let rules = TimeoutRules::new(Policies::default());
    world.clock("12:30:00");
    let decision = world.handle(&rules, &timeout(order(), 1, at("12:30:00")));
    assert_eq!(decision.outcome, Outcome::Applied);
    assert_eq!(decision.changes.history[0].reason, Some(OutcomeCode::PaymentTimeout));
    check_expired(&world, OutcomeCode::PaymentTimeout);
    assert_eq!(world.sent_names(), ["order.expired", "inventory.release_requested"]);
}

#[test]
fn case_001_a_paid_order_does_not_expire() {
    let mut world = placed_with(&[]);
    pay(&mut world);
    check_noop(&mut world, 1, OutcomeCode::AlreadyPaid);
}

#[test]
fn a_cancelled_order_does_not_expire() {
    let mut world = placed_with(&[]);
    cancel(&mut world);
    check_noop(&mut world, 1, OutcomeCode::AlreadyClosed);
}

#[test]
fn case_006_a_payment_under_way_holds_expiry_and_its_provider_is_asked() {
    let mut world = placed_with(&[AttemptStatus::Processing, AttemptStatus::Declined]);
    assert_eq!(time_out(&mut world, "12:30:00", 1), Outcome::Applied);
    assert_eq!(row(&world).status, OrderStatus::PendingPayment);
    assert_eq!(row(&world).held_since, Some(at("12:30:00")));
    check_armed(&world, TimerKind::PaymentTimeout, "12:35:00", 2);
    assert_eq!(world.sent_names(), ["payment.status_check_requested"]);
}

#[test]
fn case_006_the_hold_ends_when_the_payment_fails() {
    let mut world = placed_with(&[AttemptStatus::RequiresAction]);
    time_out(&mut world, "12:30:00", 1);
    world.attempt(1, 10_000, AttemptStatus::Failed);
    assert_eq!(time_out(&mut world, "12:35:00", 2), Outcome::Applied);
    check_expired(&world, OutcomeCode::PaymentTimeout);
}

#[test]
fn case_006_a_payment_that_succeeds_within_the_hold_pays_the_order() {
    let mut world = placed_with(&[AttemptStatus::Processing]);
    time_out(&mut world, "12:30:00", 1);
    world.clock("12:33:00");
    pay(&mut world);
    assert_eq!(time_out(&mut world, "12:35:00", 2), Outcome::Noop(OutcomeCode::AlreadyPaid));
}

#[test]
fn case_007_silence_of_the_provider_is_waited_out_and_then_the_order_expires() {
    let mut world = placed_with(&[AttemptStatus::Processing]);
    let looks = ["12:30:00", "12:35:00", "12:40:00", "12:45:00", "12:50:00", "12:55:00"];
    for (generation, time) in (1..).zip(looks) {
        assert_eq!(time_out(&mut world, time, generation), Outcome::Applied);
        assert_eq!(row(&world).status, OrderStatus::PendingPayment, "at {time}");
    }
    assert_eq!(world.sent_count("payment.status_check_requested"), looks.len());
    check_armed(&world, TimerKind::PaymentTimeout, "13:00:00", 7);
    assert_eq!(time_out(&mut world, "13:00:00", 7), Outcome::Applied);
    check_expired(&world, OutcomeCode::HoldExhausted);
}

#[test]
fn case_007_the_last_look_is_at_the_end_of_the_hold_not_beyond() {
    let mut world = placed_with(&[AttemptStatus::Processing]);
    time_out(&mut world, "12:30:00", 1);
    time_out(&mut world, "12:58:00", 2);
    check_armed(&world, TimerKind::PaymentTimeout, "13:00:00", 3);
}

#[test]
fn case_008_a_timer_that_comes_early_waits_for_its_row() {
    let mut world = placed_with(&[]);
    world.clock("12:29:59");
    let early = timeout(order(), 1, at("12:00:00"));
    assert_eq!(tell(&mut world, &early), Outcome::Noop(OutcomeCode::NotDue));
    check_armed(&world, TimerKind::PaymentTimeout, "12:30:00", 1);
}

#[test]
fn case_009_a_timer_that_comes_twice_fires_once() {
    let mut world = placed_with(&[]);
    time_out(&mut world, "12:30:00", 1);
    let again = time_out(&mut world, "12:30:00", 1);
    assert_eq!(again, Outcome::Noop(OutcomeCode::AlreadyClosed));

    let mut world = placed_with(&[]);
    remind(&mut world, "12:15:00", 1);
    remind(&mut world, "12:20:00", 2);
    let again = remind(&mut world, "12:20:00", 2);
    assert_eq!(again, Outcome::Noop(OutcomeCode::TimerFired));
    assert_eq!(world.sent_count("payment.reminder_due"), 2);
}

#[test]
fn case_011_a_timer_that_comes_days_late_finds_nothing_to_do() {
    let mut world = placed_with(&[]);
    time_out(&mut world, "12:30:00", 1);
    world.sent.clear();
    world.now = "2026-03-09T12:00:00Z".parse().unwrap();
    let late = timeout(order(), 1, at("12:30:00"));
    assert_eq!(tell(&mut world, &late), Outcome::Noop(OutcomeCode::AlreadyClosed));
    assert!(world.sent.is_empty());
}

#[test]
fn case_012_a_timer_that_was_armed_anew_is_stale() {
    let mut world = placed_with(&[]);
    let extended = Order { expires_at: at("13:00:00"), ..row(&world).clone() };
    world.write(|draft| draft.put_order(extended, None));
    arm_timers(&mut world);
    check_noop(&mut world, 1, OutcomeCode::StaleGeneration);
    check_armed(&world, TimerKind::PaymentTimeout, "13:00:00", 2);
}

#[test]
fn case_012_a_generation_that_never_was_is_stale() {
    check_noop(&mut placed_with(&[]), 99, OutcomeCode::StaleGeneration);
}

#[test]
fn case_013_a_timer_without_an_order_waits_and_is_then_forgotten() {
    let rules = TimeoutRules::new(Policies::default());
    let until = at("12:30:00");
    for event in [timeout(order(), 1, at("12:00:00")), reminder(order(), 1, at("12:00:00"))] {
        let mut world = World::default();
        let waiting = Outcome::Parked { key: ParkKey::Order(order()), until };
        assert_eq!(world.handle(&rules, &event).outcome, waiting);
        let moment = Moment { now: until, parked_until: Some(until) };
        let decision = world.handle_at(&rules, &event, moment);
        assert_eq!(decision.outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
        assert_eq!(decision.changes, Changes::default());
    }
}

#[test]
fn case_015_an_order_whose_sums_cannot_be_made_is_set_aside_without_a_panic() {
    let mut world = placed_with(&[]);
    world.capture(1, 4_000, Classification::Normal);
    let first = world.state.captures[0].clone();
    let most = Money::new(Money::MAX_MINOR, first.amount.currency()).unwrap();
    let impossible = Capture { capture_ref: "impossible".parse().unwrap(), amount: most, ..first };
    world.state.captures.push(impossible);
    let outcome = time_out(&mut world, "12:30:00", 1);
    assert_eq!(outcome, Outcome::Quarantined(OutcomeCode::AmountOutOfRange));
    assert_eq!(row(&world).status, OrderStatus::PendingPayment);
    assert_eq!(world.sent_names(), ["ops.case_opened"]);
}

#[test]
fn case_016_attempts_that_failed_do_not_hold_an_order() {
    use AttemptStatus::{AuthorizationExpired, Declined, Failed, Voided};
    let mut world = placed_with(&[Declined, Failed, Voided, AuthorizationExpired]);
    time_out(&mut world, "12:30:00", 1);
    check_expired(&world, OutcomeCode::PaymentTimeout);
}

#[test]
fn case_017_one_attempt_alive_keeps_the_order_whatever_became_of_the_others() {
    use AttemptStatus::{AuthorizationExpired, Processing};
    let mut world = placed_with(&[AuthorizationExpired, Processing]);
    time_out(&mut world, "12:30:00", 1);
    assert_eq!(row(&world).status, OrderStatus::PendingPayment);
}

#[test]
fn an_authorisation_that_was_not_captured_in_time_is_given_back() {
    let mut world = placed_with(&[AttemptStatus::Authorized]);
    time_out(&mut world, "12:30:00", 1);
    check_expired(&world, OutcomeCode::PaymentTimeout);
    assert_eq!(world.sent_count("payment.void_requested"), 1);
}

/// The buyer could pay an order that is gone (Sylius #8928).
#[test]
fn a_payment_still_being_made_is_ended_with_its_order() {
    use AttemptStatus::{Declined, Initiated, Processing};
    let mut world = placed_with(&[Initiated, Processing, Declined]);
    time_out(&mut world, "12:30:00", 1);
    assert_eq!(world.sent_count("payment.void_requested"), 0, "it is held for them first");
    let held = world.state.timer(TimerKind::PaymentTimeout, TimerOwner::Order(order())).unwrap();
    let (generation, longest) = (held.generation, Policies::default().max_hold);
    world.now = world.now.plus(longest);
    let due = timeout(order(), generation, world.now);
    assert_eq!(tell(&mut world, &due), Outcome::Applied);
    check_expired(&world, OutcomeCode::HoldExhausted);
    assert_eq!(world.sent_count("payment.void_requested"), 2);
}

#[test]
fn case_018_a_slow_method_has_its_longer_window() {
    let mut world = World::pending_order(10_000);
    let in_a_week = "2026-03-08T12:00:00Z".parse().unwrap();
    let slow = Order { expires_at: in_a_week, ..row(&world).clone() };
    world.write(|draft| draft.put_order(slow, None));
    arm_timers(&mut world);
    assert_eq!(time_out(&mut world, "12:30:00", 1), Outcome::Noop(OutcomeCode::NotDue));
    world.now = in_a_week;
    assert_eq!(tell(&mut world, &timeout(order(), 1, in_a_week)), Outcome::Applied);
    check_expired(&world, OutcomeCode::PaymentTimeout);
}

#[test]
fn case_020_payments_that_waited_come_before_the_end_of_a_window_already_over() {
    let mut world = World::pending_order(10_000);
    world.clock("14:00:00");
    arm_timers(&mut world);
    check_armed(&world, TimerKind::PaymentTimeout, "14:00:30", 1);
    pay(&mut world);
    assert_eq!(time_out(&mut world, "14:00:30", 1), Outcome::Noop(OutcomeCode::AlreadyPaid));
}

#[test]
fn a_reminder_asks_for_what_is_left_and_arms_the_next() {
    let mut world = placed_with(&[]);
    world.capture(1, 4_000, Classification::Normal);
    assert_eq!(remind(&mut world, "12:15:00", 1), Outcome::Applied);
    let Body::PaymentReminderDue { amount, expires_at, .. } = &world.sent[0].body else {
        panic!("unexpected {:?}", world.sent);
    };
    assert_eq!((amount.minor(), *expires_at), (6_000, at("12:30:00")));
    check_armed(&world, TimerKind::PaymentReminder, "12:20:00", 2);
    assert_eq!(remind(&mut world, "12:20:00", 2), Outcome::Applied);
    assert_eq!(armed(&world, TimerKind::PaymentReminder), None);
    assert_eq!(world.sent_count("payment.reminder_due"), 2);
}

#[test]
fn whether_a_buyer_is_reminded_is_recorded_with_what_decided_it() {
    for (status, verdict, under_way) in [
        (AttemptStatus::Declined, OutcomeCode::ReminderSent, "0"),
        (AttemptStatus::Processing, OutcomeCode::ReminderSuppressed, "1"),
    ] {
        let mut world = placed_with(&[status]);
        world.clock("12:15:00");
        let decision = world
            .handle(&TimeoutRules::new(Policies::default()), &reminder(order(), 1, at("12:15:00")));
        let [judgement] = decision.changes.judgements.as_slice() else { panic!("{decision:?}") };
        assert_eq!((judgement.policy, judgement.verdict), (PolicyKind::PaymentReminder, verdict));
        let input = |name| judgement.inputs.iter().find(|(known, _)| *known == name).unwrap();
        assert_eq!(input("left_to_pay").1, "EUR 100.00");
        assert_eq!(input("payments_under_way").1, under_way);
        assert_eq!(input("at").1, "50% and -10m");
    }
}

#[test]
fn a_reminder_that_comes_late_skips_the_next_one_if_that_is_too_near() {
    let mut world = placed_with(&[]);
    assert_eq!(remind(&mut world, "12:16:00", 1), Outcome::Applied);
    assert_eq!(armed(&world, TimerKind::PaymentReminder), None);
    assert_eq!(world.sent_names(), ["payment.reminder_due"]);
}

#[test]
fn case_021_a_reminder_is_suppressed_once_the_order_is_paid_or_closed() {
    let (mut paid, mut cancelled) = (placed_with(&[]), placed_with(&[]));
    pay(&mut paid);
    cancel(&mut cancelled);
    for world in [&mut paid, &mut cancelled] {
        let outcome = remind(world, "12:15:00", 1);
        assert_eq!(outcome, Outcome::Noop(OutcomeCode::ReminderSuppressed));
        assert!(world.sent.is_empty());
    }
}

#[test]
fn case_021_nobody_is_asked_to_pay_again_while_the_provider_works_on_it() {
    for status in [AttemptStatus::Processing, AttemptStatus::Authorized] {
        let mut world = placed_with(&[status]);
        assert_eq!(remind(&mut world, "12:15:00", 1), Outcome::Applied);
        assert!(world.sent.is_empty(), "{status}");
        check_armed(&world, TimerKind::PaymentReminder, "12:20:00", 2);
    }
}

#[test]
fn case_021_a_reminder_after_the_window_is_not_sent() {
    let mut world = placed_with(&[]);
    assert_eq!(remind(&mut world, "12:30:01", 1), Outcome::Applied);
    assert!(world.sent.is_empty());
    assert_eq!(armed(&world, TimerKind::PaymentReminder), None);
}

#[test]
fn a_reminder_that_comes_early_or_is_stale_is_not_sent() {
    let mut world = placed_with(&[]);
    assert_eq!(remind(&mut world, "12:14:59", 1), Outcome::Noop(OutcomeCode::NotDue));
    assert_eq!(remind(&mut world, "12:15:00", 2), Outcome::Noop(OutcomeCode::StaleGeneration));
    assert!(world.sent.is_empty());
}

#[test]
fn case_043_what_was_paid_in_part_is_refunded_when_the_window_ends() {
    let mut world = placed_with(&[]);
    world.capture(1, 4_000, Classification::Normal).capture(2, 1_000, Classification::Normal);
    time_out(&mut world, "12:30:00", 1);
    check_expired(&world, OutcomeCode::PaymentTimeout);
    let refunds: Vec<_> =
        world.state.refunds.iter().map(|r| (r.amount.minor(), r.status)).collect();
    assert_eq!(refunds, [(4_000, RefundStatus::Approved), (1_000, RefundStatus::Approved)]);
    assert_eq!(world.balance(Account::CustomerFunds), 0);
    assert_eq!(world.balance(Account::RefundsPayable), -5_000);
    assert_eq!(world.sent_count("refund.execute"), 2);
}
