//! Customers whose orders expire unpaid again and again (policy 7).

use std::time::Duration;

use domain::Timestamp;
use domain::customer::{CustomerMark, Restriction, RestrictionLevel};
use domain::judgement::PolicyKind;
use domain::policy::{Incident, UnpaidPolicy};

use super::*;

/// An order about to expire, of a customer with so many unpaid and paid orders an hour ago.
fn after(unpaid: usize, paid: usize, attempts: &[AttemptStatus]) -> World {
    let mut world = placed_with(attempts);
    let customer = row(&world).customer_ref.clone();
    let earlier = at("11:30:00");
    let (unpaid, paid) = (vec![earlier; unpaid], Some(vec![earlier; paid]));
    world.state.customer.mark = Some(CustomerMark { unpaid, paid, ..CustomerMark::new(customer) });
    world.sent.clear();
    world
}

fn mark(world: &World) -> &CustomerMark {
    world.state.customer.mark.as_ref().unwrap()
}

/// What is said of the customer when the order expires.
fn said(mut world: World) -> (Option<&'static str>, Option<RestrictionLevel>) {
    assert_eq!(time_out(&mut world, "12:30:00", 1), Outcome::Applied);
    let said = world.sent_names().into_iter().find(|name| name.starts_with("customer."));
    (said, mark(&world).restriction(world.now).map(|it| it.level))
}

/// How many unpaid orders count once this one has expired, with these choices.
fn counted(mut world: World, unpaid: UnpaidPolicy) -> usize {
    let rules = TimeoutRules::new(Policies { unpaid, ..Policies::default() });
    world.clock("12:30:00");
    world.now = world.now.plus(Policies::default().max_hold);
    let held = row(&world).placed_at;
    world.state.order.as_mut().unwrap().held_since = Some(held);
    world.handle(&rules, &timeout(order(), 1, at("12:30:00")));
    assert_eq!(row(&world).status, OrderStatus::Expired);
    world.state.customer.mark.map_or(0, |mark| mark.unpaid.len())
}

fn trouble(provider: &str, from: &str, to: &str) -> UnpaidPolicy {
    let incident = Incident { provider: provider.parse().unwrap(), from: at(from), to: at(to) };
    UnpaidPolicy { incidents: vec![incident], ..UnpaidPolicy::default() }
}

#[test]
fn the_third_is_announced_the_fifth_limits_and_the_tenth_leaves_prepaid_orders() {
    use RestrictionLevel::{Limited, PrepaidOnly};
    assert_eq!(said(after(1, 0, &[])), (None, None));
    assert_eq!(said(after(2, 0, &[])), (Some("customer.warned"), None));
    assert_eq!(said(after(3, 0, &[])), (None, None));
    assert_eq!(said(after(4, 0, &[])), (Some("customer.restricted"), Some(Limited)));
    assert_eq!(said(after(8, 0, &[])), (Some("customer.restricted"), Some(Limited)));
    assert_eq!(said(after(9, 0, &[])), (Some("customer.restricted"), Some(PrepaidOnly)));
}

#[test]
fn paid_orders_make_up_for_unpaid_ones() {
    assert_eq!(said(after(4, 1, &[])), (None, None));
    assert_eq!(said(after(4, 2, &[])), (Some("customer.warned"), None));
    let limited = Some(RestrictionLevel::Limited);
    assert_eq!(said(after(5, 1, &[])), (Some("customer.restricted"), limited));
}

#[test]
fn the_first_one_leaves_a_mark_and_nothing_else() {
    let mut world = placed_with(&[AttemptStatus::Declined]);
    assert_eq!(time_out(&mut world, "12:30:00", 1), Outcome::Applied);
    assert_eq!(mark(&world).unpaid, [world.now]);
    assert_eq!(world.sent_names(), ["order.expired", "inventory.release_requested"]);
}

#[test]
fn what_was_not_the_customers_doing_does_not_count() {
    let usual = UnpaidPolicy::default;
    for status in [AttemptStatus::Declined, AttemptStatus::RequiresAction] {
        assert_eq!(counted(placed_with(&[status]), usual()), 1, "{status}");
    }
    for status in [AttemptStatus::Failed, AttemptStatus::Processing, AttemptStatus::Authorized] {
        assert_eq!(counted(placed_with(&[status]), usual()), 0, "{status}");
    }
    for (code, counts) in [("processing_error", 0), ("insufficient_funds", 1), ("unheard_of", 1)] {
        let mut world = placed_with(&[AttemptStatus::Declined]);
        world.state.attempts[0].decline_code = code.parse().ok();
        assert_eq!(counted(world, usual()), counts, "{code}");
    }
    let both = [AttemptStatus::Declined, AttemptStatus::Failed];
    assert_eq!(counted(placed_with(&both), usual()), 0, "one technical failure is enough");
}

#[test]
fn an_order_open_while_its_provider_had_trouble_does_not_count() {
    let declined = || placed_with(&[AttemptStatus::Declined]);
    assert_eq!(counted(declined(), trouble("acme", "11:00:00", "12:00:00")), 0, "to its beginning");
    assert_eq!(counted(declined(), trouble("acme", "12:30:00", "13:00:00")), 0, "from its end");
    assert_eq!(counted(declined(), trouble("acme", "11:00:00", "11:59:59")), 1);
    assert_eq!(counted(declined(), trouble("acme", "12:30:01", "13:00:00")), 1);
    assert_eq!(counted(declined(), trouble("other", "12:00:00", "12:30:00")), 1);
    let untried = counted(placed_with(&[]), trouble("other", "12:00:00", "12:30:00"));
    assert_eq!(untried, 0, "who knows why there was no attempt");
}

#[test]
fn a_restriction_is_judged_said_and_ended_by_a_timer_of_the_order() {
    let mut world = after(4, 0, &[]);
    let rules = TimeoutRules::new(Policies::default());
    world.clock("12:30:00");
    let decision = world.handle(&rules, &timeout(order(), 1, at("12:30:00")));
    let judged = decision.changes.judgements.last().unwrap();
    assert_eq!(
        (judged.policy, judged.verdict),
        (PolicyKind::CustomerLimit, OutcomeCode::CustomerRestricted)
    );
    assert!(judged.inputs.contains(&("score", "5".to_owned())), "{:?}", judged.inputs);
    let until = world.now.plus(UnpaidPolicy::default().restrict_for);
    let Some(Body::CustomerRestricted { level, until: said, unpaid, .. }) =
        world.sent.last().map(|message| &message.body)
    else {
        panic!("{:?}", world.sent_names());
    };
    assert_eq!((*level, *said, *unpaid), (RestrictionLevel::Limited, until, 5));

    let end = |world: &mut World, now: Timestamp| {
        world.now = now;
        tell(world, &timeout(order(), 1, until).id(&now.to_string()))
    };
    let early = end(&mut world, until.minus(Duration::from_micros(1)));
    assert_eq!(early, Outcome::Noop(OutcomeCode::AlreadyClosed));
    assert!(mark(&world).restriction(world.now).is_some());
    assert_eq!(end(&mut world, until), Outcome::Applied);
    assert_eq!(mark(&world).restriction, None);
    assert_eq!(world.sent.last().unwrap().body.name(), "customer.restriction_lifted");
    let again = end(&mut world, until.plus(Duration::from_secs(1)));
    assert_eq!(again, Outcome::Noop(OutcomeCode::AlreadyClosed));
}

#[test]
fn a_restriction_that_another_order_caused_anew_is_not_ended_by_the_first_one() {
    let mut world = after(4, 0, &[]);
    time_out(&mut world, "12:30:00", 1);
    let until = mark(&world).restriction.as_ref().unwrap().until;
    let known = mark(&world).restriction.clone().unwrap();
    let anew = Restriction { by: order_id(2), until: until.plus(Duration::from_secs(1)), ..known };
    world.state.customer.mark.as_mut().unwrap().restriction = Some(anew.clone());
    world.now = until;
    world.sent.clear();
    assert_eq!(tell(&mut world, &timeout(order(), 1, until).id("end")), Outcome::Applied);
    assert_eq!(mark(&world).restriction, Some(anew));
    assert!(world.sent.is_empty());
}

#[test]
fn a_restriction_in_force_is_not_made_milder() {
    let mut world = after(4, 0, &[]);
    let restriction = Restriction {
        level: RestrictionLevel::PrepaidOnly,
        until: at("23:00:00"),
        by: order_id(2),
        version: "v-1".parse().unwrap(),
    };
    world.state.customer.mark.as_mut().unwrap().restriction = Some(restriction);
    let prepaid = Some(RestrictionLevel::PrepaidOnly);
    assert_eq!(said(world), (Some("customer.restricted"), prepaid));
}
