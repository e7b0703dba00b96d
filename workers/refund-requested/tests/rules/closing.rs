//! Orders whose money is back with their buyer.

use domain::order::{CloseReason, OrderStatus};
use domain::policy::CancellationPolicy;
use domain::{Outcome, Policies};
use refund_requested::RefundRules;
use testkit::shop::{ShopEvent, refund_updated};
use testkit::world::World;

use crate::scene::{ask, one, order, paid};

fn rules(on_full_refund: bool) -> RefundRules {
    let cancellation = CancellationPolicy { on_full_refund, ..CancellationPolicy::default() };
    RefundRules::new(Policies { cancellation, ..Policies::default() })
}

fn report(world: &World, key: &str, status: &str) -> ShopEvent {
    refund_updated(order(), one(world, key).id, status).id(&format!("{key}-{status}"))
}

/// Two refunds that come to all of it, both reported as done.
fn refunded(rules: &RefundRules) -> World {
    let mut world = paid(&[10_000]);
    for (key, amount) in [("r1", 4_000), ("r2", 6_000)] {
        ask(&mut world, key, amount);
        let event = report(&world, key, "succeeded");
        assert_eq!(world.handle(rules, &event).outcome, Outcome::Applied);
    }
    world.check_books();
    world
}

fn status(world: &World) -> Option<OrderStatus> {
    world.state.order.as_ref().map(|order| order.status)
}

#[test]
fn an_order_refunded_in_full_is_called_off_where_its_shop_wants_that() {
    let world = refunded(&rules(true));
    assert_eq!(status(&world), Some(OrderStatus::Cancelled));
    let reason = world.state.order.as_ref().and_then(|order| order.close_reason);
    assert_eq!(reason, Some(CloseReason::Refunded));
    assert_eq!(world.sent_count("order.cancelled"), 1);
    assert_eq!(world.sent_count("inventory.release_requested"), 1);
    assert_eq!(world.sent_count("refund.execute"), 2, "nothing is left to give back");
}

#[test]
fn case_088_an_order_refunded_in_full_stays_as_it_is_elsewhere() {
    let world = refunded(&rules(false));
    assert_eq!(status(&world), Some(OrderStatus::Paid));
    assert_eq!(world.sent_count("inventory.release_requested"), 0);
}

#[test]
fn a_refund_that_is_only_on_its_way_ends_no_order() {
    let mut world = paid(&[10_000]);
    ask(&mut world, "r1", 10_000);
    for word in ["submitted", "failed"] {
        let event = report(&world, "r1", word);
        world.handle(&rules(true), &event);
        assert_eq!(status(&world), Some(OrderStatus::Paid), "{word}");
    }
}
