//! Money that fits no order: applied when its order comes, given back, or written off.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod disputed;
mod histories;

use std::time::Duration;

use contracts::events::PaymentOutcome;
use domain::judgement::PolicyKind;
use domain::ledger::Account;
use domain::message::Body;
use domain::order::OrderStatus;
use domain::policy::written;
use domain::timer::{Timer, TimerKind, TimerOwner, TimerStatus};
use domain::unapplied::{MoneyDecision, Resolution, UnappliedMoney};
use domain::{Moment, OrderId, Outcome, OutcomeCode, Policies};
use order_created::OrderRules;
use payment_attempted::PaymentRules;
use refund_requested::RefundRules;
use serde_json::json;
use testkit::shop::{
    ShopEvent, at, attempt_id, captured, order_created, order_id, payment, refund_review_due,
    refund_updated, unapplied_due,
};
use testkit::world::World;

fn order() -> OrderId {
    order_id(1)
}

fn policies() -> Policies {
    Policies::default()
}

fn pay(world: &mut World, event: &ShopEvent) -> Outcome {
    world.handle(&PaymentRules::new(policies()), event).outcome
}

fn open(world: &mut World) {
    let outcome = world.handle(&OrderRules::new(policies()), &order_created(order())).outcome;
    assert_eq!(outcome, Outcome::Applied);
}

/// A report whose order did not come within its time, which is over now.
fn wait_out(world: &mut World, event: &ShopEvent) -> Outcome {
    let moment = Moment { now: world.now, parked_until: Some(world.now) };
    world.handle_at(&PaymentRules::new(policies()), event, moment).outcome
}

/// EUR 100.00 whose order did not come; it is 12:36.
fn orphaned() -> World {
    let mut world = World::default();
    world.clock("12:36:00");
    let outcome = wait_out(&mut world, &captured(order(), attempt_id(1), 10_000));
    assert_eq!(outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    world.sent.clear();
    world
}

/// JPY beside an order in EUR; it is 12:06.
fn in_another_currency() -> World {
    let mut world = World::default();
    open(&mut world);
    world.clock("12:06:00");
    let yen = json!({"amount_minor": 5_800, "currency": "JPY"});
    let outcome = pay(&mut world, &captured(order(), attempt_id(1), 1).with("amount", yen));
    assert_eq!(outcome, Outcome::Quarantined(OutcomeCode::CurrencyMismatch));
    world.sent.clear();
    world
}

fn money(world: &World) -> UnappliedMoney {
    world.state.unapplied[0].clone()
}

fn timer(world: &World) -> Timer {
    let owner = TimerOwner::Money(money(world).id);
    world.state.timer(TimerKind::UnappliedMoneyDue, owner).unwrap().clone()
}

/// The timer's message, as its latest arming sends it.
fn due(world: &World) -> ShopEvent {
    let Timer { generation, due_at, .. } = timer(world);
    unapplied_due(order(), money(world).id, generation, due_at)
}

/// Lets the money's time come.
fn fall_due(world: &mut World) -> Outcome {
    world.now = world.now.max(timer(world).due_at);
    let event = due(world);
    pay(world, &event)
}

/// What `orderctl money` writes.
fn person_decides(world: &mut World, decision: MoneyDecision) {
    let now = world.now;
    let state = &mut world.state;
    state.unapplied[0].decision = Some(decision);
    let timer = &mut state.timers.iter_mut().find(|it| it.kind == TimerKind::UnappliedMoneyDue);
    let timer = timer.as_mut().unwrap();
    timer.generation += 1;
    state.unapplied[0].decided_at = Some(now);
    (timer.due_at, timer.status, timer.resolved_at) = (now, TimerStatus::Armed, None);
}

fn report(world: &mut World, status: &str) -> Outcome {
    let refund = money(world).refund.unwrap();
    let event = refund_updated(order(), refund.id, status)
        .with("occurred_at", world.now.to_string())
        .id(&format!("{status}-{}", world.now));
    world.handle(&RefundRules::new(policies()), &event).outcome
}

/// What the provider owes us of the money, what is in suspense and what is promised back.
#[track_caller]
fn check_money(world: &World, owed: i64, suspense: i64, promised: i64) {
    let balance = |account| world.unapplied_balance(money(world).id, account);
    let found = [
        balance(Account::PspReceivable),
        -balance(Account::Suspense),
        -balance(Account::RefundsPayable),
    ];
    assert_eq!(found, [owed, suspense, promised]);
}

fn cases(world: &World) -> Vec<OutcomeCode> {
    let cases = world.sent.iter().filter_map(|message| match &message.body {
        Body::OpsCaseOpened { code, .. } => Some(*code),
        _ => None,
    });
    cases.collect()
}

#[test]
fn why_money_without_an_order_goes_back_or_waits_is_recorded() {
    let refund_after = Policies::default().unapplied.refund_after;
    for (mut world, verdict, cause) in [
        (orphaned(), OutcomeCode::Orphaned, "orphan"),
        (in_another_currency(), OutcomeCode::UnappliedOverdue, "currency_mismatch"),
    ] {
        world.now = world.now.max(timer(&world).due_at);
        let event = due(&world);
        let decision = world.handle(&PaymentRules::new(policies()), &event);
        let [judgement] = decision.changes.judgements.as_slice() else { panic!("{decision:?}") };
        assert_eq!((judgement.policy, judgement.verdict), (PolicyKind::UnappliedMoney, verdict));
        for (name, value) in [
            ("money", money(&world).id.to_string()),
            ("cause", cause.to_owned()),
            ("refund_after", written(refund_after)),
        ] {
            assert!(judgement.inputs.contains(&(name, value)), "{name}: {judgement:?}");
        }
    }
}

#[test]
fn case_025_money_whose_order_never_comes_goes_back_after_a_day() {
    let mut world = orphaned();
    assert_eq!(timer(&world).due_at, "2026-03-02T12:36:00Z".parse().unwrap());
    let early = due(&world);
    assert_eq!(pay(&mut world, &early), Outcome::Noop(OutcomeCode::NotDue));
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(world.sent_names(), ["refund.execute", "payment.unapplied_resolved"]);
    assert_eq!(money(&world).resolution(), Some(Resolution::Refunded));
    check_money(&world, 10_000, 0, 10_000);
    let again = due(&world);
    assert_eq!(pay(&mut world, &again), Outcome::Noop(OutcomeCode::TimerFired));

    assert_eq!(report(&mut world, "succeeded"), Outcome::Applied);
    check_money(&world, 0, 0, 0);
    assert_eq!(world.sent_names().last(), Some(&"refund.succeeded"));
    assert_eq!(report(&mut world, "succeeded"), Outcome::Noop(OutcomeCode::DuplicateFact));
    assert!(cases(&world).is_empty());
}

#[test]
fn case_063_a_refund_without_an_order_that_fails_opens_the_money_again() {
    let mut world = orphaned();
    fall_due(&mut world);
    assert_eq!(report(&mut world, "failed"), Outcome::Applied);
    assert_eq!(money(&world).resolved, None);
    check_money(&world, 10_000, 10_000, 0);
    assert_eq!(cases(&world), [OutcomeCode::RefundFailed]);
    assert_eq!(timer(&world).status, TimerStatus::Armed);
    for tries in 1..=2 {
        assert_eq!(fall_due(&mut world), Outcome::Applied);
        assert_eq!(cases(&world)[1..], [OutcomeCode::UnappliedOverdue].repeat(tries));
        assert_eq!(world.sent_count("refund.execute"), 1, "what failed is not tried blindly");
    }

    let first = money(&world).refund.unwrap().id;
    person_decides(&mut world, MoneyDecision::Refund);
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_ne!(money(&world).refund.unwrap().id, first);
    assert_eq!(report(&mut world, "failed"), Outcome::Applied);
    fall_due(&mut world);
    assert_eq!(world.sent_count("refund.execute"), 2, "one decision is one try");

    person_decides(&mut world, MoneyDecision::Refund);
    fall_due(&mut world);
    assert_eq!(report(&mut world, "succeeded"), Outcome::Applied);
    check_money(&world, 0, 0, 0);
}

#[test]
fn case_062_a_refund_without_an_order_that_is_not_answered_is_ordered_again() {
    let mut world = orphaned();
    fall_due(&mut world);
    let refund = money(&world).refund.unwrap().id;
    let asked = |world: &World| {
        let owner = TimerOwner::Refund(refund);
        world.state.timer(TimerKind::RefundAnswerDue, owner).unwrap().clone()
    };
    for tries in 1..=2 {
        let Timer { generation, due_at, .. } = asked(&world);
        world.now = due_at;
        let due = refund_review_due(order(), refund, generation, due_at);
        let rules = RefundRules::new(policies());
        assert_eq!(world.handle(&rules, &due).outcome, Outcome::Applied);
        assert_eq!(world.handle(&rules, &due).outcome, Outcome::Noop(OutcomeCode::StaleGeneration));
        assert_eq!(world.sent_count("refund.execute"), 1 + tries);
        assert_eq!(cases(&world), [OutcomeCode::RefundUnanswered].repeat(tries));
    }
    let same = world.sent.iter().all(|message| match &message.body {
        Body::RefundExecute { refund_id, .. } => *refund_id == refund,
        _ => true,
    });
    assert!(same, "its id is the idempotency key");
    assert_eq!(report(&mut world, "succeeded"), Outcome::Applied);
    assert_eq!(asked(&world).status, TimerStatus::Cancelled);
    check_money(&world, 0, 0, 0);
}

#[test]
fn case_064_a_refund_without_an_order_that_comes_back_is_in_suspense_again() {
    let mut world = orphaned();
    fall_due(&mut world);
    report(&mut world, "succeeded");
    world.now = world.now.plus(Duration::from_mins(1));
    assert_eq!(report(&mut world, "reversed"), Outcome::Applied);
    check_money(&world, 10_000, 10_000, 0);
    assert_eq!((money(&world).resolved, cases(&world)), (None, vec![OutcomeCode::RefundReversed]));
}

#[test]
fn case_022_money_that_was_given_up_waiting_pays_its_order_when_that_comes() {
    let mut world = orphaned();
    world.clock("12:40:00");
    let created = order_created(order()).with("placed_at", at("12:20:00").to_string());
    world.handle(&OrderRules::new(policies()), &created);
    assert_eq!((timer(&world).due_at, timer(&world).generation), (at("12:40:00"), 2));
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(world.state.order.as_ref().unwrap().status, OrderStatus::Paid);
    assert_eq!(money(&world).resolution(), Some(Resolution::Applied));
    check_money(&world, 0, 0, 0);
    assert_eq!(world.balance(Account::PspReceivable), 10_000);
    world.check_books();

    let told_again = captured(order(), attempt_id(1), 10_000).id("again");
    assert_eq!(pay(&mut world, &told_again), Outcome::Noop(OutcomeCode::DuplicateFact));
}

#[test]
fn case_003_money_that_was_given_up_waiting_goes_back_from_an_order_that_expired() {
    let mut world = orphaned();
    open(&mut world);
    world.write(|draft| {
        let order = draft.state().order.clone().unwrap();
        let (status, reason) = (OrderStatus::Expired, domain::order::CloseReason::PaymentTimeout);
        let code = OutcomeCode::PaymentTimeout;
        domain::operations::close_order(draft, status, reason, code).unwrap();
        assert_eq!(order.status, OrderStatus::PendingPayment);
    });
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    check_money(&world, 0, 0, 0);
    assert_eq!(-world.balance(Account::RefundsPayable), 10_000, "refunded as late money");
    world.check_books();
}

#[test]
fn case_028_a_capture_that_went_back_without_its_order_is_not_booked_again() {
    let mut world = orphaned();
    fall_due(&mut world);
    open(&mut world);
    let told_again = captured(order(), attempt_id(1), 10_000).id("again");
    assert_eq!(pay(&mut world, &told_again), Outcome::Noop(OutcomeCode::DuplicateFact));
    let other_amount = captured(order(), attempt_id(1), 9_000);
    let outcome = pay(&mut world, &other_amount);
    assert_eq!(outcome, Outcome::Quarantined(OutcomeCode::FactConflict));
    assert_eq!(world.balance(Account::PspReceivable), 0);
}

#[test]
fn case_050_orphaned_money_that_fails_after_all_is_not_given_back() {
    let mut world = orphaned();
    let failed = payment(order(), attempt_id(1), PaymentOutcome::CaptureFailed, 10_000);
    assert_eq!(wait_out(&mut world, &failed), Outcome::Orphaned(OutcomeCode::Orphaned));
    assert_eq!(money(&world).resolution(), Some(Resolution::WrittenOff));
    check_money(&world, 0, 0, 0);
    assert_eq!(timer(&world).status, TimerStatus::Cancelled);
}

#[test]
fn case_051_money_in_another_currency_waits_for_a_person_and_is_called_to_mind() {
    let mut world = in_another_currency();
    assert_eq!(timer(&world).due_at, "2026-03-04T12:06:00Z".parse().unwrap());
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(cases(&world), [OutcomeCode::UnappliedOverdue]);
    check_money(&world, 5_800, 5_800, 0);
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(cases(&world), [OutcomeCode::UnappliedOverdue; 2], "until somebody decides");

    person_decides(&mut world, MoneyDecision::Refund);
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    report(&mut world, "succeeded");
    check_money(&world, 0, 0, 0);
    let back = world.sent.iter().find_map(|message| match &message.body {
        Body::RefundExecute { amount, .. } => Some(*amount),
        _ => None,
    });
    assert_eq!(back.unwrap().to_string(), "JPY 5800", "in its own currency");
}

#[test]
fn case_050_money_in_another_currency_that_fails_after_all_is_out_of_the_books() {
    let yen = json!({"amount_minor": 5_800, "currency": "JPY"});
    let failed = payment(order(), attempt_id(1), PaymentOutcome::CaptureFailed, 1);
    let failed = failed.with("amount", yen);

    let mut world = in_another_currency();
    assert_eq!(pay(&mut world, &failed), Outcome::Noop(OutcomeCode::CaptureFailed));
    assert_eq!(money(&world).resolution(), Some(Resolution::WrittenOff));
    check_money(&world, 0, 0, 0);
    assert_eq!(timer(&world).status, TimerStatus::Cancelled);

    let mut world = in_another_currency();
    person_decides(&mut world, MoneyDecision::Refund);
    fall_due(&mut world);
    assert_eq!(pay(&mut world, &failed), Outcome::Noop(OutcomeCode::CaptureFailed));
    assert_eq!(cases(&world), [OutcomeCode::CaptureFailed], "it is on its way back already");
}

#[test]
fn case_029_money_that_the_provider_does_not_have_is_written_off() {
    let mut world = in_another_currency();
    person_decides(&mut world, MoneyDecision::WriteOff);
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(money(&world).resolution(), Some(Resolution::WrittenOff));
    check_money(&world, 0, 0, 0);
    assert_eq!(world.sent_names(), ["payment.unapplied_resolved"]);
}

#[test]
fn case_042_orphaned_money_for_another_merchant_than_its_order_s_waits_for_a_person() {
    let mut world = World::default();
    world.clock("12:36:00");
    let event = captured(order(), attempt_id(1), 10_000).with("merchant_id", "m-2");
    wait_out(&mut world, &event);
    open(&mut world);
    world.sent.clear();
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(cases(&world), [OutcomeCode::MerchantMismatch]);
    assert_eq!(money(&world).resolved, None);
    check_money(&world, 10_000, 10_000, 0);
    assert_eq!(timer(&world).status, TimerStatus::Armed, "it is called to mind");
}
