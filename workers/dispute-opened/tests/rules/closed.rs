//! Disputes over money that must not stay: of a closed order, or more than its order asked.

use domain::ledger::{Account, JournalCode, Leg};
use domain::operations::{close_order, give_back_excess};
use domain::order::{CloseReason, Order, OrderStatus};
use domain::payment::{Capture, Classification};
use domain::policy::RefundPatience;
use domain::refund::{Refund, RefundStatus};
use domain::settlement::put_refund;
use domain::{Outcome, OutcomeCode};
use testkit::shop::attempt_id;
use testkit::world::World;

use crate::scene::{cases, chargeback, end_refund, eur, hear, row, tell};

/// An order over 100.00 of which only so much was captured, by attempt 1; it is 14:00.
fn underpaid(captured: i64) -> World {
    let mut world = World::pending_order(10_000);
    world.capture(1, captured, Classification::Normal);
    world.clock("14:00:00").sent.clear();
    world
}

/// As when its payment window ends, or its buyer calls it off.
fn close(world: &mut World, status: OrderStatus) {
    let (reason, code) = match status {
        OrderStatus::Expired => (CloseReason::PaymentTimeout, OutcomeCode::PaymentTimeout),
        OrderStatus::Cancelled => (CloseReason::Buyer, OutcomeCode::CancelRequested),
        OrderStatus::PendingPayment | OrderStatus::Paid => panic!("it is not closed"),
    };
    world.write(|draft| close_order(draft, status, reason, code).unwrap());
    world.sent.clear();
}

/// A closed order whose 40.00 are all in dispute, so that nothing could go back yet.
fn closed_in_dispute() -> World {
    let mut world = underpaid(4_000);
    tell(&mut world, &chargeback(1, 4_000));
    close(&mut world, OrderStatus::Expired);
    assert!(world.state.refunds.is_empty());
    world
}

/// The attempt brings so much more, which goes to suspense; its refund is for the test to order.
fn capture_again(world: &mut World, amount_minor: i64) -> Capture {
    let capture = Capture {
        capture_ref: "c-2".parse().unwrap(),
        amount: eur(amount_minor),
        applied: eur(0),
        classification: Classification::Duplicate,
        ..world.state.captures[0].clone()
    };
    let leg = Leg {
        code: JournalCode::Capture,
        debit: Account::PspReceivable,
        credit: Account::Suspense,
        amount: capture.amount,
    };
    world.write(|draft| {
        draft.post(capture.reference(), [leg]);
        draft.put_capture(capture.clone());
    });
    capture
}

/// What our own refunds are: how much, under which beginning of a key, as which part.
fn refunds(world: &World) -> Vec<(i64, &str, i16)> {
    let beginning = |refund: &'_ Refund| refund.request_key.as_str().find(':').unwrap();
    let refunds = world.state.refunds.iter();
    refunds.map(|r| (r.amount.minor(), &r.request_key.as_str()[..beginning(r)], r.part)).collect()
}

/// What is left in the accounts that a closed order must have empty.
fn kept(world: &World) -> i64 {
    -world.balance(Account::CustomerFunds) - world.balance(Account::Suspense)
}

#[test]
fn money_of_a_closed_order_goes_back_when_its_dispute_is_won() {
    for (closed, rule) in [
        (OrderStatus::Expired, "auto:payment-timeout"),
        (OrderStatus::Cancelled, "auto:cancel-requested"),
    ] {
        for status in ["won", "withdrawn"] {
            let mut world = underpaid(4_000);
            tell(&mut world, &chargeback(1, 4_000));
            close(&mut world, closed);
            assert_eq!(hear(&mut world, 1, "chargeback", status, "15:00:00"), Outcome::Applied);
            assert_eq!(refunds(&world), [(4_000, "closed", 0)]);
            assert_eq!(world.state.refunds[0].decided_by.as_ref().unwrap().as_str(), rule);
            assert_eq!(world.sent_names(), ["dispute.won", "refund.approved", "refund.execute"]);
            assert_eq!(kept(&world), 0);
            world.check_books();
        }
    }
}

#[test]
fn money_of_a_closed_order_goes_back_when_a_lost_dispute_is_won_after_all() {
    let mut world = closed_in_dispute();
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert!(world.state.refunds.is_empty());
    hear(&mut world, 1, "chargeback", "won", "16:00:00");
    assert_eq!(refunds(&world), [(4_000, "closed", 0)]);
    assert_eq!(kept(&world), 0);
    world.check_books();
}

#[test]
fn of_a_partial_dispute_only_its_part_is_still_to_go_back() {
    let mut world = underpaid(4_000);
    tell(&mut world, &chargeback(1, 1_000));
    close(&mut world, OrderStatus::Expired);
    assert_eq!(refunds(&world), [(3_000, "closed", 0)]);
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    assert_eq!(refunds(&world), [(3_000, "closed", 0), (1_000, "closed", 1)]);
    assert_eq!(kept(&world), 0);
    assert!(cases(&world).is_empty());
    world.check_books();
}

#[test]
fn a_dispute_takes_what_paid_the_order_before_what_is_in_suspense() {
    let mut world = underpaid(4_000);
    capture_again(&mut world, 6_000);
    tell(&mut world, &chargeback(1, 3_000));
    close(&mut world, OrderStatus::Expired);
    assert_eq!(refunds(&world), [(1_000, "closed", 0)]);
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert_eq!(world.balance(Account::CustomerFunds), 0);
    world.check_books();
}

#[test]
fn of_two_disputes_each_lets_go_of_what_the_other_does_not_hold() {
    let mut world = underpaid(4_000);
    tell(&mut world, &chargeback(1, 3_000));
    tell(&mut world, &chargeback(2, 3_000));
    close(&mut world, OrderStatus::Expired);
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    assert_eq!(refunds(&world), [(1_000, "closed", 0)]);
    hear(&mut world, 2, "chargeback", "won", "15:00:00");
    assert_eq!(refunds(&world), [(1_000, "closed", 0), (3_000, "closed", 1)]);
    world.check_books();
}

#[test]
fn what_was_refunded_before_the_dispute_is_not_refunded_again() {
    let mut world = underpaid(4_000);
    close(&mut world, OrderStatus::Expired);
    tell(&mut world, &chargeback(1, 4_000));
    for (status, time) in [("won", "15:00:00"), ("lost", "16:00:00"), ("won", "17:00:00")] {
        hear(&mut world, 1, "chargeback", status, time);
        assert_eq!(refunds(&world), [(4_000, "closed", 0)]);
        assert!(cases(&world).is_empty());
        world.check_books();
    }
    assert_eq!(world.sent_count("dispute.double_loss_detected"), 2, "at its opening, and lost");
}

#[test]
fn money_whose_refund_failed_is_left_to_a_person_who_is_told_that_it_can_go() {
    let mut world = underpaid(4_000);
    close(&mut world, OrderStatus::Expired);
    tell(&mut world, &chargeback(1, 4_000));
    let key = world.state.refunds[0].request_key.to_string();
    end_refund(&mut world, &key, RefundStatus::Failed);
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    assert_eq!(refunds(&world), [(4_000, "closed", 0)]);
    assert_eq!(cases(&world), [OutcomeCode::MoneyToReturn]);
    assert_eq!(kept(&world), 4_000);
    world.check_books();
}

#[test]
fn the_money_of_an_order_that_is_paid_after_all_stays() {
    let mut world = closed_in_dispute();
    let order = row(&world);
    world.write(|draft| {
        draft.put_order(Order { closed_at: None, ..order }, None);
        draft.move_order(OrderStatus::Paid, None);
    });
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    assert!(world.state.refunds.is_empty());
    assert!(cases(&world).is_empty());
    assert_eq!(kept(&world), 4_000);
}

#[test]
fn the_money_of_an_order_that_waits_stays_until_it_is_closed() {
    let mut world = underpaid(4_000);
    tell(&mut world, &chargeback(1, 4_000));
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    assert!(world.state.refunds.is_empty());
    close(&mut world, OrderStatus::Cancelled);
    assert_eq!(refunds(&world), [(4_000, "closed", 0)]);
}

#[test]
fn an_excess_that_came_in_a_dispute_goes_back_when_it_is_won() {
    let mut world = World::paid_order(&[10_000]);
    world.clock("14:00:00");
    tell(&mut world, &chargeback(1, 15_000));
    let order = row(&world);
    let second = capture_again(&mut world, 8_000);
    world.write(|draft| give_back_excess(draft, &order, &second).unwrap());
    assert_eq!(refunds(&world), [(3_000, "duplicate", 0)]);
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    assert_eq!(refunds(&world), [(3_000, "duplicate", 0), (5_000, "duplicate", 1)]);
    let rest = world.state.refundable(&order, attempt_id(1)).unwrap();
    assert_eq!((rest, world.balance(Account::Suspense)), (eur(10_000), 0));
    world.check_books();
}

#[test]
fn a_chargeback_ends_a_refund_that_is_kept_back_which_goes_back_when_it_is_won() {
    let mut world = World::paid_order(&[10_000]);
    world.clock("14:00:00");
    let order = row(&world);
    let second = capture_again(&mut world, 8_000);
    world.write(|draft| {
        let keep_back = std::time::Duration::from_hours(2);
        *draft = draft.clone().waiting(RefundPatience { keep_back, ..RefundPatience::default() });
        give_back_excess(draft, &order, &second).unwrap();
    });
    assert_eq!(world.sent_names(), ["refund.approved"]);
    world.sent.clear();
    tell(&mut world, &chargeback(1, 15_000));
    let ended = &world.state.refunds[0];
    assert_eq!((ended.status, ended.code), (RefundStatus::Cancelled, Some(OutcomeCode::Disputed)));
    assert_eq!(world.sent_count("refund.failed"), 1);
    assert_eq!(world.sent_count("dispute.double_loss_detected"), 0, "nothing went back twice");
    world.check_books();
    world.sent.clear();
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    assert_eq!(refunds(&world), [(8_000, "duplicate", 0), (8_000, "duplicate", 1)]);
    assert_eq!(world.sent_count("refund.execute"), 1);
    assert_eq!(world.balance(Account::Suspense), 0);
    world.check_books();
}

#[test]
fn a_refund_that_a_shop_asked_for_is_not_made_twice_by_a_dispute_that_is_won() {
    let mut world = closed_in_dispute();
    let (order, attempt) = (row(&world), world.state.attempts[0].clone());
    world.write(|draft| {
        let refund = Refund {
            id: draft.next_id(),
            request_key: "shop".parse().unwrap(),
            part: 0,
            attempt_id: Some(attempt.id),
            amount: eur(1_500),
            status: RefundStatus::Approved,
            reason: contracts::events::RefundReason::Goodwill,
            funded_from: Account::CustomerFunds,
            decided_by: None,
            first_approver: None,
            restock: None,
            held_until: None,
            code: None,
            provider_ref: None,
            requested_at: draft.now(),
            settled_at: None,
            last_event_at: draft.now(),
        };
        put_refund(draft, &order, refund, None).unwrap();
    });
    hear(&mut world, 1, "chargeback", "won", "15:00:00");
    let amounts: Vec<_> = world.state.refunds.iter().map(|r| r.amount.minor()).collect();
    assert_eq!(amounts, [1_500, 2_500]);
    assert_eq!(kept(&world), 0);
    world.check_books();
}
