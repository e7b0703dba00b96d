//! What the day expects is what the workers' rules do, in whatever order messages arrive.

use std::collections::{BTreeMap, BTreeSet};

use demo::scenario::{Day, Story, scenarios};

use crate::stage::{End, play};

/// Plays a day and tells in which of their ways its stories ended.
fn check(
    seed: u64,
    orders: u32,
    chosen: fn(&Story) -> bool,
) -> BTreeMap<&'static str, BTreeSet<usize>> {
    let mut endings: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for story in Day::new(seed, orders).stories.iter().filter(|story| chosen(story)) {
        let End { facts, dead_letters, unheard } = play(story, seed + u64::from(story.number));
        let ending = story.endings.iter().position(|ending| *ending == facts);
        let expected: BTreeSet<_> = story.dead_letters.iter().cloned().collect();
        if ending.is_none() || dead_letters != expected || !unheard.is_empty() {
            let differences = story.endings[0].differences(&facts);
            wrong.push(format!(
                "{}: {differences:?}, dead letters {dead_letters:?} of {expected:?}, \
                 unheard {unheard:?}",
                story.scenario
            ));
        }
        endings.entry(story.scenario).or_default().extend(ending);
    }
    assert!(wrong.is_empty(), "{} stories ended otherwise:\n{}", wrong.len(), wrong.join("\n"));
    endings
}

#[test]
fn every_story_ends_as_expected_in_any_order_of_arrival() {
    let endings: Vec<_> = (1..=3).map(|seed| check(seed, 800, |_| true)).collect();
    for scenario in scenarios() {
        assert!(endings.iter().any(|run| run.contains_key(scenario.name)), "{}", scenario.name);
    }
}

const RACES: [&str; 2] = ["payment and deadline at once", "payment and cancellation at once"];

#[test]
fn a_race_ends_in_each_of_its_ways() {
    let endings = check(4, 3_000, |story| RACES.contains(&story.scenario));
    for race in RACES {
        assert_eq!(endings[race], BTreeSet::from([0, 1]), "{race}");
    }
}
