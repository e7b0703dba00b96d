//! One connection attempt that ends in time, whatever the other side does.

use std::{
    io,
    net::Shutdown,
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
};

use lapin::{
    AsyncTcpStream, Connection, ConnectionProperties, ErrorKind,
    tcp::AMQPUriTcpExt as _,
    uri::{AMQPScheme, AMQPUri},
};
use tokio::time::timeout;

use crate::{AmqpConfig, AmqpUrl, Error, session::tls};

/// Opens one connection, or gives up after the operation time-out and hangs up.
///
/// The client library waits for ever for a peer that accepts and then says nothing, with a thread
/// and a socket per attempt; cutting the socket is the only way to end that.
pub(super) async fn dial(
    url: &AmqpUrl,
    config: &AmqpConfig,
    purpose: &str,
) -> Result<Connection, Error> {
    let limit = config.operation_timeout;
    let heartbeat = u16::try_from(config.heartbeat.as_secs()).unwrap_or(u16::MAX).max(1);
    let uri = url.to_uri(heartbeat);
    let runtime = lapin::runtime::default_runtime()?;
    let name = format!("{} {purpose}", config.connection_name);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let line = Line::default();
    let guard = HangUp(line.clone());
    let reactor = runtime.clone();
    let certificates = url.tls().load();
    let certificates =
        certificates.map_err(|reason| Error::Tls { url: url.to_string(), reason })?;
    let connect = async move |uri: AMQPUri, _| {
        let mut plain = uri.clone();
        plain.scheme = AMQPScheme::AMQP;
        let stream = timeout(limit, plain.connect_async(&reactor))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        if let AsyncTcpStream::Plain(socket) = &stream {
            line.hold(socket.get_ref().as_fd().try_clone_to_owned()?.into())?;
        }
        Ok(match uri.scheme {
            AMQPScheme::AMQP => stream,
            AMQPScheme::AMQPS => {
                stream.into_tls(&uri.authority.host, certificates.as_ref()).await?
            }
        })
    };
    let opening = Connection::connector(uri, runtime, connect, properties);
    let Ok(opened) = timeout(limit, opening).await else {
        return Err(Error::Timeout { operation: "connect", limit });
    };
    let connection = opened.map_err(|error| unreachable(url, error))?;
    guard.disarm();
    Ok(connection)
}

fn unreachable(url: &AmqpUrl, error: lapin::Error) -> Error {
    match error.kind() {
        ErrorKind::IOError(cause) if url.uses_tls() => match tls::fault(cause) {
            Some(reason) => Error::Tls { url: url.to_string(), reason },
            None => Error::Unreachable { url: url.to_string(), source: error.into() },
        },
        ErrorKind::IOError(_) => Error::Unreachable { url: url.to_string(), source: error.into() },
        _ => error.into(),
    }
}

/// A second handle on the socket of an attempt.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<LineState>>);

#[derive(Default)]
enum LineState {
    #[default]
    Dialling,
    Held(std::net::TcpStream),
    Over,
}

impl Line {
    fn hold(&self, socket: std::net::TcpStream) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, LineState::Over) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        *state = LineState::Held(socket);
        Ok(())
    }

    fn end(&self) -> LineState {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut state, LineState::Over)
    }
}

/// Cuts the socket of an attempt that is given up, by time-out or by dropping the future.
struct HangUp(Line);

impl HangUp {
    fn disarm(self) {
        self.0.end();
    }
}

impl Drop for HangUp {
    fn drop(&mut self) {
        if let LineState::Held(socket) = self.0.end()
            && let Err(error) = socket.shutdown(Shutdown::Both)
        {
            tracing::debug!(%error, "the abandoned socket was closed already");
        }
    }
}
