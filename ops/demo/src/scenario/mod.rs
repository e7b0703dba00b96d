//! A day of a shop: pure, and the same for the same seed.

mod disputes;
mod facts;
mod message;
mod payments;
mod plot;
mod poison;
mod refunds;
mod story;
mod unpaid;

use std::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub use facts::{Fact, Facts};
pub use message::{Clock, Content, Event, Form, Message, Moment, Raw, Wire};
pub use plot::{PROVIDER, SHOP};
pub use story::{Cue, DeadLetter, RefundAnswer, Step, Story, at, on};

use plot::Plot;

/// How many orders are placed in a second, over the whole day.
const ORDERS_PER_SECOND: u32 = 80;
/// Orders are placed over at least this time, so that a small day is a day as well.
const SHORTEST_DAY: Duration = Duration::from_secs(10);
/// One message in so many orders is poison.
const ORDERS_PER_POISON: u32 = 50;
/// Most messages of a day that make their worker panic.
const MOST_PANICS: usize = 5;

/// A kind of story.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What happens, in a few words.
    pub name: &'static str,
    /// How often it happens, beside the others.
    weight: u32,
    /// It takes long, so it begins in the first part of the day.
    slow: bool,
    /// Writes the story.
    write: fn(&mut Plot),
}

const fn scenario(name: &'static str, weight: u32, write: fn(&mut Plot)) -> Scenario {
    Scenario { name, weight, slow: false, write }
}

const fn slow(name: &'static str, weight: u32, write: fn(&mut Plot)) -> Scenario {
    Scenario { name, weight, slow: true, write }
}

/// Every kind of story that is about an order.
pub fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    [payments::SCENARIOS, unpaid::SCENARIOS, refunds::SCENARIOS, disputes::SCENARIOS]
        .into_iter()
        .flatten()
}

/// A day of a shop.
#[derive(Clone, Debug)]
pub struct Day {
    /// Its stories, by number.
    pub stories: Vec<Story>,
}

impl Day {
    /// The day of this seed with so many orders, and poison beside them.
    ///
    /// Every kind of story happens at least once if there are enough orders.
    pub fn new(seed: u64, orders: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let length = length(orders);
        let mut stories = Vec::new();
        for (number, scenario) in (0..).zip(chosen(&mut rng, orders)) {
            let mut plot = Plot::new(seed, number, scenario.name);
            (scenario.write)(&mut plot);
            plot.vary();
            let share = if scenario.slow { 0.4 } else { 1.0 };
            stories.push(placed(plot, &mut rng, length.mul_f64(share)));
        }
        let least = u32::try_from(poison::KINDS.len()).unwrap_or(u32::MAX);
        let kinds = poison::KINDS.iter().cycle();
        for (number, kind) in (0..(orders / ORDERS_PER_POISON).max(least)).zip(kinds) {
            let mut plot = Plot::new(seed, orders + number, kind.name);
            poison::write(&mut plot, *kind);
            stories.push(placed(plot, &mut rng, length));
        }
        Self { stories }
    }

    /// How many messages the day has of its own accord: copies and answers left out.
    pub fn messages(&self) -> usize {
        self.steps().count()
    }

    /// How many exact copies of them are published as well.
    pub fn copies(&self) -> usize {
        self.steps().map(|step| step.copies.len()).sum()
    }

    /// Every message that must end as a dead letter.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.stories.iter().flat_map(|story| story.dead_letters.iter().cloned()).collect()
    }

    /// Every message that makes its worker panic.
    pub fn panics(&self) -> Vec<&str> {
        self.stories.iter().flat_map(|story| story.panics.iter().map(String::as_str)).collect()
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.stories.iter().flat_map(|story| &story.steps)
    }
}

/// Over how long orders are placed.
fn length(orders: u32) -> Duration {
    (Duration::from_secs(1) * orders / ORDERS_PER_SECOND).max(SHORTEST_DAY)
}

fn placed(plot: Plot, rng: &mut ChaCha8Rng, within: Duration) -> Story {
    let begins = within.mul_f64(rng.random());
    Story { begins, ..plot.finish() }
}

/// One scenario for each order: each at least once, the rest by weight, in any order.
fn chosen(rng: &mut ChaCha8Rng, orders: u32) -> Vec<&'static Scenario> {
    let count = usize::try_from(orders).unwrap_or(usize::MAX);
    let mut chosen: Vec<_> = scenarios().take(count).collect();
    let weights: u32 = scenarios().map(|scenario| scenario.weight).sum();
    let panicking = |scenario: &Scenario| scenario.name == unpaid::PANICKING;
    let mut panics = 1;
    while chosen.len() < count {
        let drawn = draw(rng.random_range(0..weights));
        panics += usize::from(panicking(drawn));
        if !panicking(drawn) || panics <= MOST_PANICS {
            chosen.push(drawn);
        }
    }
    chosen.shuffle(rng);
    chosen
}

/// The scenario at this place of all weights laid end to end.
fn draw(mut place: u32) -> &'static Scenario {
    scenarios()
        .find(|scenario| {
            let here = place < scenario.weight;
            place = place.saturating_sub(scenario.weight);
            here
        })
        .expect("the place is below the sum of all weights")
}

#[cfg(test)]
mod tests;
