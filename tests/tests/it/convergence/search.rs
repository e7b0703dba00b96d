//! Searching for a history that breaks a rule.

use std::fmt::Debug;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Instant;

use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngSeed, TestCaseError, TestError, TestRunner,
};

/// Sets how many histories each search takes; `PROPTEST_RNG_SEED` sets which.
const CASES: &str = "PROPTEST_CASES";

/// Most attempts to make a history that fails shorter.
const SHRINKS: u32 = 20_000;

/// The seed that is set, or a random one.
pub(crate) fn seed(config: &Config) -> u64 {
    match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().build_hasher().finish(),
    }
}

/// Tries so many histories, and says how many, by which seed and in what time.
///
/// Those that failed before come first: they are kept in `regressions`, a file to commit.
pub(crate) fn search<S>(
    name: &str,
    cases: u32,
    regressions: &'static str,
    histories: &S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S: Strategy<Value: Debug>,
{
    let default = Config::default();
    let cases = std::env::var_os(CASES).map_or(cases, |_| default.cases);
    let seed = seed(&default);
    println!("{name}: {cases} histories, PROPTEST_RNG_SEED={seed}");
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: SHRINKS,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..default
    };
    let started = Instant::now();
    let outcome = TestRunner::new(config).run(histories, check);
    println!("{name}: {:.1} s", started.elapsed().as_secs_f64());
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, history)) => {
            panic!("{name}, by the seed {seed}: {reason}\nafter {history:#?}")
        }
        Err(TestError::Abort(reason)) => panic!("{name} was given up: {reason}"),
    }
}
