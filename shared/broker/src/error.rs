//! What can go wrong with the broker, and what that means for a message.

use std::{fmt, sync::Arc, time::Duration};

use lapin::{
    ConnectionState, ErrorKind,
    protocol::{AMQPError, AMQPErrorKind, AMQPHardError, AMQPSoftError},
};

use crate::SessionEnd;

/// Anything that went wrong between us and the broker.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No connection came about: nobody listens, the name does not resolve, TLS failed.
    #[error("failed to connect to {url}")]
    Unreachable {
        /// The node that was tried, without the password.
        url: String,
        /// What the network said.
        source: Cause,
    },
    /// The two sides did not agree on TLS: a certificate is missing, wrong or too old.
    #[error("failed to agree on TLS with {url}: {reason}")]
    Tls {
        /// The node that was tried, without the password.
        url: String,
        /// What is wrong, in words.
        reason: String,
    },
    /// No broker address was configured.
    #[error("failed to connect: no broker url is configured")]
    NoUrl,
    /// The broker did not answer in time.
    #[error("failed to {operation} within {limit:?}")]
    Timeout {
        /// What was being done.
        operation: &'static str,
        /// How long the answer was waited for.
        limit: Duration,
    },
    /// The broker is out of memory or disk, and whoever publishes does not want to wait.
    #[error("failed to publish: the broker has blocked the connection")]
    Blocked,
    /// An established connection ended.
    #[error("failed to keep the connection to the broker")]
    ConnectionLost {
        /// What ended it.
        source: Cause,
    },
    /// The broker, or we, closed the channel while it was needed.
    #[error("failed to use a channel that was closed")]
    ChannelClosed {
        /// What closed it.
        source: Cause,
    },
    /// The credentials, the vhost or the permissions do not allow it.
    #[error("failed to get the broker's permission: {text}")]
    AccessRefused {
        /// The broker's words.
        text: String,
    },
    /// An exchange or queue is missing, or the node that holds it is down.
    #[error("failed to find an exchange or queue: {text}")]
    NotFound {
        /// The broker's words.
        text: String,
    },
    /// Something else holds the queue or the exchange exclusively.
    #[error("failed to get hold of a locked object: {text}")]
    Locked {
        /// The broker's words.
        text: String,
    },
    /// An object exists with other arguments, or a delivery tag is not ours.
    #[error("failed a precondition of the broker: {text}")]
    PreconditionFailed {
        /// The broker's words.
        text: String,
    },
    /// A frame arrived that cannot be decoded; a message that breaks the protocol is in the queue.
    #[error("failed to decode a frame from the broker")]
    UnreadableFrame {
        /// Where decoding stopped.
        source: Cause,
    },
    /// `--delay plugin` was asked for and the broker has no such plugin.
    #[error(
        "failed to find exchange type `x-delayed-message` on the broker: enable the plugin \
         rabbitmq_delayed_message_exchange, or run with --delay ladder"
    )]
    DelayPluginMissing,
    /// The protocol was broken, or the client library failed.
    #[error("failed to speak AMQP with the broker")]
    Protocol {
        /// What went wrong.
        source: Cause,
    },
}

/// What an error means for the work that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The same may succeed on another try.
    Transient,
    /// Only a change of the message, the topology or the configuration helps.
    Permanent,
    /// The broker is away or unusable; nothing should be tried until it is back.
    DependencyDown,
}

impl Error {
    /// What the error means for the work that met it.
    pub fn class(&self) -> Class {
        match self {
            Self::ChannelClosed { .. } | Self::Locked { .. } | Self::UnreadableFrame { .. } => {
                Class::Transient
            }
            // A certificate is renewed without a restart of ours.
            Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Timeout { .. }
            | Self::Blocked
            | Self::ConnectionLost { .. }
            | Self::NotFound { .. } => Class::DependencyDown,
            Self::NoUrl
            | Self::AccessRefused { .. }
            | Self::PreconditionFailed { .. }
            | Self::DelayPluginMissing
            | Self::Protocol { .. } => Class::Permanent,
        }
    }

    /// Stable name for logs, metrics, dead letters and runbooks.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "broker-unreachable",
            Self::Tls { .. } => "broker-tls-failed",
            Self::NoUrl => "broker-url-missing",
            Self::Timeout { .. } => "broker-timeout",
            Self::Blocked => "broker-blocked",
            Self::ConnectionLost { .. } => "broker-connection-lost",
            Self::ChannelClosed { .. } => "broker-channel-closed",
            Self::AccessRefused { .. } => "broker-access-refused",
            Self::NotFound { .. } => "broker-object-missing",
            Self::Locked { .. } => "broker-object-locked",
            Self::PreconditionFailed { .. } => "broker-precondition-failed",
            Self::UnreadableFrame { .. } => "broker-frame-unreadable",
            Self::DelayPluginMissing => "delay-plugin-missing",
            Self::Protocol { .. } => "broker-protocol-broken",
        }
    }
}

impl From<lapin::Error> for Error {
    fn from(error: lapin::Error) -> Self {
        let source = Cause::from(error);
        match source.0.kind() {
            ErrorKind::IOError(_)
            | ErrorKind::RuntimeShutdownError(_)
            | ErrorKind::MissingHeartbeatError
            | ErrorKind::InvalidConnectionState(_) => Self::ConnectionLost { source },
            ErrorKind::InvalidChannel(_) | ErrorKind::InvalidChannelState(..) => {
                Self::ChannelClosed { source }
            }
            ErrorKind::ParsingError(_) => Self::UnreadableFrame { source },
            ErrorKind::ProtocolError(answer) => from_answer(&answer.clone(), source),
            // The library's list is open; what is not known here is permanent.
            _ => Self::Protocol { source },
        }
    }
}

impl From<SessionEnd> for Error {
    fn from(end: SessionEnd) -> Self {
        match end {
            SessionEnd::Lost { cause, .. } => cause,
            SessionEnd::Closed => {
                let closed = ErrorKind::InvalidConnectionState(ConnectionState::Closed);
                lapin::Error::from(closed).into()
            }
        }
    }
}

/// Reads the reply code with which the broker closed a channel or a connection.
fn from_answer(answer: &AMQPError, source: Cause) -> Error {
    let text = answer.get_message().to_string();
    match answer.kind() {
        AMQPErrorKind::Soft(soft) => match soft {
            AMQPSoftError::ACCESSREFUSED => Error::AccessRefused { text },
            AMQPSoftError::NOTFOUND => Error::NotFound { text },
            AMQPSoftError::RESOURCELOCKED => Error::Locked { text },
            AMQPSoftError::PRECONDITIONFAILED => Error::PreconditionFailed { text },
            AMQPSoftError::CONTENTTOOLARGE
            | AMQPSoftError::NOROUTE
            | AMQPSoftError::NOCONSUMERS => Error::Protocol { source },
        },
        AMQPErrorKind::Hard(hard) => match hard {
            AMQPHardError::CONNECTIONFORCED
            | AMQPHardError::RESOURCEERROR
            | AMQPHardError::INTERNALERROR => Error::ConnectionLost { source },
            AMQPHardError::INVALIDPATH | AMQPHardError::NOTALLOWED => Error::AccessRefused { text },
            AMQPHardError::FRAMEERROR
            | AMQPHardError::SYNTAXERROR
            | AMQPHardError::COMMANDINVALID
            | AMQPHardError::CHANNELERROR
            | AMQPHardError::UNEXPECTEDFRAME
            | AMQPHardError::NOTIMPLEMENTED => Error::Protocol { source },
        },
    }
}

/// What the client library reported; opaque, for the error chain only.
#[derive(Clone)]
pub struct Cause(Arc<lapin::Error>);

impl From<lapin::Error> for Cause {
    fn from(error: lapin::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u16) -> Error {
        let answer = AMQPError::from_id(code, "words".into()).unwrap();
        lapin::Error::from(ErrorKind::ProtocolError(answer)).into()
    }

    fn check(error: &Error, class: Class, code: &str) {
        assert_eq!((error.class(), error.code()), (class, code));
    }

    #[test]
    fn the_brokers_reply_code_decides_the_class() {
        check(&answered(320), Class::DependencyDown, "broker-connection-lost");
        check(&answered(541), Class::DependencyDown, "broker-connection-lost");
        check(&answered(404), Class::DependencyDown, "broker-object-missing");
        check(&answered(405), Class::Transient, "broker-object-locked");
        check(&answered(403), Class::Permanent, "broker-access-refused");
        check(&answered(530), Class::Permanent, "broker-access-refused");
        check(&answered(406), Class::Permanent, "broker-precondition-failed");
        check(&answered(503), Class::Permanent, "broker-protocol-broken");
    }

    #[test]
    fn a_lost_network_is_the_dependencys_fault_and_the_unknown_is_permanent() {
        let io = lapin::Error::from(std::io::Error::other("gone"));
        check(&io.into(), Class::DependencyDown, "broker-connection-lost");
        let unknown = lapin::Error::from(ErrorKind::NoDefaultRuntime);
        check(&unknown.into(), Class::Permanent, "broker-protocol-broken");
    }
}
