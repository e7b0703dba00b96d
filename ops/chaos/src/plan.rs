//! Which faults come when: pure, and the same for the same seed.

use std::time::Duration;

use fleet::WORKERS;
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::fault::{Fault, Trouble};
use crate::servers::Server;

/// Shortest and longest quiet before a round, in milliseconds.
const QUIET: std::ops::Range<u64> = 300..1_500;
/// In how many of a hundred rounds two things go wrong at once.
const DOUBLE: u32 = 25;

/// What goes wrong in one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    /// How long all is well before.
    pub(crate) quiet: Duration,
    /// What goes wrong: one thing, or two of different parts.
    pub(crate) faults: Vec<Fault>,
    /// How long it stays so.
    pub(crate) hold: Duration,
}

/// Round after round, without end.
#[derive(Clone, Debug)]
pub(crate) struct Plan(ChaCha8Rng);

impl Plan {
    /// The plan of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }
}

impl Iterator for Plan {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        let rng = &mut self.0;
        let first = draw(rng);
        let mut faults = vec![first];
        if rng.random_range(0..100) < DOUBLE {
            let second = draw(rng);
            if goes_with(first, second) {
                faults.push(second);
            }
        }
        let quiet = Duration::from_millis(rng.random_range(QUIET));
        let hold = faults.iter().map(|fault| hold(rng, *fault)).max().unwrap_or_default();
        Some(Round { quiet, faults, hold })
    }
}

/// Two things at once are of different parts; who is busy with all workers is so alone.
fn goes_with(first: Fault, second: Fault) -> bool {
    let all = |fault| matches!(fault, Fault::KillAll | Fault::Roll);
    first.part() != second.part() && !all(first) && !all(second)
}

/// Faults with how often they come.
fn draw(rng: &mut impl Rng) -> Fault {
    let worker = WORKERS[rng.random_range(0..WORKERS.len())];
    let late = Trouble::Late(Duration::from_millis(rng.random_range(20..400)));
    let narrow = Trouble::Narrow(rng.random_range(16..128) * 1024);
    let mut faults = vec![
        (16, Fault::Kill(worker)),
        (8, Fault::Stop(worker)),
        (8, Fault::Freeze(worker)),
        (3, Fault::KillAll),
        (2, Fault::Roll),
        (4, Fault::MemoryAlarm),
        (5, Fault::EndSessions),
        (4, Fault::ReadOnly),
        (4, Fault::NoConnections),
    ];
    for server in [Server::Broker, Server::Database] {
        faults.extend([(4, Fault::Crash(server)), (3, Fault::Restart(server))]);
        let troubles = [
            (6, Trouble::Cut),
            (6, Trouble::Reset),
            (4, Trouble::Stranded),
            (4, Trouble::Silent),
            (4, late),
            (4, narrow),
        ];
        faults.extend(troubles.map(|(weight, trouble)| (weight, Fault::Line(server, trouble))));
    }
    let mut place = rng.random_range(0..faults.iter().map(|(weight, _)| weight).sum::<u32>());
    let drawn = faults.into_iter().find(|(weight, _)| {
        let here = place < *weight;
        place = place.saturating_sub(*weight);
        here
    });
    drawn.expect("the place is below the sum of all weights").1
}

/// How long a fault stays: mostly short, and now and then longer than a heartbeat allows.
fn hold(rng: &mut impl Rng, fault: Fault) -> Duration {
    let milliseconds = match fault {
        Fault::Roll | Fault::EndSessions | Fault::Line(_, Trouble::Reset) => 0..500,
        Fault::Line(_, Trouble::Silent | Trouble::Stranded) => 500..12_000,
        Fault::Kill(_) | Fault::Stop(_) | Fault::KillAll | Fault::Crash(_) | Fault::Restart(_) => {
            0..3_000
        }
        Fault::Freeze(_)
        | Fault::Line(_, Trouble::Cut | Trouble::Late(_) | Trouble::Narrow(_))
        | Fault::MemoryAlarm
        | Fault::ReadOnly
        | Fault::NoConnections => 500..5_000,
    };
    Duration::from_millis(rng.random_range(milliseconds))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fault::Part;

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_another() {
        let rounds = |seed| Plan::new(seed).take(50).collect::<Vec<_>>();
        assert_eq!(rounds(7), rounds(7));
        assert_ne!(rounds(7), rounds(8));
    }

    #[test]
    fn every_kind_of_fault_comes_and_no_part_is_hit_twice_at_once() {
        let rounds: Vec<_> = Plan::new(1).take(600).collect();
        let kinds: BTreeSet<_> =
            rounds.iter().flat_map(|round| &round.faults).map(|fault| fault.kind()).collect();
        assert_eq!(kinds.len(), 25, "{kinds:?}");
        for round in rounds {
            let parts: BTreeSet<Part> = round.faults.iter().map(|fault| fault.part()).collect();
            assert_eq!(parts.len(), round.faults.len());
        }
    }
}
