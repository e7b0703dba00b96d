//! The two servers a checkout needs.

use super::binaries;

/// One of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// Holds what is true.
    Postgres,
    /// Carries the messages.
    RabbitMq,
}

impl Server {
    /// Its name in marks, files and Compose.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::RabbitMq => "rabbitmq",
        }
    }

    /// Its Debian package.
    pub(super) fn package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::RabbitMq => "rabbitmq-server",
        }
    }

    /// Whether its binaries are on this machine.
    pub(super) fn is_installed(self) -> bool {
        match self {
            Self::Postgres => binaries::PostgresBinaries::find(None).is_some(),
            Self::RabbitMq => binaries::rabbitmq_server().is_some(),
        }
    }

    /// The names of several, for a sentence.
    pub(super) fn list(servers: &[Self]) -> String {
        servers.iter().map(|server| server.title()).collect::<Vec<_>>().join(" and ")
    }

    fn title(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::RabbitMq => "RabbitMQ",
        }
    }
}
