//! Histories: what happened to an order, and two ways in which its messages may arrive.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::fact::Fact;

/// A fact, and how its messages arrive when they arrive in another order.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) fact: Fact,
    pub(crate) manner: Manner,
}

/// How the messages of one fact arrive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Messages arrive in the order of their places.
    place: u8,
    again: Again,
    /// Seconds since the message before.
    after: u8,
    /// Whether what was released from waiting is back before this message.
    home_first: bool,
    timers: Timers,
}

/// Whether a fact is told a second time.
#[derive(Clone, Copy, Debug)]
enum Again {
    Never,
    /// The message is redelivered.
    SameMessage(u8),
    /// Another message tells the same.
    OtherMessage(u8),
}

/// Which messages of timers follow a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Timers {
    Silent,
    /// Those of every armed timer, mostly early.
    Now,
    /// The same, as if each timer had been armed anew since.
    OfAnotherGeneration,
}

/// One message on its way to its worker.
#[derive(Clone, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) id: String,
    pub(crate) after: Duration,
    pub(crate) home_first: bool,
    pub(crate) timers: Timers,
}

/// The time between two messages when all goes well.
const USUAL: Duration = Duration::from_secs(2);

/// Every fact once, in the order in which it happened, without delay.
pub(crate) fn in_order(history: &[Told]) -> Vec<Arrival<'_>> {
    let mut arrivals = Vec::with_capacity(history.len());
    for (number, told) in history.iter().enumerate() {
        let (id, timers) = (format!("m-{number}"), Timers::Silent);
        let fact = &told.fact;
        arrivals.push(Arrival { fact, id, after: USUAL, home_first: true, timers });
    }
    arrivals
}

/// Shuffled, some of it twice, with timers that come at any time.
pub(crate) fn in_disorder(history: &[Told]) -> Vec<Arrival<'_>> {
    let mut placed = Vec::with_capacity(history.len());
    for (number, told) in history.iter().enumerate() {
        let Manner { place, again, after, home_first, timers } = told.manner;
        let arrival = |id: String| {
            let after = Duration::from_secs(after.into());
            Arrival { fact: &told.fact, id, after, home_first, timers }
        };
        placed.push((place, arrival(format!("m-{number}"))));
        match again {
            Again::Never => {}
            Again::SameMessage(place) => placed.push((place, arrival(format!("m-{number}")))),
            Again::OtherMessage(place) => placed.push((place, arrival(format!("m-{number}-b")))),
        }
    }
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, arrival)| arrival).collect()
}

/// Gives each fact a manner of arriving.
pub(crate) fn told(facts: impl Strategy<Value = Vec<Fact>>) -> impl Strategy<Value = Vec<Told>> {
    (facts, vec(manner(), MOST_FACTS)).prop_map(|(facts, manners)| {
        assert!(facts.len() <= MOST_FACTS, "every fact needs a manner");
        let told = facts.into_iter().zip(manners);
        told.map(|(fact, manner)| Told { fact, manner }).collect()
    })
}

/// More facts than any history has; with the longest pauses all are told within a parked event's
/// patience of 30 minutes, so that nothing is given up before it could come.
const MOST_FACTS: usize = 40;

/// Longest pause between two messages, in seconds.
const LONGEST_PAUSE: u8 = 20;

fn manner() -> impl Strategy<Value = Manner> {
    let again = prop_oneof![
        6 => Just(Again::Never),
        1 => any::<u8>().prop_map(Again::SameMessage),
        1 => any::<u8>().prop_map(Again::OtherMessage),
    ];
    let timers = prop_oneof![
        6 => Just(Timers::Silent),
        1 => Just(Timers::Now),
        1 => Just(Timers::OfAnotherGeneration),
    ];
    (any::<u8>(), again, 0..=LONGEST_PAUSE, any::<bool>(), timers).prop_map(
        |(place, again, after, home_first, timers)| Manner {
            place,
            again,
            after,
            home_first,
            timers,
        },
    )
}
