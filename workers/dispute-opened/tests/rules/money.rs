//! What disputes do to the ledger when they are decided.

use domain::message::Body;
use domain::refund::RefundStatus;
use testkit::world::World;

use crate::scene::{
    books, chargeback, end_refund, eur, hear, inquiry, money, one, paid, position, refund, tell,
};

/// An order over 100.00 of which so much is charged back at 14:00.
fn charged_back(amount_minor: i64) -> World {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, amount_minor));
    world.sent.clear();
    world
}

#[test]
fn a_dispute_that_is_won_or_withdrawn_brings_the_money_back_but_not_the_fee() {
    for status in ["won", "withdrawn"] {
        let mut world = paid(&[10_000]);
        tell(&mut world, &chargeback(1, 6_000).with("fee", money(1_500)));
        world.sent.clear();
        hear(&mut world, 1, "chargeback", status, "15:00:00");
        assert_eq!(world.sent_names(), ["dispute.won"]);
        assert_eq!(books(&world), [8_500, 0, 0, 10_000]);
    }
}

#[test]
fn a_dispute_that_is_lost_or_accepted_costs_the_buyers_funds() {
    for status in ["lost", "accepted"] {
        let mut world = charged_back(10_000);
        hear(&mut world, 1, "chargeback", status, "15:00:00");
        assert_eq!(world.sent_names(), ["dispute.lost"]);
        assert_eq!(books(&world), [0, 0, 0, 0]);
    }
}

#[test]
fn case_072_only_the_disputed_amount_is_lost() {
    let mut world = charged_back(3_000);
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert_eq!(books(&world), [7_000, 0, 0, 7_000]);
    assert_eq!(one(&world, 1).loss, eur(0));
}

#[test]
fn case_072_a_dispute_lost_over_refunded_money_is_our_loss() {
    let mut world = paid(&[10_000]);
    refund(&mut world, "r", 7_000);
    end_refund(&mut world, "r", RefundStatus::Succeeded);
    tell(&mut world, &chargeback(1, 5_000));
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert_eq!(one(&world, 1).loss, eur(2_000));
    assert_eq!(books(&world), [-2_000, 0, 2_000, 0]);
}

#[test]
fn case_073_what_is_disputed_beyond_the_capture_is_our_loss() {
    let mut world = charged_back(12_000);
    assert_eq!(books(&world), [-2_000, 12_000, 0, 10_000]);
    assert_eq!(world.sent_count("dispute.double_loss_detected"), 0);
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert_eq!(books(&world), [-2_000, 0, 2_000, 0]);
}

#[test]
fn case_074_two_lost_disputes_share_what_is_there() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 6_000));
    tell(&mut world, &chargeback(2, 6_000));
    hear(&mut world, 2, "chargeback", "lost", "15:00:00");
    assert_eq!(one(&world, 2).loss, eur(0));
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert_eq!((one(&world, 1).loss, one(&world, 2).loss), (eur(0), eur(2_000)));
    assert_eq!(books(&world), [-2_000, 0, 2_000, 0]);
    hear(&mut world, 1, "chargeback", "won", "16:00:00");
    assert_eq!(one(&world, 2).loss, eur(0));
    assert_eq!(books(&world), [4_000, 0, 0, 4_000]);
}

#[test]
fn case_077_a_loss_that_becomes_a_win_is_reversed_exactly() {
    let mut world = paid(&[10_000]);
    refund(&mut world, "r", 7_000);
    tell(&mut world, &chargeback(1, 5_000));
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert_eq!(books(&world), [5_000, 0, 2_000, 0]);
    hear(&mut world, 1, "chargeback", "won", "16:00:00");
    assert_eq!(one(&world, 1).loss, eur(0));
    assert_eq!(books(&world), [10_000, 0, 0, 3_000]);
    hear(&mut world, 1, "chargeback", "lost", "17:00:00");
    assert_eq!(books(&world), [5_000, 0, 2_000, 0]);
    assert_eq!(world.sent_count("dispute.won"), 1);
    assert_eq!(world.sent_count("dispute.lost"), 2);
}

#[test]
fn case_077_a_loss_that_goes_on_in_the_next_stage_is_open_again() {
    let mut world = charged_back(10_000);
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    hear(&mut world, 1, "arbitration", "under_review", "16:00:00");
    assert_eq!(position(&world, 1), "arbitration:under_review");
    assert_eq!(books(&world), [0, 10_000, 0, 10_000]);
}

#[test]
fn an_acceptance_that_turns_out_lost_is_no_news() {
    let mut world = charged_back(10_000);
    hear(&mut world, 1, "chargeback", "accepted", "15:00:00");
    hear(&mut world, 1, "chargeback", "lost", "16:00:00");
    assert_eq!(position(&world, 1), "chargeback:lost");
    assert_eq!(world.sent_names(), ["dispute.lost"]);
    assert_eq!(books(&world), [0, 0, 0, 0]);
}

#[test]
fn an_inquiry_is_won_and_lost_over_nothing() {
    for (status, name) in [("withdrawn", "dispute.won"), ("accepted", "dispute.lost")] {
        let mut world = paid(&[10_000]);
        tell(&mut world, &inquiry(1, 10_000));
        hear(&mut world, 1, "inquiry", status, "15:00:00");
        let last = world.sent.last().unwrap();
        assert_eq!(last.body.name(), name);
        let (Body::DisputeWon { amount, .. } | Body::DisputeLost { amount, .. }) = &last.body
        else {
            panic!("{last:?}")
        };
        assert!(amount.is_zero());
        assert_eq!(books(&world), [10_000, 0, 0, 10_000]);
    }
}
