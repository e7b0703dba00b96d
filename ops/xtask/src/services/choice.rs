//! Which RabbitMQ a task runs on: the installed one, or a newer release, as one node or three.

use std::fmt;

use clap::{Args, ValueEnum};

/// Which private RabbitMQ to use.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerChoice {
    /// A newer RabbitMQ beside the installed one, from Debian's packages below `.local/brokers`.
    #[arg(long = "broker", value_enum, value_name = "VERSION")]
    pub release: Option<BrokerRelease>,
    /// How many nodes the private RabbitMQ has: 3 make a cluster of their own.
    #[arg(long, value_name = "COUNT", default_value_t, value_enum)]
    pub nodes: NodeCount,
}

/// A RabbitMQ newer than the one of this machine's distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BrokerRelease {
    /// In Debian 13.
    #[value(name = "4.0")]
    V4_0,
    /// In Debian's unstable distribution.
    #[value(name = "4.3")]
    V4_3,
}

impl BrokerRelease {
    /// The suite of Debian that carries it.
    pub(super) fn suite(self) -> &'static str {
        match self {
            Self::V4_0 => "trixie",
            Self::V4_3 => "sid",
        }
    }

    /// What its version begins with.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::V4_0 => "4.0",
            Self::V4_3 => "4.3",
        }
    }
}

/// How many nodes a broker has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NodeCount {
    /// One node.
    #[default]
    #[value(name = "1")]
    One,
    /// A cluster.
    #[value(name = "3")]
    Three,
}

impl BrokerChoice {
    /// Whether it is the installed broker with one node, which most tasks use.
    pub fn is_usual(self) -> bool {
        self == Self::default()
    }

    /// The release as an argument of the command line.
    pub fn release_argument(self) -> String {
        let version = self.release.map(BrokerRelease::version);
        version.map_or_else(String::new, |version| format!("--broker {version}"))
    }

    /// Every choice but the usual one.
    pub(super) fn all_beside() -> impl Iterator<Item = Self> {
        let releases = [None, Some(BrokerRelease::V4_0), Some(BrokerRelease::V4_3)];
        let of = |release| [NodeCount::One, NodeCount::Three].map(|nodes| Self { release, nodes });
        releases.into_iter().flat_map(of).filter(|choice| !choice.is_usual())
    }

    /// The name of its folder.
    pub(super) fn name(self) -> String {
        let release = self.release.map_or("installed", BrokerRelease::version);
        match self.nodes {
            NodeCount::One => release.to_owned(),
            NodeCount::Three => format!("{release}-cluster"),
        }
    }
}

impl fmt::Display for BrokerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let release = self.release.map_or("as installed", BrokerRelease::version);
        match self.nodes {
            NodeCount::One => write!(f, "RabbitMQ {release}"),
            NodeCount::Three => write!(f, "RabbitMQ {release}, three nodes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_has_a_folder_of_its_own() {
        let names: Vec<String> = BrokerChoice::all_beside().map(BrokerChoice::name).collect();
        assert_eq!(names, ["installed-cluster", "4.0", "4.0-cluster", "4.3", "4.3-cluster"]);
    }
}
