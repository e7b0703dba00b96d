//! What can go wrong.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::servers::Server;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A worker is killed (SIGKILL) and started again at the end.
    Kill(&'static str),
    /// A worker is asked to stop (SIGTERM) and started again at the end.
    Stop(&'static str),
    /// A worker is stopped in its tracks (SIGSTOP) and goes on at the end.
    Freeze(&'static str),
    /// Every worker is killed at once.
    KillAll,
    /// Every worker is asked to stop and started again, one after the other.
    Roll,
    /// A server is killed (SIGKILL).
    Crash(Server),
    /// A server is asked to stop.
    Restart(Server),
    /// The line to a server.
    Line(Server, Trouble),
    /// The broker takes no more messages, for want of memory.
    MemoryAlarm,
    /// The database ends every worker's session.
    EndSessions,
    /// The database can only be read.
    ReadOnly,
    /// Every connection to the database is taken by others.
    NoConnections,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Connections are closed and refused.
    Cut,
    /// Connections are reset once.
    Reset,
    /// Connections pass nothing any more and never end; new ones are well.
    Stranded,
    /// Nothing passes.
    Silent,
    /// Everything comes later.
    Late(Duration),
    /// So many bytes pass in a second.
    Narrow(u32),
}

/// What has to recover from a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// One worker, or all of them.
    Workers,
    /// RabbitMQ or the line to it.
    Broker,
    /// Postgres or the line to it.
    Database,
}

impl Part {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::Broker => "broker",
            Self::Database => "database",
        }
    }
}

impl Fault {
    /// What kind of fault it is, whatever it hits.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Kill(_) => "worker killed",
            Self::Stop(_) => "worker stopped",
            Self::Freeze(_) => "worker frozen",
            Self::KillAll => "all workers killed",
            Self::Roll => "rolling restart",
            Self::Crash(Server::Broker) => "broker killed",
            Self::Crash(Server::Database) => "database killed",
            Self::Restart(Server::Broker) => "broker restarted",
            Self::Restart(Server::Database) => "database restarted",
            Self::Line(Server::Broker, trouble) => trouble.of_broker(),
            Self::Line(Server::Database, trouble) => trouble.of_database(),
            Self::MemoryAlarm => "broker's memory alarm",
            Self::EndSessions => "database sessions ended",
            Self::ReadOnly => "database read-only",
            Self::NoConnections => "database out of connections",
        }
    }

    /// What has to recover from it.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Kill(_) | Self::Stop(_) | Self::Freeze(_) | Self::KillAll | Self::Roll => {
                Part::Workers
            }
            Self::Crash(server) | Self::Restart(server) | Self::Line(server, _) => server.part(),
            Self::MemoryAlarm => Part::Broker,
            Self::EndSessions | Self::ReadOnly | Self::NoConnections => Part::Database,
        }
    }
}

impl Trouble {
    fn of_broker(self) -> &'static str {
        match self {
            Self::Cut => "broker's line cut",
            Self::Reset => "broker's line reset",
            Self::Stranded => "broker's connections stranded",
            Self::Silent => "broker's line silent",
            Self::Late(_) => "broker's line late",
            Self::Narrow(_) => "broker's line narrow",
        }
    }

    fn of_database(self) -> &'static str {
        match self {
            Self::Cut => "database's line cut",
            Self::Reset => "database's line reset",
            Self::Stranded => "database's connections stranded",
            Self::Silent => "database's line silent",
            Self::Late(_) => "database's line late",
            Self::Narrow(_) => "database's line narrow",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Kill(worker) | Self::Stop(worker) | Self::Freeze(worker) => {
                write!(f, " ({worker})")
            }
            Self::Line(_, Trouble::Late(by)) => write!(f, " ({} ms)", by.as_millis()),
            Self::Line(_, Trouble::Narrow(rate)) => write!(f, " ({} KiB/s)", rate / 1024),
            Self::KillAll
            | Self::Roll
            | Self::Crash(_)
            | Self::Restart(_)
            | Self::Line(..)
            | Self::MemoryAlarm
            | Self::EndSessions
            | Self::ReadOnly
            | Self::NoConnections => Ok(()),
        }
    }
}
