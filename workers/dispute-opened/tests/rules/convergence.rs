//! Whatever the order in which a provider's reports arrive, a dispute and its money end the same.

use domain::dispute::Dispute;
use proptest::prelude::*;
use serde_json::Value;
use testkit::shop::{ShopEvent, at};
use testkit::world::World;

use crate::scene::{chargeback, full_update, money, paid, tell};

const STAGES: [&str; 4] = ["inquiry", "chargeback", "pre_arbitration", "arbitration"];
const STATUSES: [&str; 6] =
    ["needs_response", "under_review", "won", "lost", "accepted", "withdrawn"];

/// Stage, status and minute after 14:00 of an update; or the opening, at 14:00.
#[derive(Clone, Copy, Debug)]
enum Report {
    Opening,
    Update { stage: usize, status: usize, minute: u8 },
}

fn report() -> impl Strategy<Value = Report> {
    (0..STAGES.len(), 0..STATUSES.len(), 10..15_u8)
        .prop_map(|(stage, status, minute)| Report::Update { stage, status, minute })
}

/// An opening and up to seven updates in two orders of arrival, the second with duplicates.
fn arrivals() -> impl Strategy<Value = (Vec<Report>, Vec<Report>)> {
    prop::collection::vec(report(), 0..8).prop_flat_map(|mut reports| {
        reports.push(Report::Opening);
        let mut twice = reports.clone();
        twice.extend(reports.iter().take(3).copied());
        (Just(reports).prop_shuffle(), Just(twice).prop_shuffle())
    })
}

fn event(report: Report) -> ShopEvent {
    match report {
        Report::Opening => chargeback(1, 10_000).with("fee", money(1_500)),
        Report::Update { stage, status, minute } => {
            full_update(1, STAGES[stage], STATUSES[status], &format!("14:{minute}:00"))
        }
    }
}

fn world_after(arrivals: &[Report]) -> World {
    let mut world = paid(&[8_000]);
    world.clock("15:00:00");
    for report in arrivals {
        tell(&mut world, &event(*report));
        world.check_books();
    }
    world
}

fn ends_as(arrivals: &[Report]) -> Dispute {
    let world = world_after(arrivals);
    assert_eq!(world.state.disputes.len(), 1);
    world.state.disputes[0].clone()
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn reports_in_any_order_end_in_the_same_dispute((one, other) in arrivals()) {
        prop_assert_eq!(ends_as(&one), ends_as(&other));
    }
}

#[test]
fn the_opening_fills_in_what_an_update_did_not_say() {
    let first = ends_as(&[Report::Update { stage: 1, status: 2, minute: 10 }, Report::Opening]);
    assert_eq!(first.opened_at, at("14:00:00"));
    assert_ne!(serde_json::to_value(first.reason).unwrap(), Value::from("general"));
}
