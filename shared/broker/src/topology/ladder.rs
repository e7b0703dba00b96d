//! The delay ladder's exchanges and queues; how a message takes it is in [`crate::delay`].

use crate::{
    Names,
    delay::LEVELS,
    topology::{Arguments, ExchangeKind, Topology},
};

/// Adds a topic exchange and a queue per level, and the exchange at the foot of the ladder.
///
/// The exchange of a level reads one bit of the routing key: 1 leads into the level's queue, where
/// the message waits 2^level seconds, 0 straight down. Both ways end at the next level, and
/// below level 0 at the work queue named by the rest of the key. Every exchange has an alternate:
/// 33 messages that cannot leave a level would stop it for ever.
pub(super) fn add(topology: &mut Topology, names: &Names) {
    let unroutable = names.unroutable();
    let parked = || Arguments::of([("alternate-exchange", unroutable.as_str().into())]);
    topology.exchange(names.ladder_home(), ExchangeKind::Topic, parked());
    for level in 0..LEVELS {
        let name = names.ladder_level(level);
        let below = match level.checked_sub(1) {
            Some(lower) => names.ladder_level(lower),
            None => names.ladder_home(),
        };
        topology.exchange(name.clone(), ExchangeKind::Topic, parked());
        topology.queue(name.clone(), waiting_room(level, &below));
        let higher_bits = "*.".repeat(usize::from(LEVELS - 1 - level));
        topology.bind_queue(&name, &name, &format!("{higher_bits}1.#"));
        topology.bind_exchange(&name, &below, &format!("{higher_bits}0.#"));
    }
}

fn waiting_room(level: u8, below: &str) -> Arguments {
    let milliseconds = 1000_i64 << level;
    let mut arguments =
        Arguments::of([("x-queue-type", "quorum".into()), ("x-message-ttl", milliseconds.into())]);
    arguments.dead_letter_safely(below);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DelayProvider, topology::DestinationKind};

    #[test]
    fn a_level_reads_its_own_bit_and_leads_down() {
        let topology = Topology::of(&Names::default(), &[], DelayProvider::Ladder);
        let from = |exchange: &str| {
            let bindings = topology.bindings.iter().filter(|b| b.source == exchange);
            bindings
                .map(|b| (b.routing_key.as_str(), b.destination.as_str(), b.destination_type))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            from("orderflow.delay.11"),
            [
                ("1.#", "orderflow.delay.11", DestinationKind::Queue),
                ("0.#", "orderflow.delay.10", DestinationKind::Exchange),
            ]
        );
        assert_eq!(
            from("orderflow.delay.9"),
            [
                ("*.*.1.#", "orderflow.delay.9", DestinationKind::Queue),
                ("*.*.0.#", "orderflow.delay.8", DestinationKind::Exchange),
            ]
        );
        assert_eq!(from("orderflow.delay.0")[1].1, "orderflow.delay.home");
    }

    #[test]
    fn a_level_waits_two_to_its_number_seconds_and_loses_nothing() {
        let expected = Arguments::of([
            ("x-queue-type", "quorum".into()),
            ("x-message-ttl", 2_048_000.into()),
            ("x-dead-letter-exchange", "orderflow.delay.10".into()),
            ("x-dead-letter-strategy", "at-least-once".into()),
            ("x-overflow", "reject-publish".into()),
        ]);
        assert_eq!(waiting_room(11, "orderflow.delay.10"), expected);
    }
}
