//! What systemd is told: that the process started, what it waits for, that its loop turns.

use std::env;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;

/// Where systemd listens; set for services of `Type=notify`.
const SOCKET: &str = "NOTIFY_SOCKET";
/// Set where systemd ends a service that is silent for too long.
const WATCHDOG: &str = "WATCHDOG_USEC";

/// Tells systemd about the process; tells nobody where systemd did not start it.
///
/// A service counts as started once its settings are fine and its pages are served: it may wait
/// for its dependencies for hours, and no start may be given up for that. `systemctl status` shows
/// what `/readyz` says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notify(Option<Arc<Listener>>);

#[derive(Debug)]
struct Listener {
    socket: UnixDatagram,
    address: SocketAddr,
    /// Whether it wants a sign of life.
    watched: bool,
}

impl Notify {
    /// As the environment says.
    ///
    /// # Errors
    /// When it names a socket that cannot be used.
    pub(crate) fn from_environment() -> std::io::Result<Self> {
        match env::var(SOCKET) {
            Ok(name) if !name.is_empty() => Self::to(&name, env::var_os(WATCHDOG).is_some()),
            Ok(_) | Err(_) => Ok(Self::default()),
        }
    }

    /// To the socket with this path, or with this abstract name behind an `@`.
    fn to(name: &str, watched: bool) -> std::io::Result<Self> {
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // A full queue of systemd's may not hold up the loop.
        socket.set_nonblocking(true)?;
        Ok(Self(Some(Arc::new(Listener { socket, address, watched }))))
    }

    /// The process has started.
    pub(crate) fn started(&self) {
        self.tell("READY=1");
    }

    /// What the process does, or what it waits for.
    pub(crate) fn status(&self, text: &str) {
        // A line ends the value.
        self.tell(&format!("STATUS={}", text.replace('\n', " ")));
    }

    /// The process has begun to stop.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// The loop turns.
    pub(crate) fn alive(&self) {
        if self.0.as_ref().is_some_and(|listener| listener.watched) {
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, word: &str) {
        let Some(listener) = &self.0 else { return };
        if let Err(error) = listener.socket.send_to_addr(word.as_bytes(), &listener.address) {
            tracing::debug!(%error, "systemd was not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(listener: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = listener.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn systemd_hears_at_a_path_and_at_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify").display().to_string();
        let hidden = format!("orderflow-notify-{}", std::process::id());
        let at_path = UnixDatagram::bind(&path).unwrap();
        let address = SocketAddr::from_abstract_name(&hidden).unwrap();
        let at_name = UnixDatagram::bind_addr(&address).unwrap();
        for (name, listener) in [(path, at_path), (format!("@{hidden}"), at_name)] {
            let notify = Notify::to(&name, true).unwrap();
            notify.started();
            notify.status("not ready: waiting\nfor the broker");
            notify.alive();
            notify.stopping();
            assert_eq!(heard(&listener), "READY=1");
            assert_eq!(heard(&listener), "STATUS=not ready: waiting for the broker");
            assert_eq!(heard(&listener), "WATCHDOG=1");
            assert_eq!(heard(&listener), "STOPPING=1");
        }
    }

    #[test]
    fn no_sign_of_life_is_sent_where_nobody_waits_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify").display().to_string();
        let listener = UnixDatagram::bind(&path).unwrap();
        let notify = Notify::to(&path, false).unwrap();
        notify.alive();
        notify.started();
        assert_eq!(heard(&listener), "READY=1");
    }

    #[test]
    fn nothing_happens_where_nobody_listens() {
        Notify::default().started();
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone").display().to_string();
        Notify::to(&gone, true).unwrap().started();
    }
}
