//! Customers with many refunds: flagged, and heard by a person until the flag is over (policy 6).

use domain::customer::{CustomerRefund, RiskRule};
use domain::judgement::PolicyKind;
use domain::message::Body;
use domain::refund::RefundStatus;
use domain::{Outcome, OutcomeCode, Policies};
use testkit::shop::{at, order_id, refund_requested};
use testkit::world::World;
use uuid::Uuid;

use crate::scene::{ask, one, order, paid, rules, status};

/// An order of a customer who had so many refunds before, of other orders.
fn with_refunds_before(count: usize) -> World {
    let mut world = paid(&[10_000]);
    let before = (2..).take(count).map(|number| CustomerRefund {
        id: Uuid::from_u128(number.into()).into(),
        order: order_id(number),
        at: at("12:00:00"),
    });
    world.state.customer.refunds = before.collect();
    world
}

fn limit() -> usize {
    Policies::default().flags.refunds.count
}

#[test]
fn the_refund_that_is_one_too_many_raises_a_flag_and_the_next_one_needs_a_person() {
    let mut world = with_refunds_before(limit() - 2);
    ask(&mut world, "one-less", 10);
    assert_eq!(world.sent_count("customer.risk_flagged"), 0);
    ask(&mut world, "too-many", 10);
    assert_eq!(status(&world, "too-many"), RefundStatus::Approved, "nobody knew before it came");
    let flag = world.state.customer.flags[0].clone();
    assert_eq!((flag.rule, flag.evidence.len()), (RiskRule::RefundCount, limit()));
    assert_eq!(flag.expires_at, world.now.plus(Policies::default().flags.expire_after));
    let Some(Body::CustomerRiskFlagged { customer_ref, evidence, .. }) =
        world.sent.last().map(|message| &message.body)
    else {
        panic!("{:?}", world.sent_names());
    };
    assert_eq!(*customer_ref, world.state.order.as_ref().unwrap().customer_ref);
    assert!(evidence.contains(&one(&world, "too-many").id.into()));

    let next = world.handle(&rules(), &refund_requested(order(), "next", 10));
    assert_eq!(next.outcome, Outcome::Applied);
    let refund = one(&world, "next");
    assert_eq!(refund.status, RefundStatus::PendingReview);
    assert_eq!(refund.code, Some(OutcomeCode::CustomerFlagged));
    let judged = &next.changes.judgements[0];
    assert_eq!(
        (judged.policy, judged.verdict),
        (PolicyKind::RefundApproval, OutcomeCode::CustomerFlagged)
    );
    assert!(judged.inputs.contains(&("flagged_by", "refund_count".to_owned())));
    assert_eq!(world.sent_count("customer.risk_flagged"), 1, "one live flag of a rule is enough");
}

#[test]
fn a_flag_is_judged_with_what_it_rests_on() {
    let mut world = with_refunds_before(limit() - 1);
    let decision = world.handle(&rules(), &refund_requested(order(), "too-many", 10));
    let judged = decision.changes.judgements.last().unwrap();
    assert_eq!(
        (judged.policy, judged.verdict),
        (PolicyKind::CustomerRisk, OutcomeCode::CustomerFlagged)
    );
    let count = ("count", limit().to_string());
    assert!(judged.inputs.contains(&count), "{:?}", judged.inputs);
}

#[test]
fn a_flag_that_expired_or_was_lifted_needs_no_person() {
    let mut flagged = with_refunds_before(limit() - 1);
    ask(&mut flagged, "too-many", 10);
    let expires_at = flagged.state.customer.flags[0].expires_at;
    // What led to it is long ago by then.
    flagged.state.customer.refunds.clear();
    flagged.state.customer.refunds_90d = 0;

    let mut lifted = flagged.clone();
    lifted.state.customer.flags[0].lifted_at = Some(lifted.now);
    ask(&mut lifted, "next", 10);
    assert_eq!(status(&lifted, "next"), RefundStatus::Approved);

    let paid_at = |world: &mut World| world.state.order.as_mut().unwrap().paid_at = Some(world.now);
    flagged.now = expires_at.minus(std::time::Duration::from_micros(1));
    paid_at(&mut flagged);
    ask(&mut flagged, "before", 10);
    assert_eq!(status(&flagged, "before"), RefundStatus::PendingReview);
    flagged.now = expires_at;
    ask(&mut flagged, "after", 10);
    assert_eq!(status(&flagged, "after"), RefundStatus::Approved);
}

#[test]
fn a_refused_refund_is_not_held_against_the_customer() {
    let mut world = with_refunds_before(limit() - 1);
    let no = Outcome::Rejected(OutcomeCode::ExceedsRefundable);
    assert_eq!(ask(&mut world, "refused", 10_001), no);
    assert_eq!(world.sent_count("customer.risk_flagged"), 0);
}
