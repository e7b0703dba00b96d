//! Disputes of money that is refunded already.

use domain::message::Body;
use domain::order::OrderStatus;
use domain::refund::RefundStatus;
use domain::{Money, OutcomeCode};
use testkit::world::World;

use crate::scene::{
    books, chargeback, codes, end_refund, eur, hear, inquiry, one, paid, refund, row, rules, tell,
    update,
};

/// An order over 100.00 of which so much is refunded.
fn refunded(amount_minor: i64, status: RefundStatus) -> World {
    let mut world = paid(&[10_000]);
    refund(&mut world, "r", amount_minor);
    if status != RefundStatus::Approved {
        end_refund(&mut world, "r", status);
    }
    world
}

fn announced(world: &World) -> Vec<Money> {
    let found = world.sent.iter().filter_map(|message| match &message.body {
        Body::DisputeDoubleLossDetected { excess, .. } => Some(*excess),
        _ => None,
    });
    found.collect()
}

/// The codes that evidence was handed in with.
fn evidence(world: &World) -> Vec<OutcomeCode> {
    let found = world.sent.iter().filter_map(|message| match &message.body {
        Body::DisputeEvidenceSubmit { code, .. } => Some(*code),
        _ => None,
    });
    found.collect()
}

#[test]
fn case_070_a_chargeback_over_a_refund_under_way_is_recorded_and_answered_with_proof() {
    let mut world = refunded(8_000, RefundStatus::Submitted);
    let decision = world.handle(&rules(), &chargeback(1, 10_000));
    assert_eq!(codes(&decision), [Some(OutcomeCode::AlreadyRefunded)]);
    assert_eq!(announced(&world), [eur(8_000)]);
    assert_eq!(evidence(&world), [OutcomeCode::AlreadyRefunded]);
    assert_eq!(books(&world), [0, 10_000, 0, 2_000]);
    let handed_in = world.sent.iter().find_map(|message| match &message.body {
        Body::DisputeEvidenceSubmit { provider, provider_ref, refunds, .. } => {
            Some((provider.as_str(), provider_ref.as_str(), refunds))
        }
        _ => None,
    });
    let (provider, reference, refunds) = handed_in.unwrap();
    assert_eq!((provider, reference), ("acme", one(&world, 1).provider_ref.as_str()));
    let proven: Vec<_> = refunds.iter().map(|it| (it.refund_id, it.amount)).collect();
    assert_eq!(proven, [(world.state.refunds[0].id, eur(8_000))]);
}

#[test]
fn case_070_a_chargeback_over_what_the_refund_left_is_no_double_loss() {
    let mut world = refunded(8_000, RefundStatus::Approved);
    tell(&mut world, &chargeback(1, 2_000));
    assert!(announced(&world).is_empty() && evidence(&world).is_empty());
}

#[test]
fn case_070_a_refund_that_failed_is_no_double_loss() {
    let mut world = refunded(10_000, RefundStatus::Failed);
    tell(&mut world, &chargeback(1, 10_000));
    assert!(announced(&world).is_empty() && evidence(&world).is_empty());
}

#[test]
fn case_071_a_dispute_of_a_refunded_payment_moves_neither_order_nor_stock() {
    let mut world = refunded(10_000, RefundStatus::Succeeded);
    tell(&mut world, &chargeback(1, 10_000));
    assert_eq!(evidence(&world), [OutcomeCode::AlreadyRefunded]);
    assert_eq!(announced(&world), [eur(10_000)]);
    assert_eq!(row(&world).status, OrderStatus::Paid);
    assert_eq!(world.sent_count("inventory.release_requested"), 0);
}

#[test]
fn case_071_an_inquiry_into_a_refunded_payment_is_answered_but_loses_nothing() {
    let mut world = refunded(10_000, RefundStatus::Succeeded);
    tell(&mut world, &inquiry(1, 10_000));
    assert_eq!(evidence(&world), [OutcomeCode::AlreadyRefunded]);
    assert!(announced(&world).is_empty());
    world.clock("15:00:00");
    tell(&mut world, &update(1, "chargeback", "needs_response", "15:00:00"));
    assert_eq!(evidence(&world).len(), 2);
    assert_eq!(announced(&world), [eur(10_000)]);
}

#[test]
fn case_070_a_next_stage_is_answered_again_but_announced_once() {
    let mut world = refunded(10_000, RefundStatus::Succeeded);
    tell(&mut world, &chargeback(1, 10_000));
    hear(&mut world, 1, "pre_arbitration", "needs_response", "15:00:00");
    assert_eq!(evidence(&world).len(), 2);
    assert_eq!(announced(&world).len(), 1);
}

#[test]
fn case_070_a_dispute_that_cannot_be_answered_is_a_double_loss_all_the_same() {
    let mut world = refunded(10_000, RefundStatus::Succeeded);
    tell(&mut world, &chargeback(1, 10_000).with("evidence_due_at", serde_json::Value::Null));
    assert_eq!(announced(&world), [eur(10_000)]);
    assert!(evidence(&world).is_empty());
    assert_eq!(books(&world), [-10_000, 0, 10_000, 0]);
}

#[test]
fn case_088_a_lost_dispute_never_restocks() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 10_000));
    hear(&mut world, 1, "chargeback", "lost", "15:00:00");
    assert_eq!(row(&world).status, OrderStatus::Paid);
    assert_eq!(row(&world).stock_released_at, None);
    assert_eq!(world.sent_count("inventory.release_requested"), 0);
}
