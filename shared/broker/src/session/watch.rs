//! Tells everybody when a session is blocked or over.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::{Connection, Event};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::Error;

/// The two connections of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// Carries deliveries and acks.
    Consume,
    /// Carries publications and confirms.
    Publish,
}

impl Link {
    /// The name in logs, metrics and the broker's list of connections.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consume => "consume",
            Self::Publish => "publish",
        }
    }
}

/// What a session can do at the moment.
#[derive(Debug, Clone)]
pub enum SessionState {
    /// Everything.
    Open,
    /// Not publish: the broker is short of memory or disk.
    Blocked {
        /// The broker's words.
        reason: String,
    },
    /// Nothing any more.
    Ended(SessionEnd),
}

/// Why a session is over.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionEnd {
    /// We closed it.
    #[error("it was closed")]
    Closed,
    /// A connection ended.
    #[error("its connection to {} ended", link.as_str())]
    Lost {
        /// Which one ended first.
        link: Link,
        /// What ended it.
        #[source]
        cause: Error,
    },
}

/// Follows the state of a session; cheap to clone, each clone sees every change of its own.
#[derive(Debug, Clone)]
pub struct SessionWatch(watch::Receiver<SessionState>);

impl SessionWatch {
    /// The state now.
    pub fn state(&self) -> SessionState {
        self.0.borrow().clone()
    }

    /// Resolves with the next state this watch has not seen yet.
    pub async fn changed(&mut self) -> SessionState {
        if self.0.changed().await.is_err() {
            return SessionState::Ended(self.end());
        }
        self.0.borrow_and_update().clone()
    }

    /// Resolves when publishing is possible.
    ///
    /// # Errors
    /// How the session ended, if it did instead.
    pub async fn unblocked(&mut self) -> Result<(), SessionEnd> {
        let told = |state: &SessionState| !matches!(state, SessionState::Blocked { .. });
        if self.0.wait_for(told).await.is_err() {
            return Err(self.end());
        }
        match self.state() {
            SessionState::Ended(end) => Err(end),
            // Blocked once more by now; whoever publishes looks again.
            SessionState::Open | SessionState::Blocked { .. } => Ok(()),
        }
    }

    /// Resolves when the broker takes nothing from us; never if it does not come to that.
    pub async fn blocked(&mut self) {
        let told = |state: &SessionState| matches!(state, SessionState::Blocked { .. });
        if self.0.wait_for(told).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// A wait of `limit` for an answer to what is published now.
    pub fn patience(&self, limit: Duration) -> Patience {
        Patience { watch: self.clone(), limit, deadline: Instant::now() + limit }
    }

    /// Resolves when either connection has ended, or the session was closed.
    pub async fn ended(&mut self) -> SessionEnd {
        let over = |state: &SessionState| matches!(state, SessionState::Ended(_));
        // An error means that the session was dropped without a last word.
        drop(self.0.wait_for(over).await);
        self.end()
    }

    fn end(&self) -> SessionEnd {
        match &*self.0.borrow() {
            SessionState::Ended(end) => end.clone(),
            SessionState::Open | SessionState::Blocked { .. } => SessionEnd::Closed,
        }
    }
}

/// How long to wait for the broker; the time does not run while it takes no messages.
///
/// A broker that is short of memory or disk stops reading from those who publish, for minutes or
/// hours. Their connections live on, and what they sent is answered once it recovers.
#[derive(Debug)]
pub struct Patience {
    watch: SessionWatch,
    limit: Duration,
    deadline: Instant,
}

impl Patience {
    /// Resolves when the time is over; may be dropped and asked again.
    ///
    /// # Errors
    /// How the session ended, if it did before.
    pub async fn over(&mut self) -> Result<(), SessionEnd> {
        loop {
            match self.watch.state() {
                SessionState::Ended(end) => return Err(end),
                SessionState::Blocked { .. } => {
                    self.watch.unblocked().await?;
                    self.deadline = Instant::now() + self.limit;
                }
                SessionState::Open => {}
            }
            tokio::select! {
                biased;
                () = sleep_until(self.deadline) => return Ok(()),
                _state = self.watch.changed() => {}
            }
        }
    }
}

/// Listens to both connections for as long as the session lives.
#[derive(Debug)]
pub(super) struct Watchers {
    state: watch::Sender<SessionState>,
    // Aborted when the session is dropped: a listener of a closed connection would wait for ever.
    _tasks: JoinSet<()>,
}

impl Watchers {
    pub(super) fn start(consume: &Connection, publish: &Connection) -> Self {
        let state = watch::Sender::new(SessionState::Open);
        let mut tasks = JoinSet::new();
        for (link, connection) in [(Link::Consume, consume), (Link::Publish, publish)] {
            tasks.spawn(follow(link, connection.events_listener(), state.clone()));
            // What happened before the listener was there is told by the connection itself.
            if !connection.status().connected() {
                let gone = lapin::ErrorKind::InvalidConnectionState(lapin::ConnectionState::Error);
                let cause = lapin::Error::from(gone).into();
                end(&state, SessionEnd::Lost { link, cause });
            }
        }
        Self { state, _tasks: tasks }
    }

    pub(super) fn watch(&self) -> SessionWatch {
        SessionWatch(self.state.subscribe())
    }

    pub(super) fn closed(&self) {
        end(&self.state, SessionEnd::Closed);
    }
}

async fn follow(
    link: Link,
    events: impl futures_util::Stream<Item = Event>,
    state: watch::Sender<SessionState>,
) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Event::ConnectionBlocked(reason) => {
                tracing::warn!(link = link.as_str(), reason, "broker blocked the connection");
                set_unless_ended(&state, SessionState::Blocked { reason });
            }
            Event::ConnectionUnblocked => {
                tracing::info!(link = link.as_str(), "broker unblocked the connection");
                set_unless_ended(&state, SessionState::Open);
            }
            // The library tells it here as well; whoever used the channel hears it by itself.
            Event::Error(error) if error.is_amqp_soft_error() => {
                tracing::debug!(link = link.as_str(), %error, "broker closed a channel");
            }
            Event::Error(error) => {
                let cause = Error::from(error);
                end(&state, SessionEnd::Lost { link, cause });
            }
            // Connected, flow control, and whatever later versions of the library tell.
            _ => {}
        }
    }
}

/// The first end counts; the second connection usually follows the first.
fn end(state: &watch::Sender<SessionState>, end: SessionEnd) {
    set_unless_ended(state, SessionState::Ended(end));
}

fn set_unless_ended(state: &watch::Sender<SessionState>, next: SessionState) {
    state.send_if_modified(|state| {
        let over = matches!(state, SessionState::Ended(_));
        if !over {
            *state = next;
        }
        !over
    });
}
