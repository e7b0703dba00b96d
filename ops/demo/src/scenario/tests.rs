//! A day holds what it promises, and each message is what it says it is.

use std::collections::{BTreeMap, BTreeSet};

use contracts::events::{DisputeEvent, OrderEvent, PaymentEvent, RefundEvent};
use contracts::{DecodeError, Limits, RuleCode, Timestamp, WireMessage, decode};

use super::*;

fn begun() -> Timestamp {
    Timestamp::from_micros(1_780_000_000_000_000)
}

fn clock() -> Clock {
    Clock { begun: begun(), first: begun(), now: begun() }
}

fn wires(day: &Day) -> Vec<Wire> {
    day.steps().map(|step| step.message.render(clock())).collect()
}

/// Decodes a message as the worker does whose queue its routing key leads to.
fn decoded(wire: &Wire) -> Result<(), DecodeError> {
    let headers: Vec<(&str, &str)> =
        wire.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let message =
        WireMessage { content_type: wire.content_type, headers: &headers, body: &wire.body };
    let limits = Limits::default();
    match wire.routing_key.split_once('.').map(|(subject, _)| subject) {
        Some("order" | "customer") => decode::<OrderEvent>(message, &limits).map(drop),
        Some("payment" | "inventory") => decode::<PaymentEvent>(message, &limits).map(drop),
        Some("refund") => decode::<RefundEvent>(message, &limits).map(drop),
        Some("dispute") => decode::<DisputeEvent>(message, &limits).map(drop),
        other => panic!("no worker for {other:?}"),
    }
}

#[test]
fn the_same_seed_gives_the_same_day_and_another_seed_another_one() {
    let text = |seed| format!("{:?}", Day::new(seed, 200).stories);
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

#[test]
fn a_day_has_as_many_orders_as_wanted_and_each_kind_of_story() {
    for orders in [100, 777] {
        let day = Day::new(1, orders);
        let names: BTreeSet<&str> = day.stories.iter().map(|story| story.scenario).collect();
        for scenario in scenarios() {
            assert!(names.contains(scenario.name), "{}", scenario.name);
        }
        for kind in poison::KINDS {
            assert!(names.contains(kind.name), "{}", kind.name);
        }
        let of_orders = day.stories.iter().filter(|story| story.number < orders);
        assert_eq!(u32::try_from(of_orders.count()).unwrap(), orders);
    }
}

#[test]
fn names_of_stories_ids_of_orders_and_ids_of_messages_are_unique() {
    let names: Vec<&str> =
        scenarios().map(|s| s.name).chain(poison::KINDS.iter().map(|k| k.name)).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let day = Day::new(3, 500);
    let orders: BTreeSet<_> = day.stories.iter().map(|story| story.order).collect();
    assert_eq!(orders.len(), day.stories.len());
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for step in day.steps() {
        *uses.entry(&step.message.id).or_default() += 1;
    }
    let reused: BTreeSet<&str> = uses.iter().filter(|(_, n)| **n > 1).map(|(id, _)| *id).collect();
    let letters = day.dead_letters();
    let promised = letters.iter().filter(|letter| letter.code == "id-reuse");
    assert_eq!(reused, promised.map(|letter| letter.message_id.as_str()).collect());
}

#[test]
fn exactly_the_poison_is_refused_each_with_its_code() {
    let day = Day::new(5, 300);
    let contract: BTreeSet<&str> = RuleCode::ALL.into_iter().map(RuleCode::as_str).collect();
    let letters: BTreeMap<String, &str> =
        day.dead_letters().into_iter().map(|letter| (letter.message_id, letter.code)).collect();
    for wire in wires(&day) {
        let expected = letters.get(&wire.message_id).filter(|code| contract.contains(*code));
        let found = decoded(&wire).err().map(|error| error.code.as_str());
        assert_eq!(found, expected.copied(), "{wire:?}");
    }
}

#[test]
fn every_rule_of_the_contract_that_a_text_can_break_is_broken() {
    let codes: BTreeSet<&str> = poison::KINDS.iter().map(|kind| kind.code).collect();
    let missing: Vec<&str> = RuleCode::ALL
        .into_iter()
        .map(RuleCode::as_str)
        .filter(|code| !codes.contains(code))
        .collect();
    assert_eq!(missing, ["unknown-value", "invalid-text"]);
}

#[test]
fn all_three_header_prefixes_and_copies_occur() {
    let day = Day::new(1, 300);
    let headers: BTreeSet<String> =
        wires(&day).into_iter().flat_map(|wire| wire.headers).map(|(name, _)| name).collect();
    for prefix in message::HEADER_PREFIXES {
        assert!(headers.contains(&format!("{prefix}type")), "{prefix}");
    }
    assert!(day.copies() > 10);
}

#[test]
fn a_copy_differs_from_its_original_only_in_when_it_was_published() {
    let day = Day::new(1, 100);
    let step = day.steps().find(|step| !step.copies.is_empty()).unwrap();
    let later = Clock { now: begun().plus(Duration::from_secs(9)), ..clock() };
    let (original, copy) = (step.message.render(clock()), step.message.render(later));
    assert_ne!(original, copy);
    let at = |clock: Clock| clock.now.to_string();
    let restamped = String::from_utf8(copy.body).unwrap().replace(&at(later), &at(clock()));
    assert_eq!(restamped.into_bytes(), original.body);
}
