//! Inquiries: who is told when nobody answers, and what mediators decide (policy 8).

use std::time::Duration;

use dispute_opened::DisputeRules;
use domain::dispute::EscalationLevel::{self, Operations, TeamLead};
use domain::judgement::{Judgement, PolicyKind};
use domain::message::Body;
use domain::policy::AmountLimits;
use domain::refund::RefundStatus;
use domain::timer::TimerKind;
use domain::{Decision, Moment, Outcome, OutcomeCode, ParkKey, Policies, PolicyBook};
use serde_json::Value;
use testkit::shop::{ShopEvent, at, dispute_id, dispute_mediated, evidence_submitted};
use testkit::world::World;

use crate::scene::{
    armed, chargeback, due, fall_due, hear, inquiry, one, order, paid, position, refund, rules,
    tell,
};

fn mediated(decided_for: &str) -> ShopEvent {
    dispute_mediated(order(), dispute_id(1), decided_for)
}

/// An order over 100.00, an inquiry about so much of it at 14:00.
fn inquired(amount_minor: i64) -> World {
    let mut world = paid(&[10_000]);
    tell(&mut world, &inquiry(1, amount_minor));
    world.sent.clear();
    world
}

fn escalations(world: &World) -> Vec<(OutcomeCode, EscalationLevel)> {
    let sent = world.sent.iter().filter_map(|message| match &message.body {
        Body::DisputeEscalated { code, level, .. } => Some((*code, *level)),
        _ => None,
    });
    sent.collect()
}

fn check_refused(world: &mut World, event: &ShopEvent, code: OutcomeCode) {
    let before = world.clone();
    assert_eq!(tell(world, event), Outcome::Rejected(code));
    assert_eq!((&world.state, &world.sent), (&before.state, &before.sent));
}

/// The one decision on record, with its version and one of its inputs.
fn judged(decision: &Decision, name: &str) -> (OutcomeCode, String, String) {
    let [Judgement { policy, verdict, version, inputs, .. }] = &decision.changes.judgements[..]
    else {
        panic!("{:?}", decision.changes.judgements)
    };
    assert_eq!(*policy, PolicyKind::DisputeMediation);
    let input = inputs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    (*verdict, version.to_string(), input.unwrap())
}

#[test]
fn an_inquiry_is_first_the_sellers_then_the_team_leads_then_of_operations() {
    let mut policies = Policies::default();
    policies.disputes.remind_before_due.clear();
    let rules = DisputeRules::new(policies);
    let mut world = paid(&[10_000]);
    let far = "2026-03-31T14:00:00Z";
    world.handle(&rules, &inquiry(1, 10_000).with("evidence_due_at", far));
    assert_eq!(world.sent_count("dispute.evidence_requested"), 1);
    let mut told = Vec::new();
    for generation in 1..=2 {
        let (due_at, armed_as) = armed(&world, 1).unwrap();
        assert_eq!(armed_as, generation);
        told.push(due_at.since(at("14:00:00")).as_secs() / 3600);
        world.now = due_at;
        let event = testkit::shop::dispute_deadline(order(), dispute_id(1), generation, due_at);
        assert_eq!(world.handle(&rules, &event).outcome, Outcome::Applied);
    }
    assert_eq!(told, [72, 144]);
    let overdue = OutcomeCode::MediationOverdue;
    assert_eq!(escalations(&world), [(overdue, TeamLead), (overdue, Operations)]);
}

#[test]
fn an_answered_inquiry_is_not_escalated() {
    let mut world = inquired(10_000);
    world.clock("16:00:00");
    tell(&mut world, &evidence_submitted(order(), dispute_id(1)));
    assert_eq!(armed(&world, 1), Some((due(), 2)));
    let stale = fall_due(&mut world, 1, 1, at("14:00:00").plus(Duration::from_hours(72)));
    assert_eq!(stale, Outcome::Noop(OutcomeCode::StaleGeneration));
    assert_eq!(escalations(&world), []);
}

#[test]
fn a_chargeback_is_no_inquiry_and_has_no_mediation() {
    let mut world = inquired(10_000);
    hear(&mut world, 1, "chargeback", "needs_response", "15:00:00");
    let first_reminder = due().minus(Duration::from_hours(120));
    assert_eq!(armed(&world, 1), Some((first_reminder, 2)));
    check_refused(&mut world, &mediated("buyer"), OutcomeCode::Stale);
}

#[test]
fn case_079_an_inquiry_that_names_no_deadline_has_the_shops() {
    let mut world = paid(&[10_000]);
    tell(&mut world, &inquiry(1, 10_000).with("evidence_due_at", Value::Null));
    assert_eq!(position(&world, 1), "inquiry:needs_response");
    let default = at("14:00:00").plus(Duration::from_hours(20 * 24));
    assert_eq!(one(&world, 1).evidence_due_at, Some(default));
    let mut charged = paid(&[10_000]);
    tell(&mut charged, &chargeback(1, 10_000).with("evidence_due_at", Value::Null));
    assert_eq!(position(&charged, 1), "chargeback:accepted");
}

#[test]
fn a_decision_for_the_buyer_sends_the_money_back_and_is_on_record() {
    let mut world = inquired(6_000);
    world.clock("16:00:00");
    let decision = world.handle(&rules(), &mediated("buyer"));
    assert_eq!(decision.outcome, Outcome::Applied);
    assert_eq!(position(&world, 1), "inquiry:accepted");
    assert_eq!(armed(&world, 1), None);
    let [refund] = &world.state.refunds[..] else { panic!("one refund") };
    assert_eq!(refund.request_key.as_str(), format!("mediated:{}", dispute_id(1)));
    assert_eq!((refund.amount.minor(), refund.status), (6_000, RefundStatus::Approved));
    assert_eq!(world.sent_names(), ["dispute.lost", "refund.approved", "refund.execute"]);
    let version = PolicyBook::default().version().to_string();
    let expected = (OutcomeCode::MediatedForBuyer, version, "op-7".to_owned());
    assert_eq!(judged(&decision, "mediator"), expected);
    world.check_books();
}

#[test]
fn a_decision_gives_back_no_more_than_is_left() {
    let mut world = inquired(10_000);
    refund(&mut world, "goodwill", 7_000);
    tell(&mut world, &mediated("buyer"));
    let given = world.state.refunds.iter().find(|it| it.request_key.as_str() != "goodwill");
    assert_eq!(given.unwrap().amount.minor(), 3_000);

    let mut nothing_left = inquired(10_000);
    refund(&mut nothing_left, "goodwill", 10_000);
    tell(&mut nothing_left, &mediated("buyer"));
    assert_eq!(nothing_left.state.refunds.len(), 1);
    assert_eq!(position(&nothing_left, 1), "inquiry:accepted");
}

#[test]
fn much_money_needs_a_second_person() {
    let mut policies = Policies::default();
    policies.refunds.four_eyes_above = AmountLimits::everywhere(5_999);
    let rules = DisputeRules::new(policies);
    let mut world = inquired(6_000);
    world.handle(&rules, &mediated("buyer"));
    let [refund] = &world.state.refunds[..] else { panic!("one refund") };
    assert_eq!(refund.status, RefundStatus::PendingReview);
    assert_eq!(refund.first_approver.as_ref().map(ToString::to_string).as_deref(), Some("op-7"));
    let timers = world.state.timers.iter().map(|timer| timer.kind);
    assert!(timers.into_iter().any(|kind| kind == TimerKind::RefundReviewDue));
    assert_eq!(world.sent_names(), ["dispute.lost", "refund.review_requested"]);
    world.check_books();
}

#[test]
fn a_decision_for_the_seller_answers_the_provider_and_is_on_record() {
    let mut world = inquired(10_000);
    world.clock("16:00:00");
    let decision = world.handle(&rules(), &mediated("seller"));
    assert_eq!(judged(&decision, "role").2, "mediator");
    assert_eq!(position(&world, 1), "inquiry:needs_response");
    assert_eq!(one(&world, 1).evidence_submitted_at, Some(world.now));
    assert_eq!(armed(&world, 1), Some((due(), 2)));
    assert_eq!(world.sent_names(), ["dispute.evidence_submit"]);
    assert_eq!(world.state.refunds, []);
}

#[test]
fn what_is_decided_binds_and_the_provider_may_still_go_on() {
    for decided_for in ["buyer", "seller"] {
        let mut world = inquired(10_000);
        world.clock("16:00:00");
        tell(&mut world, &mediated(decided_for));
        let again = mediated("buyer").id("again");
        check_refused(&mut world, &again, OutcomeCode::AlreadyDecided);
        hear(&mut world, 1, "chargeback", "needs_response", "17:00:00");
        assert_eq!(position(&world, 1), "chargeback:needs_response");
        world.check_books();
    }
    let mut withdrawn = inquired(10_000);
    hear(&mut withdrawn, 1, "inquiry", "withdrawn", "15:00:00");
    check_refused(&mut withdrawn, &mediated("buyer"), OutcomeCode::AlreadyDecided);
}

#[test]
fn a_decision_waits_for_its_dispute_and_a_person_hears_of_it_when_none_comes() {
    let mut world = paid(&[10_000]);
    let event = mediated("seller");
    let outcome = tell(&mut world, &event);
    assert!(matches!(outcome, Outcome::Parked { key: ParkKey::Dispute { .. }, .. }), "{outcome:?}");
    let moment = Moment { now: world.now, parked_until: Some(world.now) };
    let outcome = world.handle_at(&rules(), &event, moment).outcome;
    assert_eq!(outcome, Outcome::Orphaned(OutcomeCode::Orphaned));
    assert_eq!(world.sent_names(), ["ops.case_opened"]);
}

#[test]
fn a_decision_on_one_dispute_under_the_name_of_another_is_for_a_person() {
    let mut world = inquired(10_000);
    let event = mediated("buyer").with("dispute_id", dispute_id(2).to_string());
    let outcome = tell(&mut world, &event);
    assert_eq!(outcome, Outcome::Quarantined(OutcomeCode::FactConflict));
    assert_eq!(one(&world, 1).mediated_for, None);
}
