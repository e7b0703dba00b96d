//! Deadlines for evidence.

use contracts::events::DisputeReason;
use dispute_opened::DisputeRules;
use domain::dispute::EscalationLevel::{Operations, Seller, TeamLead};
use domain::judgement::PolicyKind;
use domain::message::Body;
use domain::policy::AmountLimits;
use domain::{Outcome, OutcomeCode, Policies, Timestamp};
use testkit::shop::{at, dispute_deadline, dispute_id};
use testkit::world::World;

use crate::scene::{
    armed, chargeback, due, fall_due, hear, money, one, order, paid, position, refund, rules, tell,
    update,
};

/// When evidence is handed in by itself: six hours before it is due.
fn submit_at() -> Timestamp {
    "2026-03-08T08:00:00Z".parse().unwrap()
}

/// An order over 100.00, all of it charged back at 14:00.
fn charged_back() -> World {
    let mut world = paid(&[10_000]);
    tell(&mut world, &chargeback(1, 10_000));
    world.sent.clear();
    world
}

#[test]
fn case_080_evidence_is_handed_in_before_the_deadline_and_the_deadline_armed() {
    let mut world = charged_back();
    let first_reminder = "2026-03-03T14:00:00Z".parse().unwrap();
    assert_eq!(armed(&world, 1), Some((first_reminder, 1)));
    assert_eq!(fall_due(&mut world, 1, 1, submit_at()), Outcome::Applied);
    assert_eq!(armed(&world, 1), Some((due(), 2)));
    let [sent] = &world.sent[..] else { panic!("{:?}", world.sent_names()) };
    let code = OutcomeCode::DeadlineNear;
    assert!(matches!(sent.body, Body::DisputeEvidenceSubmit { code: said, .. } if said == code));
}

#[test]
fn case_080_one_after_the_other_is_told_that_the_deadline_comes_nearer() {
    let mut world = charged_back();
    let mut told = Vec::new();
    for (generation, left) in (1..).zip([120, 48, 24]) {
        let now = due().minus(std::time::Duration::from_hours(left));
        assert_eq!(armed(&world, 1), Some((now, generation)));
        assert_eq!(fall_due(&mut world, 1, generation, now), Outcome::Applied);
        let sent = world.sent.pop().unwrap();
        let Body::DisputeDeadlineApproaching { hours_left, level, .. } = sent.body else {
            panic!("{}", sent.body.name())
        };
        told.push((hours_left, level));
    }
    assert_eq!(told, [(120, Seller), (48, TeamLead), (24, Operations)]);
    assert_eq!(armed(&world, 1), Some((submit_at(), 4)));
}

#[test]
fn each_deadline_is_recorded_with_what_it_was_for_and_by_which_choices() {
    let mut world = charged_back();
    let day_before = due().minus(std::time::Duration::from_hours(24));
    let looks = [
        (day_before, OutcomeCode::DeadlineNear, "remind", "operations"),
        (submit_at(), OutcomeCode::DeadlineNear, "hand in what there is", ""),
        (due(), OutcomeCode::DeadlineMissed, "escalate", "operations"),
    ];
    for (generation, (now, verdict, step, level)) in (1..).zip(looks) {
        world.now = now;
        let event = dispute_deadline(order(), dispute_id(1), generation, now);
        let decision = world.handle(&rules(), &event);
        let [judgement] = decision.changes.judgements.as_slice() else { panic!("{decision:?}") };
        assert_eq!((judgement.policy, judgement.verdict), (PolicyKind::DisputeDeadline, verdict));
        let input = |name| judgement.inputs.iter().find(|(known, _)| *known == name).unwrap();
        assert_eq!((input("step").1.as_str(), input("level").1.as_str()), (step, level));
        assert_eq!(input("remind_before_due").1, "5days and 2days and 1day");
    }
}

#[test]
fn a_dispute_that_is_not_worth_an_answer_is_given_in_to_with_the_reason_on_record() {
    let mut policies = Policies::default();
    policies.disputes.accept_below = AmountLimits::everywhere(1_000);
    let rules = DisputeRules::new(policies);
    let mut world = paid(&[10_000]);
    let small = world.handle(&rules, &chargeback(1, 999));
    assert_eq!(position(&world, 1), "chargeback:accepted");
    let [judgement] = &small.changes.judgements[..] else { panic!("one judgement") };
    assert_eq!(judgement.verdict, OutcomeCode::NotWorthAnAnswer);
    assert_eq!(armed(&world, 1), None);
    world.handle(&rules, &chargeback(2, 1_000));
    assert_eq!(position(&world, 2), "chargeback:needs_response");
    world.check_books();
}

/// Rules that expect such a part of the answers to win, in percent.
fn expecting(win_rate: u8) -> DisputeRules {
    let mut policies = Policies::default();
    policies.disputes.win_rate.by_reason.insert(DisputeReason::ProductNotReceived, win_rate);
    DisputeRules::new(policies)
}

#[test]
fn a_dispute_whose_answer_brings_less_than_the_fee_is_given_in_to() {
    let claim = |number, fee| {
        let event = chargeback(number, 10_000).with("fee", money(fee));
        event.with("reason_category", "product_not_received")
    };
    for (fee, expected) in [(1_501, "chargeback:accepted"), (1_500, "chargeback:needs_response")] {
        let mut world = paid(&[10_000]);
        let decision = world.handle(&expecting(15), &claim(1, fee));
        assert_eq!(position(&world, 1), expected);
        let accepted = fee == 1_501;
        assert_eq!(decision.changes.judgements.len(), usize::from(accepted));
        for judgement in &decision.changes.judgements {
            assert_eq!(judgement.version.as_str(), "defaults-1");
            let inputs = &judgement.inputs;
            assert!(inputs.contains(&("expected_value", "1500 in minor units".to_owned())));
            assert!(inputs.contains(&("win_rate", "15 percent".to_owned())), "{inputs:?}");
        }
        world.check_books();
    }
    let mut without_rate = paid(&[10_000]);
    let other = chargeback(1, 10_000).with("fee", money(9_999)).with("reason_category", "general");
    without_rate.handle(&expecting(0), &other);
    assert_eq!(position(&without_rate, 1), "chargeback:needs_response");
}

#[test]
fn an_inquiry_is_answered_and_its_chargeback_weighed() {
    let mut policies = Policies::default();
    policies.disputes.accept_below = AmountLimits::everywhere(1_000);
    let rules = DisputeRules::new(policies);
    let mut world = paid(&[10_000]);
    world.handle(&rules, &chargeback(1, 999).with("stage", "inquiry"));
    assert_eq!(position(&world, 1), "inquiry:needs_response");
    world.clock("15:00:00");
    world.handle(&rules, &update(1, "chargeback", "needs_response", "15:00:00"));
    assert_eq!(position(&world, 1), "chargeback:accepted");
    assert_eq!(armed(&world, 1), None);
    world.check_books();
}

#[test]
fn case_071_a_small_dispute_over_money_that_went_back_is_answered_with_the_proof() {
    let mut policies = Policies::default();
    policies.disputes.accept_below = AmountLimits::everywhere(100_000);
    let rules = DisputeRules::new(policies);
    let mut world = paid(&[10_000]);
    refund(&mut world, "wish-1", 10_000);
    world.handle(&rules, &chargeback(1, 10_000));
    assert_eq!(position(&world, 1), "chargeback:needs_response");
    assert_eq!(world.sent_count("dispute.evidence_submit"), 1);
}

#[test]
fn case_080_a_missed_deadline_is_escalated_and_the_provider_still_decides() {
    let mut world = charged_back();
    fall_due(&mut world, 1, 1, submit_at());
    assert_eq!(fall_due(&mut world, 1, 2, due()), Outcome::Applied);
    assert!(one(&world, 1).deadline_missed);
    assert_eq!(position(&world, 1), "chargeback:needs_response");
    assert_eq!(armed(&world, 1), None);
    assert_eq!(world.sent_names(), ["dispute.evidence_submit", "dispute.escalated"]);
    assert_eq!(hear(&mut world, 1, "chargeback", "won", "20:00:00"), Outcome::Applied);
}

#[test]
fn case_080_a_timer_that_comes_after_the_deadline_does_not_hand_in_any_more() {
    let mut world = charged_back();
    fall_due(&mut world, 1, 1, due());
    assert_eq!(world.sent_names(), ["dispute.escalated"]);
}

#[test]
fn case_080_a_dispute_that_comes_shortly_before_its_deadline_is_only_escalated() {
    let mut world = paid(&[10_000]);
    world.now = submit_at();
    tell(&mut world, &chargeback(1, 10_000));
    assert_eq!(armed(&world, 1), Some((due(), 1)));
}

#[test]
fn case_024_a_dispute_that_comes_after_its_deadline_is_escalated_at_once() {
    let mut world = paid(&[10_000]);
    world.now = "2026-03-10T00:00:00Z".parse().unwrap();
    tell(&mut world, &chargeback(1, 10_000));
    assert_eq!(armed(&world, 1), Some((due(), 1)));
    let now = world.now;
    assert_eq!(fall_due(&mut world, 1, 1, now), Outcome::Applied);
    assert!(one(&world, 1).deadline_missed);
}

#[test]
fn a_deadline_that_comes_early_twice_or_stale_changes_nothing() {
    let mut world = charged_back();
    let noop = Outcome::Noop;
    let early = at("20:00:00");
    assert_eq!(fall_due(&mut world, 1, 1, early), noop(OutcomeCode::NotDue));
    fall_due(&mut world, 1, 1, submit_at());
    assert_eq!(fall_due(&mut world, 1, 1, submit_at()), noop(OutcomeCode::StaleGeneration));
    fall_due(&mut world, 1, 2, due());
    let before = world.state.clone();
    assert_eq!(fall_due(&mut world, 1, 2, due()), noop(OutcomeCode::TimerFired));
    assert_eq!(fall_due(&mut world, 9, 1, due()), noop(OutcomeCode::StaleGeneration));
    assert_eq!(world.state, before);
}

#[test]
fn a_deadline_of_a_dispute_that_moved_on_is_stale() {
    let mut world = charged_back();
    hear(&mut world, 1, "chargeback", "under_review", "15:00:00");
    let late = fall_due(&mut world, 1, 1, due());
    assert_eq!(late, Outcome::Noop(OutcomeCode::StaleGeneration));
    assert!(!one(&world, 1).deadline_missed);
}
