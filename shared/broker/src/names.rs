//! Every name one deployment uses on the broker.

use std::fmt;

/// The prefix of a deployment that was not given another one.
pub const DEFAULT_PREFIX: &str = "orderflow";

/// Longest prefix: the routing key of the ladder carries 24 characters and the queue name, and
/// AMQP ends every name at 255 bytes.
const MAX_PREFIX: usize = 64;

/// All exchange and queue names of one deployment.
///
/// Two deployments with different prefixes share a broker without touching each other's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    prefix: String,
}

/// Why a prefix cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to accept the name prefix {prefix:?}: {rule}")]
pub struct NameError {
    prefix: String,
    rule: &'static str,
}

impl Names {
    /// Names that all begin with `prefix`.
    ///
    /// A prefix is 1 to 64 lower-case letters, digits, `-` or `_`, begins with a letter and is
    /// not `amq`, which the broker keeps for itself.
    pub fn new(prefix: impl Into<String>) -> Result<Self, NameError> {
        let prefix = prefix.into();
        match broken_rule(&prefix) {
            Some(rule) => Err(NameError { prefix, rule }),
            None => Ok(Self { prefix }),
        }
    }

    /// The prefix itself.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Topic exchange the shops publish to; the routing key is the event name.
    pub fn inbound(&self) -> String {
        if self.prefix == DEFAULT_PREFIX {
            "shop.events".to_owned()
        } else {
            self.of("shop.events")
        }
    }

    /// Topic exchange for what we announce and command.
    pub fn outbound(&self) -> String {
        self.of("events")
    }

    /// Work queue of a worker.
    pub fn work_queue(&self, worker: &str) -> String {
        self.of(worker)
    }

    /// Dead-letter queue of a worker.
    pub fn dead_queue(&self, worker: &str) -> String {
        self.of(&format!("{worker}.dead"))
    }

    /// Direct exchange for dead letters; the routing key is the work queue's name.
    pub fn dead_exchange(&self) -> String {
        self.of("dead")
    }

    /// Fanout exchange, and the queue behind it, for messages no binding takes.
    pub fn unroutable(&self) -> String {
        self.of("unroutable")
    }

    /// Direct exchange that leads to exactly one work queue; the routing key is its name.
    pub fn return_exchange(&self) -> String {
        self.of("return")
    }

    /// Exchange of the delay plugin; the routing key is the work queue's name.
    pub fn delayed_exchange(&self) -> String {
        self.of("delayed")
    }

    /// Exchange and queue of one level of the delay ladder, which waits 2^`level` seconds.
    pub fn ladder_level(&self, level: u8) -> String {
        self.of(&format!("delay.{level}"))
    }

    /// Topic exchange below the ladder, which reads the work queue's name off the key's end.
    pub fn ladder_home(&self) -> String {
        self.of("delay.home")
    }

    fn of(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }
}

impl Default for Names {
    fn default() -> Self {
        Self { prefix: DEFAULT_PREFIX.to_owned() }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)
    }
}

fn broken_rule(prefix: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if prefix.len() > MAX_PREFIX {
        Some("it is longer than 64 characters")
    } else if !prefix.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("it does not begin with a lower-case letter")
    } else if !prefix.chars().all(allowed) {
        Some("it holds more than lower-case letters, digits, `-` and `_`")
    } else if prefix == "amq" {
        Some("the broker reserves names that begin with `amq.`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_deployment_has_the_documented_names() {
        let names = Names::default();
        assert_eq!(names.inbound(), "shop.events");
        assert_eq!(names.outbound(), "orderflow.events");
        assert_eq!(names.work_queue("payment-timeout"), "orderflow.payment-timeout");
        assert_eq!(names.dead_queue("payment-timeout"), "orderflow.payment-timeout.dead");
        assert_eq!(names.dead_exchange(), "orderflow.dead");
        assert_eq!(names.unroutable(), "orderflow.unroutable");
        assert_eq!(names.return_exchange(), "orderflow.return");
        assert_eq!(names.delayed_exchange(), "orderflow.delayed");
        assert_eq!(names.ladder_level(11), "orderflow.delay.11");
        assert_eq!(names.ladder_home(), "orderflow.delay.home");
    }

    #[test]
    fn every_name_of_another_deployment_begins_with_its_prefix() {
        let names = Names::new("tenant-7").unwrap();
        assert_eq!(names.inbound(), "tenant-7.shop.events");
        assert_eq!(names.outbound(), "tenant-7.events");
    }

    #[test]
    fn a_prefix_that_would_break_a_binding_or_the_broker_is_refused() {
        for prefix in ["", "amq", "Shop", "7th", "a.b", "a#", "a*", "a b", "-a", &"a".repeat(65)] {
            assert!(Names::new(prefix).is_err(), "{prefix:?} was accepted");
        }
    }
}
