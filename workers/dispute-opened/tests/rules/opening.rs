//! Disputes that are new.

use domain::message::Body;
use domain::{Money, Outcome, OutcomeCode};
use serde_json::{Value, json};
use testkit::shop::{at, attempt_id, dispute_id, dispute_opened};

use crate::scene::{
    armed, books, cases, chargeback, codes, due, eur, full_update, hear, inquiry, money, one,
    order, paid, position, rules, tell,
};

#[test]
fn a_chargeback_is_acknowledged_takes_the_money_and_asks_for_evidence() {
    let mut world = paid(&[10_000]);
    assert_eq!(tell(&mut world, &chargeback(1, 6_000)), Outcome::Applied);
    assert_eq!(position(&world, 1), "chargeback:needs_response");
    assert_eq!(world.sent_names(), ["dispute.opened_ack", "dispute.evidence_requested"]);
    assert!(armed(&world, 1).is_some());
    assert_eq!(books(&world), [4_000, 6_000, 0, 10_000]);
}

#[test]
fn an_inquiry_moves_no_money() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &inquiry(1, 6_000).with("fee", money(1_500)));
    assert_eq!(world.sent_names(), ["dispute.opened_ack", "dispute.evidence_requested"]);
    assert!(armed(&world, 1).is_some());
    assert_eq!(books(&world), [10_000, 0, 0, 10_000]);
}

#[test]
fn a_fee_is_booked_with_the_stage_that_costs_it() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 6_000).with("fee", money(1_500)));
    assert_eq!(one(&world, 1).fee, eur(1_500));
    assert_eq!(books(&world), [2_500, 6_000, 0, 10_000]);
}

#[test]
fn the_same_dispute_again_changes_nothing() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 6_000).with("fee", money(1_500)));
    let before = world.state.clone();
    let again = chargeback(1, 6_000).with("fee", money(1_500)).id("again");
    assert_eq!(tell(&mut world, &again), Outcome::Noop(OutcomeCode::DuplicateFact));
    let later = again.with("opened_at", at("13:00:00").to_string());
    assert_eq!(tell(&mut world, &later), Outcome::Noop(OutcomeCode::Stale));
    assert_eq!(world.state.disputes[0].fee, before.disputes[0].fee);
    assert_eq!(world.state.timers, before.timers);
    assert_eq!(books(&world), [2_500, 6_000, 0, 10_000]);
}

#[test]
fn a_second_opening_does_not_move_the_deadline() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 6_000));
    let before = world.state.timers.clone();
    let second = chargeback(1, 6_000)
        .with("opened_at", at("14:01:00").to_string())
        .with("evidence_due_at", "2026-04-01T00:00:00Z");
    assert_eq!(tell(&mut world, &second), Outcome::Noop(OutcomeCode::DuplicateFact));
    assert_eq!(one(&world, 1).evidence_due_at, Some(due()));
    assert_eq!(world.state.timers, before);
}

#[test]
fn the_same_dispute_over_another_amount_or_payment_is_set_aside() {
    let mut world = paid(&[5_000, 5_000]);
    tell(&mut world, &chargeback(1, 4_000));
    let disputes = world.state.disputes.clone();
    let other_payment = dispute_opened(order(), dispute_id(1), attempt_id(2), 4_000);
    let other_reference = chargeback(1, 4_000).with("provider_ref", "dp-other");
    for event in [chargeback(1, 4_001), other_payment, other_reference] {
        world.sent.clear();
        let outcome = tell(&mut world, &event);
        assert_eq!(outcome, Outcome::Quarantined(OutcomeCode::FactConflict));
        assert_eq!(cases(&world), [OutcomeCode::FactConflict]);
    }
    assert_eq!(world.state.disputes, disputes);
}

#[test]
fn case_073_a_dispute_in_another_currency_holds_all_that_its_payment_brought() {
    let mut world = paid(&[10_000]);
    let dollars = json!({"amount_minor": 6_000, "currency": "USD"});
    let opening = chargeback(1, 1).with("amount", dollars);
    assert_eq!(tell(&mut world, &opening), Outcome::Applied);
    let dispute = one(&world, 1);
    assert_eq!(
        (dispute.amount, dispute.original.unwrap().to_string()),
        (eur(10_000), "USD 60.00".to_owned())
    );
    assert_eq!(books(&world), [0, 10_000, 0, 10_000]);
    assert_eq!(cases(&world), [OutcomeCode::CurrencyMismatch]);
    let same = tell(&mut world, &opening.id("again"));
    assert_eq!(same, Outcome::Noop(OutcomeCode::DuplicateFact));

    // Whatever it is worth, its verdict is about all of it.
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert_eq!(books(&world), [0, 0, 0, 0]);
    assert_eq!(one(&world, 1).loss, eur(0));
}

#[test]
fn case_073_a_fee_in_another_currency_is_not_booked_and_told_to_somebody() {
    let mut world = paid(&[10_000]);
    let dollars = json!({"amount_minor": 1_500, "currency": "USD"});
    assert_eq!(tell(&mut world, &chargeback(1, 6_000).with("fee", dollars)), Outcome::Applied);
    assert_eq!((one(&world, 1).amount, one(&world, 1).fee), (eur(6_000), eur(0)));
    assert_eq!(one(&world, 1).original, None);
    assert_eq!(cases(&world), [OutcomeCode::CurrencyMismatch]);
}

#[test]
fn case_074_two_disputes_on_one_payment_are_two_rows() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 6_000));
    tell(&mut world, &chargeback(2, 4_000));
    assert_eq!(world.state.disputes.len(), 2);
    assert_eq!(books(&world), [0, 10_000, 0, 10_000]);
    assert_eq!(world.sent_count("dispute.double_loss_detected"), 0);
}

#[test]
fn case_079_a_dispute_that_cannot_be_answered_is_accepted_at_once() {
    let mut world = paid(&[10_000]);
    let event = chargeback(1, 6_000).with("evidence_due_at", Value::Null);
    let decision = world.handle(&rules(), &event);
    assert_eq!(decision.outcome, Outcome::Applied);
    assert_eq!(codes(&decision), [None, Some(OutcomeCode::NoResponsePossible)]);
    assert_eq!(position(&world, 1), "chargeback:accepted");
    assert_eq!(one(&world, 1).closed_at, Some(at("14:00:00")));
    assert_eq!(world.sent_names(), ["dispute.opened_ack", "dispute.lost"]);
    assert!(world.state.timers.is_empty());
    assert_eq!(books(&world), [4_000, 0, 0, 4_000]);
}

#[test]
fn case_082_a_dispute_that_is_closed_before_it_is_opened_is_created_closed() {
    for (status, expected) in [
        ("won", [10_000, 0, 0, 10_000]),
        ("withdrawn", [10_000, 0, 0, 10_000]),
        ("lost", [0, 0, 0, 0]),
        ("accepted", [0, 0, 0, 0]),
    ] {
        let mut world = paid(&[10_000]);
        world.clock("15:00:00");
        let update = full_update(1, "chargeback", status, "15:00:00");
        assert_eq!(tell(&mut world, &update), Outcome::Applied);
        assert_eq!(position(&world, 1), format!("chargeback:{status}"));
        assert_eq!(one(&world, 1).closed_at, Some(at("15:00:00")));
        assert!(world.state.timers.is_empty());
        let opened = tell(&mut world, &chargeback(1, 10_000));
        assert_eq!(opened, Outcome::Noop(OutcomeCode::Stale));
        assert_eq!(position(&world, 1), format!("chargeback:{status}"));
        assert_eq!(books(&world), expected);
    }
}

#[test]
fn case_082_the_late_opening_still_tells_when_why_and_at_what_fee() {
    let mut world = paid(&[10_000]);
    world.clock("15:00:00");
    tell(&mut world, &full_update(1, "chargeback", "won", "15:00:00"));
    let opened = chargeback(1, 10_000).with("fee", money(1_500));
    for _ in 0..2 {
        assert_eq!(tell(&mut world, &opened), Outcome::Noop(OutcomeCode::Stale));
        let dispute = one(&world, 1);
        assert_eq!((dispute.opened_at, dispute.fee), (at("14:00:00"), eur(1_500)));
        assert_eq!(serde_json::to_value(dispute.reason).unwrap(), "product_not_received");
        assert_eq!(books(&world), [8_500, 0, 0, 10_000]);
    }
}

#[test]
fn case_082_an_opening_later_than_its_update_finds_its_own_id_unused() {
    let mut world = paid(&[10_000]);
    world.clock("15:00:00");
    let nameless =
        full_update(1, "chargeback", "under_review", "15:00:00").with("dispute_id", Value::Null);
    tell(&mut world, &nameless);
    assert_ne!(world.state.disputes[0].id, dispute_id(1));
    assert_eq!(tell(&mut world, &chargeback(1, 10_000)), Outcome::Noop(OutcomeCode::Stale));
    assert_eq!(world.state.disputes.len(), 1);
}

#[test]
fn case_055_sums_beyond_every_amount_are_set_aside_without_a_panic() {
    let mut world = paid(&[10_000]);
    crate::scene::refund(&mut world, "r", 10_000);
    let outcome = tell(&mut world, &chargeback(1, Money::MAX_MINOR));
    assert_eq!(outcome, Outcome::Quarantined(OutcomeCode::AmountOutOfRange));
    assert!(world.state.disputes.is_empty());
}

#[test]
fn the_acknowledgement_names_the_position() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &inquiry(1, 6_000));
    let Body::DisputeOpenedAck { position, amount, .. } = &world.sent[0].body else {
        panic!("{:?}", world.sent[0])
    };
    assert_eq!((*position, *amount), ("inquiry:needs_response", eur(6_000)));
}
