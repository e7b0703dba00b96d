//! Being asked to stop.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::notify::Notify;

/// Tells every part of a process that it was asked to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Resolves once the process was asked to stop.
    pub async fn requested(&mut self) {
        // The sender lives as long as the process; its end is a stop as well.
        if self.0.wait_for(|stopped| *stopped).await.is_err() {
            tracing::debug!("the sender of stops is gone");
        }
    }

    /// Whether the process was asked to stop.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits that long, or less when the process is asked to stop; `true` after the whole time.
    pub async fn sleep(&mut self, duration: std::time::Duration) -> bool {
        tokio::time::timeout(duration, self.requested()).await.is_err()
    }

    /// A stop that is requested by calling the returned function; for tests and one-off tools.
    pub fn by_hand() -> (Self, impl Fn() + Send + Sync) {
        let (request, stop) = watch::channel(false);
        (Self(stop), move || {
            request.send_replace(true);
        })
    }

    /// Listens for SIGTERM and SIGINT, and tells systemd; a second one ends the process at once.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub(crate) fn on_signals(notify: Notify) -> std::io::Result<Self> {
        let (mut term, mut int) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (request, stop) = watch::channel(false);
        tokio::spawn(async move {
            for second in [false, true] {
                tokio::select! {
                    _ = term.recv() => {}
                    _ = int.recv() => {}
                }
                if second {
                    tracing::warn!("asked to stop twice: ending at once");
                    std::process::exit(130);
                }
                tracing::info!("asked to stop: draining");
                notify.stopping();
                request.send_replace(true);
            }
        });
        Ok(Self(stop))
    }
}
