//! Free ports on the loopback address, kept across restarts.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::Checkout;

/// The first port to choose from.
///
/// The range ends below the ephemeral ports (from 32768 on Linux): from those a client that
/// reconnects to a stopped server could by chance be given the server's own port.
const FIRST: u16 = 15_000;

/// How many ports to choose from.
const COUNT: u16 = 15_000;

/// The ports of a checkout's private services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// Postgres.
    pub postgres: Option<u16>,
    /// RabbitMQ, AMQP 0-9-1.
    pub amqp: Option<u16>,
    /// RabbitMQ, management over HTTP.
    pub management: Option<u16>,
    /// RabbitMQ, Erlang distribution.
    pub distribution: Option<u16>,
    /// The Erlang port mapper.
    pub epmd: Option<u16>,
}

impl Ports {
    /// Lets the next start of RabbitMQ choose all of its ports anew.
    pub(super) fn forget_rabbitmq(&mut self) {
        *self = Self { postgres: self.postgres, ..Self::default() };
    }

    fn known(&self) -> impl Iterator<Item = u16> {
        let all = [self.postgres, self.amqp, self.management, self.distribution, self.epmd];
        all.into_iter().flatten()
    }
}

/// Finds free ports, and gives none twice.
pub(super) struct Finder {
    next: u16,
    /// Ports of this checkout, also those of servers that do not run yet.
    reserved: BTreeSet<u16>,
}

impl Finder {
    /// Starts at a place that differs between checkouts, so that two rarely meet.
    pub(super) fn new(checkout: &Checkout, ports: &Ports) -> Self {
        let offset = checkout.seed() % u32::from(COUNT);
        let next = u16::try_from(offset).expect("the remainder is below COUNT");
        Self { next, reserved: ports.known().collect() }
    }

    /// Gives none of these ports to anybody.
    pub(super) fn reserve(&mut self, ports: &Ports) {
        self.reserved.extend(ports.known());
    }

    /// Keeps `port` if it is free, else replaces it by one that is, and returns it.
    pub(super) fn keep_or_replace(&mut self, port: &mut Option<u16>) -> Result<u16> {
        match *port {
            Some(kept) if is_free(kept) => Ok(kept),
            Some(_) | None => self.replace(port),
        }
    }

    fn replace(&mut self, port: &mut Option<u16>) -> Result<u16> {
        for _ in 0..COUNT {
            let candidate = FIRST + self.next;
            self.next = (self.next + 1) % COUNT;
            if !self.reserved.contains(&candidate) && is_free(candidate) {
                self.reserved.insert(candidate);
                *port = Some(candidate);
                return Ok(candidate);
            }
        }
        bail!("failed to find a free port on 127.0.0.1")
    }
}

/// Whether nobody listens on this port.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(ports: &Ports) -> Finder {
        let folder = tempfile::tempdir().unwrap();
        Finder::new(&Checkout::at(folder.path()).unwrap(), ports)
    }

    #[test]
    fn a_free_port_is_kept() {
        let mut port = None;
        let first = finder(&Ports::default()).keep_or_replace(&mut port).unwrap();
        assert_eq!(finder(&Ports::default()).keep_or_replace(&mut port).unwrap(), first);
    }

    #[test]
    fn a_port_that_somebody_else_took_is_replaced() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let before = taken.local_addr().unwrap().port();
        let mut port = Some(before);
        let replaced = finder(&Ports::default()).keep_or_replace(&mut port).unwrap();
        assert_ne!(replaced, before);
        assert_eq!(port, Some(replaced));
    }

    #[test]
    fn the_port_of_a_server_that_does_not_run_is_not_given_to_another() {
        let first = finder(&Ports::default()).keep_or_replace(&mut None).unwrap();
        let mut finder = finder(&Ports { amqp: Some(first), ..Ports::default() });
        finder.next = first - FIRST;
        assert_ne!(finder.keep_or_replace(&mut None).unwrap(), first);
    }

    #[test]
    fn one_finder_never_gives_the_same_port_twice() {
        let mut finder = finder(&Ports::default());
        finder.next = COUNT - 10;
        let ports: BTreeSet<u16> =
            (0..50).map(|_| finder.keep_or_replace(&mut None).unwrap()).collect();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|port| (FIRST..FIRST + COUNT).contains(port)));
    }
}
