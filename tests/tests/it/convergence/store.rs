//! The same through the database: many orders at once, several lanes, batches of any size,
//! redelivery, and every invariant at any moment.

pub(super) mod lanes;
pub(super) mod town;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::OrderId;
use domain::ledger::Account;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use testkit::eventually;

use super::calm;
use super::fact::Scene;
use super::history::{self, Told};
use super::life::{Life, books, policies};
use super::picture::{Announced, Picture};
use super::search::seed;
use lanes::Lanes;
use town::Town;

/// How many histories one run takes, each on an order of its own.
const HISTORIES: u32 = 2_000;

/// Takes another number of histories.
const HISTORIES_VARIABLE: &str = "ORDERFLOW_TEST_STORE_HISTORIES";

/// How many connections deliver at once.
const LANES: u64 = 4;

/// Longest that the town may take to come to rest.
const PATIENCE: Duration = Duration::from_mins(5);

/// How long before the first message the orders were placed.
const AGE: Duration = Duration::from_mins(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_orders_at_once_end_in_the_database_as_they_do_in_memory() {
    let cases = std::env::var(HISTORIES_VARIABLE).map_or(HISTORIES, |text| text.parse().unwrap());
    let seed = seed(&Config::default());
    println!("through the store: {cases} histories, PROPTEST_RNG_SEED={seed}");
    let histories = histories(cases, seed);
    let expected: Vec<Picture> = histories.iter().map(|history| in_memory(history)).collect();

    let started = Instant::now();
    let began = runtime::now().minus(AGE);
    let scenes: Vec<Scene> = (1..=cases).map(|order| Scene { order, began }).collect();
    let town = Arc::new(Town::new(&scenes, &histories).await);
    let lanes = Lanes::start(&town, &quick_policies(), LANES, seed);
    let looks = watch_until_rest(&town).await;
    assert_eq!(town.database.texts("SELECT park_key FROM parked_events").await, [""; 0]);
    while town.fire_payment_timers().await > 0 {
        town.come_to_rest(PATIENCE).await;
    }
    let (batches, retries) = lanes.stop().await;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "through the store: {batches} batches, {retries} tried again, {looks} looks, {seconds:.1} s"
    );

    assert_eq!(town.violations().await, []);
    let found = town.pictures(&scenes, &histories).await;
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let history = &histories[number];
        assert_eq!(found, expected, "order {} of the seed {seed}: {history:#?}", number + 1);
    }
}

/// The default choices, but expiry waits for no payment under way: tests cannot wait so long.
fn quick_policies() -> domain::Policies {
    domain::Policies { max_hold: Duration::ZERO, ..policies() }
}

fn histories(cases: u32, seed: u64) -> Vec<Vec<Told>> {
    let config = Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() };
    let (mut runner, strategy) = (TestRunner::new(config), history::told(calm::any_facts()));
    let mut history = |_| strategy.new_tree(&mut runner).unwrap().current();
    (0..cases).map(&mut history).collect()
}

fn in_memory(history: &[Told]) -> Picture {
    let life = Life::of(&books(), &history::in_order(history)).unwrap();
    life.picture(calm::is_called_off(history))
}

/// Checks the invariants again and again while the lanes work; answers how often.
async fn watch_until_rest(town: &Town) -> u32 {
    let mut looks = 0;
    eventually(PATIENCE, "the orders come to rest", async || {
        assert_eq!(town.violations().await, []);
        looks += 1;
        town.is_at_rest().await
    })
    .await;
    looks
}

impl Town {
    /// What became of every order, by its rows, its ledger and its messages.
    async fn pictures(&self, scenes: &[Scene], histories: &[Vec<Told>]) -> Vec<Picture> {
        let states = self.states(scenes).await;
        let balances = self.balances().await;
        let pictures = scenes.iter().zip(histories).map(|(scene, history)| {
            let order: OrderId = scene.order();
            let balance =
                |account: Account| balances.get(&(order, account)).copied().unwrap_or_default();
            let announced: Announced = self.announced(order);
            let called_off = calm::is_called_off(history);
            Picture::new(*scene, &states[&order], balance, announced, called_off)
        });
        pictures.collect()
    }
}

/// What lies in an account of an order.
pub(crate) type Balances = HashMap<(OrderId, Account), i64>;
