//! Late money that may pay its order after all, and money that is a little short.

use std::time::Duration;

use domain::message::Body;
use domain::order::OrderStatus;
use domain::payment::Classification;
use domain::policy::{AmountLimits, LateMoneyChoice};
use domain::refund::RefundStatus;
use domain::timer::{TimerKind, TimerOwner, TimerStatus};
use domain::{Moment, Outcome, OutcomeCode, ParkKey, Policies, Timestamp};
use serde_json::json;
use testkit::shop::{
    ShopEvent, at, cancel_requested, dispute_id, dispute_opened, order_created, refund_requested,
    refund_review_due, refund_reviewed, reserve_due, reserve_replied,
};
use testkit::world::World;

use crate::payments::scene::{
    after, attempt, cancelled, capture, check_books, check_last_capture, check_order,
    check_refunds, decide_by, expired, order, placed, report, row,
};

/// A shop that has orders paid by late money, if that was paid within ten minutes.
fn reinstating() -> Policies {
    let mut policies = Policies::default();
    policies.late_money.choice = LateMoneyChoice::Reinstate;
    policies.late_money.reinstate_grace = Duration::from_mins(10);
    policies
}

fn asking_people() -> Policies {
    let mut policies = Policies::default();
    policies.late_money.choice = LateMoneyChoice::Manual;
    policies
}

fn tolerating(minor: i64) -> Policies {
    let mut policies = reinstating();
    policies.late_money.tolerance = AmountLimits::everywhere(minor);
    policies
}

fn tell(policies: &Policies, world: &mut World, event: &ShopEvent) -> Outcome {
    let moment = Moment { now: world.now, parked_until: None };
    decide_by(policies, world, event, moment).outcome
}

fn tell_all(policies: &Policies, world: &mut World, events: &[ShopEvent]) {
    for event in events {
        assert_eq!(tell(policies, world, event), Outcome::Applied, "{event:?}");
    }
    world.check_books();
}

fn paid_at(event: ShopEvent, at: Timestamp) -> ShopEvent {
    event.with("occurred_at", json!(at))
}

/// The whole of an order over 100.00, paid in time, and told after its expiry at 12:30.
fn told_late() -> ShopEvent {
    capture(1, 10_000)
}

/// An order that waits for its shop's answer since 12:50, its messages so far forgotten.
fn waiting() -> World {
    let mut world = expired();
    world.clock("12:50:00");
    tell_all(&reinstating(), &mut world, &[told_late()]);
    assert_eq!(world.sent_names(), ["inventory.reserve_requested"]);
    world.sent.clear();
    world
}

fn replied(outcome: &str) -> ShopEvent {
    reserve_replied(order(), outcome)
}

fn waits_until(world: &World) -> Option<Timestamp> {
    let timer = world.state.timer(TimerKind::ReserveAnswerDue, TimerOwner::Order(order()))?;
    (timer.status == TimerStatus::Armed).then_some(timer.due_at)
}

/// All of the money is on its way back, as if nobody had wanted it.
fn check_went_back(world: &World, code: OutcomeCode) {
    check_order(world, OrderStatus::Expired);
    check_last_capture(world, Classification::Late, 0);
    check_books(world, 0, 0, 10_000);
    check_refunds(world, &[(10_000, code)]);
    assert_eq!(waits_until(world), None);
}

fn check_reinstated(world: &World) {
    check_order(world, OrderStatus::Paid);
    check_last_capture(world, Classification::Normal, 10_000);
    check_books(world, 10_000, 0, 0);
    assert_eq!(world.sent_count("order.reinstated"), 1);
    assert_eq!(world.sent_count("order.paid"), 1);
    let row = row(world);
    assert_eq!((row.closed_at, row.close_reason, row.stock_released_at), (None, None, None));
    assert_eq!(waits_until(world), None);
}

#[test]
fn case_087_late_money_is_kept_while_the_shop_is_asked_for_the_stock() {
    let mut world = expired();
    world.clock("12:50:00");
    tell_all(&reinstating(), &mut world, &[told_late()]);
    check_order(&world, OrderStatus::Expired);
    check_last_capture(&world, Classification::Held, 0);
    check_books(&world, 0, 10_000, 0);
    assert_eq!(waits_until(&world), Some(at("13:05:00")));
    let [message] = &world.sent[..] else { panic!("{:?}", world.sent_names()) };
    let Body::InventoryReserveRequested { reservation_id, lines, reply_by, .. } = &message.body
    else {
        panic!("{}", message.body.name())
    };
    assert_eq!(reservation_id.as_ref().map(ToString::to_string), Some("r-1".to_owned()));
    assert_eq!((lines.len(), *reply_by), (1, at("13:05:00")));
}

#[test]
fn case_087_an_order_with_its_stock_again_is_paid_by_its_late_money() {
    let mut world = waiting();
    tell_all(&reinstating(), &mut world, &[replied("reserved").with("reservation_id", "r-2")]);
    check_reinstated(&world);
    assert!(world.state.refunds.is_empty());
    assert_eq!(row(&world).reservation_id.as_ref().map(ToString::to_string), Some("r-2".into()));
    let again = replied("reserved").id("again");
    let decided = Outcome::Noop(OutcomeCode::AlreadyDecided);
    assert_eq!(tell(&reinstating(), &mut world, &again), decided);
    assert_eq!(tell(&reinstating(), &mut world, &replied("refused")), decided);
    check_reinstated(&world);
}

#[test]
fn case_087_a_refusal_sends_the_money_back() {
    let mut world = waiting();
    tell_all(&reinstating(), &mut world, &[replied("refused")]);
    check_went_back(&world, OutcomeCode::LateNotification);
    assert_eq!(world.sent_names(), ["refund.approved", "refund.execute", "payment.anomaly"]);
    let key = world.state.refunds[0].request_key.to_string();
    assert!(key.starts_with("late:"), "{key}");
}

#[test]
fn case_087_silence_sends_the_money_back_and_a_later_yes_the_stock() {
    let mut world = waiting();
    let due = reserve_due(order(), 1, at("13:05:00"));
    assert_eq!(tell(&reinstating(), &mut world, &due), Outcome::Noop(OutcomeCode::NotDue));
    world.clock("13:05:00");
    tell_all(&reinstating(), &mut world, &[due]);
    check_went_back(&world, OutcomeCode::LateNotification);
    world.clock("13:06:00").sent.clear();
    tell_all(&reinstating(), &mut world, &[replied("reserved").with("reservation_id", "r-2")]);
    let [message] = &world.sent[..] else { panic!("{:?}", world.sent_names()) };
    let Body::InventoryReleaseRequested { reservation_id, .. } = &message.body else {
        panic!("{}", message.body.name())
    };
    assert_eq!(reservation_id.as_ref().map(ToString::to_string), Some("r-2".to_owned()));
    let again = replied("reserved").id("again");
    let decided = Outcome::Noop(OutcomeCode::AlreadyDecided);
    assert_eq!(tell(&reinstating(), &mut world, &again), decided);
    assert_eq!(world.sent_count("inventory.release_requested"), 1);
}

#[test]
fn case_086_a_reinstated_order_that_is_closed_gives_its_new_stock_back_once() {
    let mut world = waiting();
    tell_all(&reinstating(), &mut world, &[replied("reserved")]);
    world.sent.clear();
    for _ in 0..2 {
        world.write(|draft| {
            let (to, reason) = (OrderStatus::Cancelled, domain::order::CloseReason::Operator);
            let code = OutcomeCode::CancelRequested;
            domain::operations::close_order(draft, to, reason, code).unwrap();
        });
    }
    assert_eq!(world.sent_count("inventory.release_requested"), 1);
    check_order(&world, OrderStatus::Cancelled);
}

#[test]
fn case_087_stock_for_money_that_is_gone_by_then_is_given_back() {
    let failed = report(1, contracts::events::PaymentOutcome::CaptureFailed, 10_000);
    let disputed = dispute_opened(order(), dispute_id(1), attempt(1), 10_000);
    for (gone, funds) in [(failed, 0), (disputed, 10_000)] {
        let mut world = waiting();
        tell_all(&reinstating(), &mut world, &[gone]);
        world.sent.clear();
        tell_all(&reinstating(), &mut world, &[replied("reserved")]);
        check_order(&world, OrderStatus::Expired);
        assert_eq!(world.sent_count("inventory.release_requested"), 1);
        assert_eq!(world.sent_count("refund.execute"), 0);
        check_books(&world, 0, funds, 0);
    }
}

#[test]
fn case_087_what_the_buyer_wanted_back_meanwhile_goes_back_once() {
    for (wanted, rest) in [(10_000, 0), (4_000, 6_000)] {
        for reply in ["reserved", "refused"] {
            let mut world = waiting();
            let wish = refund_requested(order(), "wish", wanted);
            tell_all(&reinstating(), &mut world, &[wish, replied(reply)]);
            check_order(&world, OrderStatus::Expired);
            check_books(&world, 0, 0, 10_000);
            let last = world.state.refunds.last().unwrap().amount.minor();
            assert_eq!(last, if rest == 0 { wanted } else { rest });
            let stock = usize::from(reply == "reserved");
            assert_eq!(world.sent_count("inventory.release_requested"), stock);
        }
    }
}

#[test]
fn case_087_nobody_who_called_the_order_off_gets_it_reinstated() {
    let mut world = waiting();
    let noop = Outcome::Noop(OutcomeCode::AlreadyClosed);
    assert_eq!(tell(&reinstating(), &mut world, &cancel_requested(order())), noop);
    check_refunds(&world, &[(10_000, OutcomeCode::LateNotification)]);
    world.sent.clear();
    tell_all(&reinstating(), &mut world, &[replied("reserved")]);
    check_order(&world, OrderStatus::Expired);
    assert_eq!(world.sent_names(), ["inventory.release_requested"]);
}

#[test]
fn case_087_an_order_is_asked_for_once() {
    let mut world = waiting();
    tell_all(&reinstating(), &mut world, &[capture(2, 10_000)]);
    check_last_capture(&world, Classification::Late, 0);
    check_books(&world, 0, 10_000, 10_000);
    tell_all(&reinstating(), &mut world, &[replied("refused")]);
    assert_eq!(world.sent_count("inventory.reserve_requested"), 0);
    check_books(&world, 0, 0, 20_000);
    tell_all(&reinstating(), &mut world, &[capture(3, 10_000)]);
    check_books(&world, 0, 0, 30_000);
    assert_eq!(world.sent_count("inventory.reserve_requested"), 0);
}

#[test]
fn case_087_an_answer_that_nobody_asked_for_changes_nothing() {
    let mut world = World::default();
    let parked = Outcome::Parked { key: ParkKey::Order(order()), until: at("12:30:00") };
    assert_eq!(tell(&reinstating(), &mut world, &replied("reserved")), parked);
    tell_all(&reinstating(), &mut world, &[order_created(order())]);
    let stale = Outcome::Noop(OutcomeCode::Stale);
    assert_eq!(tell(&reinstating(), &mut world, &replied("reserved")), stale);
    let moment = Moment { now: at("12:40:00"), parked_until: Some(at("12:30:00")) };
    let mut nowhere = World::default();
    let decision = decide_by(&reinstating(), &mut nowhere, &replied("reserved"), moment);
    assert_eq!(decision.outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    assert_eq!(nowhere.sent_names(), ["ops.case_opened"]);
}

#[test]
fn case_003_late_money_pays_its_order_within_the_grace_and_not_a_microsecond_later() {
    let grace_ends = at("12:40:00");
    let later = grace_ends.plus(Duration::from_micros(1));
    for (happened, kept) in [(grace_ends, true), (later, false)] {
        let mut world = expired();
        world.clock("12:50:00");
        tell_all(&reinstating(), &mut world, &[paid_at(told_late(), happened)]);
        assert_eq!(waits_until(&world).is_some(), kept);
        if !kept {
            check_went_back(&world, OutcomeCode::LatePayment);
        }
    }
}

#[test]
fn case_004_money_in_time_pays_its_order_however_late_we_hear_of_it() {
    let mut without_grace = reinstating();
    without_grace.late_money.reinstate_grace = Duration::ZERO;
    for (happened, kept) in [("12:30:00", true), ("12:30:01", false)] {
        let mut world = expired();
        world.clock("23:00:00");
        tell_all(&without_grace, &mut world, &[paid_at(told_late(), at(happened))]);
        assert_eq!(waits_until(&world).is_some(), kept, "{happened}");
    }
}

#[test]
fn case_003_what_became_of_late_money_is_on_record_with_its_reasons() {
    let judged = |policies: &Policies| {
        let mut world = expired();
        let moment = Moment { now: at("12:50:00"), parked_until: None };
        let decision = decide_by(policies, &mut world, &told_late(), moment);
        let [judgement] = &decision.changes.judgements[..] else { panic!("one judgement") };
        assert_eq!(judgement.policy, domain::judgement::PolicyKind::LateMoney);
        let choice = judgement.inputs.iter().find(|(name, _)| *name == "choice");
        (judgement.verdict, choice.unwrap().1.clone())
    };
    let refund = (OutcomeCode::LateNotification, "refund".to_owned());
    assert_eq!(judged(&Policies::default()), refund);
    let reinstate = (OutcomeCode::StockRequested, "reinstate".to_owned());
    assert_eq!(judged(&reinstating()), reinstate);
    let manual = (OutcomeCode::LateMoneyToDecide, "manual".to_owned());
    assert_eq!(judged(&asking_people()), manual);
}

#[test]
fn money_for_a_cancelled_order_or_less_than_the_total_goes_back_whatever_is_chosen() {
    for policies in [reinstating(), asking_people()] {
        let mut world = cancelled();
        tell_all(&policies, &mut world, &[told_late()]);
        check_books(&world, 0, 0, 10_000);
        let mut world = expired();
        tell_all(&policies, &mut world, &[capture(1, 9_999)]);
        check_books(&world, 0, 0, 9_999);
        let mut world = after(placed(), &[capture(1, 100)]);
        world.clock("12:30:00");
        tell_all(&policies, &mut world, &[testkit::shop::timeout(order(), 1, at("12:30:00"))]);
        tell_all(&policies, &mut world, &[capture(2, 10_000)]);
        check_books(&world, 0, 0, 10_100);
    }
}

#[test]
fn case_044_what_late_money_brings_beyond_its_order_goes_back_once_that_is_paid() {
    let mut world = expired();
    tell_all(&reinstating(), &mut world, &[capture(1, 10_500), replied("reserved")]);
    check_order(&world, OrderStatus::Paid);
    check_last_capture(&world, Classification::Overpaid, 10_000);
    check_books(&world, 10_000, 0, 500);
    check_refunds(&world, &[(500, OutcomeCode::Overpaid)]);
}

#[test]
fn case_043_what_is_missing_within_the_tolerance_is_not_asked_for() {
    for (captured, pays) in [(9_900, true), (9_899, false)] {
        let policies = tolerating(100);
        let mut world = placed();
        let moment = Moment { now: world.now, parked_until: None };
        let decision = decide_by(&policies, &mut world, &capture(1, captured), moment);
        let status = if pays { OrderStatus::Paid } else { OrderStatus::PendingPayment };
        check_order(&world, status);
        check_last_capture(&world, Classification::Normal, captured);
        check_books(&world, captured, 0, 0);
        let verdicts: Vec<_> = decision.changes.judgements.iter().map(|it| it.verdict).collect();
        assert_eq!(verdicts, if pays { vec![OutcomeCode::WithinTolerance] } else { vec![] });
        assert_eq!(row(&world).shortfall.map(contracts::Money::minor), pays.then_some(100));
    }
}

#[test]
fn case_043_no_tolerance_lets_little_money_pay_an_order() {
    for (captured, expected) in [
        (1, OrderStatus::PendingPayment),
        (8_999, OrderStatus::PendingPayment),
        (9_000, OrderStatus::Paid),
    ] {
        let mut world = placed();
        tell_all(&tolerating(999_999), &mut world, &[capture(1, captured)]);
        check_order(&world, expected);
    }
    let mut world = expired();
    tell_all(&tolerating(999_999), &mut world, &[capture(1, 1)]);
    assert_eq!(waits_until(&world), None);
}

#[test]
fn case_043_late_money_within_the_tolerance_pays_its_order_too() {
    for (captured, kept) in [(9_900, true), (9_899, false)] {
        let mut world = expired();
        tell_all(&tolerating(100), &mut world, &[capture(1, captured)]);
        assert_eq!(waits_until(&world).is_some(), kept, "{captured}");
        if kept {
            tell_all(&tolerating(100), &mut world, &[replied("reserved")]);
            check_order(&world, OrderStatus::Paid);
            check_books(&world, captured, 0, 0);
            assert_eq!(row(&world).shortfall.map(contracts::Money::minor), Some(100));
        }
    }
}

#[test]
fn case_043_what_comes_after_all_fills_the_gap_and_no_more() {
    let mut world = placed();
    tell_all(&tolerating(100), &mut world, &[capture(1, 9_900), capture(2, 10_000)]);
    check_last_capture(&world, Classification::Overpaid, 100);
    check_books(&world, 10_000, 0, 9_900);
}

/// An order whose late money a person is to decide on, since 12:50.
fn undecided() -> World {
    let mut world = expired();
    world.clock("12:50:00");
    tell_all(&asking_people(), &mut world, &[told_late()]);
    assert_eq!(world.sent_names(), ["refund.review_requested", "ops.case_opened"]);
    check_last_capture(&world, Classification::Late, 0);
    check_books(&world, 0, 10_000, 0);
    world.sent.clear();
    world
}

fn decided(world: &World, verdict: &str) -> ShopEvent {
    refund_reviewed(order(), world.state.refunds[0].id, verdict, "op-1")
}

#[test]
fn case_003_a_person_sends_late_money_back() {
    let mut world = undecided();
    let approved = decided(&world, "approved");
    tell_all(&asking_people(), &mut world, &[approved]);
    check_books(&world, 0, 0, 10_000);
    assert_eq!(world.state.refunds[0].status, RefundStatus::Approved);
    assert_eq!(world.sent_names(), ["refund.approved", "refund.execute"]);
}

#[test]
fn case_087_a_person_has_an_order_reinstated_that_has_its_stock_again() {
    let mut world = undecided();
    let rejected = decided(&world, "rejected");
    tell_all(&asking_people(), &mut world, &[rejected]);
    check_last_capture(&world, Classification::Held, 0);
    assert_eq!(world.sent_names(), ["inventory.reserve_requested", "refund.rejected"]);
    let mut refused = world.clone();
    tell_all(&asking_people(), &mut world, &[replied("reserved")]);
    check_reinstated(&world);
    tell_all(&asking_people(), &mut refused, &[replied("refused")]);
    check_books(&refused, 0, 0, 10_000);
    assert_eq!(refused.sent_count("refund.execute"), 1);
}

#[test]
fn case_003_nobody_deciding_reminds_and_moves_nothing() {
    let mut world = undecided();
    let due_at = world.now.plus(Duration::from_hours(24));
    world.now = due_at;
    let due = refund_review_due(order(), world.state.refunds[0].id, 1, due_at);
    tell_all(&asking_people(), &mut world, &[due]);
    assert_eq!(world.sent_names(), ["ops.case_opened"]);
    check_books(&world, 0, 10_000, 0);
    let again = capture(2, 10_000);
    tell_all(&asking_people(), &mut world, &[again]);
    check_books(&world, 0, 10_000, 10_000);
}

#[test]
fn case_050_nobody_is_asked_about_late_money_that_failed() {
    let mut world = undecided();
    let failed = report(1, contracts::events::PaymentOutcome::CaptureFailed, 10_000);
    tell_all(&asking_people(), &mut world, &[failed]);
    assert_eq!(world.state.refunds[0].status, RefundStatus::Rejected);
    check_books(&world, 0, 0, 0);
    let armed = world.state.timers.iter().any(|it| it.status == TimerStatus::Armed);
    assert!(!armed, "{:?}", world.state.timers);
}
