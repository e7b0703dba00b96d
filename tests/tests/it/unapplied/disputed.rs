//! Money that fits no order and that its buyer disputes: it must not go back twice.

use dispute_opened::DisputeRules;
use domain::ledger::Account;
use domain::unapplied::MoneyDecision;
use domain::{Moment, Outcome, OutcomeCode};
use order_created::OrderRules;
use testkit::shop::{at, attempt_id, dispute_id, dispute_opened, order_created};

use super::{cases, check_money, fall_due, order, orphaned, person_decides, policies};

#[test]
fn case_025_money_without_an_order_is_not_sent_back_while_a_dispute_waits_for_it() {
    let mut world = orphaned();
    world.state.unapplied[0].disputed_since = Some(world.now);
    for tries in 1..=2 {
        assert_eq!(fall_due(&mut world), Outcome::Applied);
        assert_eq!(cases(&world), [OutcomeCode::Disputed].repeat(tries));
        assert_eq!(world.sent_count("refund.execute"), 0);
    }
    check_money(&world, 10_000, 10_000, 0);

    person_decides(&mut world, MoneyDecision::WriteOff);
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    check_money(&world, 0, 0, 0);
}

#[test]
fn case_025_a_decision_to_send_money_back_is_asked_for_again_once_it_is_disputed() {
    let mut world = orphaned();
    person_decides(&mut world, MoneyDecision::Refund);
    world.state.unapplied[0].disputed_since = Some(world.now);
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(
        (cases(&world), world.sent_count("refund.execute")),
        (vec![OutcomeCode::Disputed], 0)
    );

    world.clock("12:40:00");
    person_decides(&mut world, MoneyDecision::Refund);
    fall_due(&mut world);
    assert_eq!(world.sent_count("refund.execute"), 1, "who decides knows of the dispute");
}

#[test]
fn case_070_a_chargeback_of_money_that_went_back_without_an_order_is_told_to_a_person_once() {
    let mut world = orphaned();
    fall_due(&mut world);
    let rules = DisputeRules::new(policies());
    let dispute = dispute_opened(order(), dispute_id(1), attempt_id(1), 10_000);
    let parked = world.handle(&rules, &dispute).outcome;
    let Outcome::Parked { until, .. } = parked else { panic!("{parked:?}") };
    assert_eq!(cases(&world), [OutcomeCode::AlreadyRefunded]);
    let again = Moment { now: world.now, parked_until: Some(until) };
    world.handle_at(&rules, &dispute, again);
    assert_eq!(cases(&world), [OutcomeCode::AlreadyRefunded]);
}

#[test]
fn case_024_a_dispute_of_money_without_an_order_is_joined_with_it_when_the_order_comes() {
    let mut world = orphaned();
    let rules = DisputeRules::new(policies());
    let dispute = dispute_opened(order(), dispute_id(1), attempt_id(1), 10_000)
        .with("opened_at", at("12:36:00").to_string());
    assert!(matches!(world.handle(&rules, &dispute).outcome, Outcome::Parked { .. }));
    world.clock("12:40:00");
    let created = order_created(order()).with("placed_at", at("12:20:00").to_string());
    world.handle(&OrderRules::new(policies()), &created);
    assert_eq!(fall_due(&mut world), Outcome::Applied);
    assert_eq!(world.handle(&rules, &dispute).outcome, Outcome::Applied);
    assert_eq!(world.balance(Account::DisputesReceivable), 10_000);
    check_money(&world, 0, 0, 0);
    world.check_books();
}
