//! The three pages: `/metrics`, `/livez`, `/readyz`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use telemetry::Metrics;
use telemetry::happenings::Readiness;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::notify::Notify;

/// How often the loop proves that it turns.
const BEAT: Duration = Duration::from_secs(1);
/// How long it may not before the process counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(15);

/// What the health pages say; cheap to clone.
#[derive(Clone, Debug)]
pub struct Health(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    worker: &'static str,
    /// Who else is told.
    notify: Notify,
    /// What the process waits for.
    obstacles: Mutex<Obstacles>,
    started: Instant,
    last_beat_ms: AtomicU64,
}

/// Why a process is not ready.
#[derive(Debug)]
struct Obstacles {
    /// What it waits for before it can work at all.
    waiting_for: Option<String>,
    /// Why the broker takes nothing from it, while it does not.
    blocked: Option<String>,
}

impl Obstacles {
    fn first(&self) -> Option<&str> {
        self.waiting_for.as_deref().or(self.blocked.as_deref())
    }
}

impl Health {
    /// Not ready yet.
    pub fn new(worker: &'static str) -> Self {
        Self::telling(worker, Notify::default())
    }

    /// Not ready yet; systemd is told as well.
    pub(crate) fn telling(worker: &'static str, notify: Notify) -> Self {
        let obstacles = Obstacles { waiting_for: Some("starting".to_owned()), blocked: None };
        Self(Arc::new(Shared {
            worker,
            notify,
            obstacles: Mutex::new(obstacles),
            started: Instant::now(),
            last_beat_ms: AtomicU64::new(0),
        }))
    }

    /// The process does its work.
    pub fn ready(&self) {
        self.change(|obstacles| obstacles.waiting_for = None);
    }

    /// The process cannot do its work, and why; in words for whoever reads the page.
    pub fn not_ready(&self, why: impl Into<String>) {
        let why = why.into();
        self.change(|obstacles| obstacles.waiting_for = Some(why));
    }

    /// Whether the broker takes nothing from us, and why; the process lives on and waits.
    pub(crate) fn blocked(&self, why: Option<String>) {
        self.change(|obstacles| obstacles.blocked = why);
    }

    fn change(&self, change: impl FnOnce(&mut Obstacles)) {
        let (before, now) = {
            let mut obstacles = self.obstacles();
            let before = obstacles.first().map(str::to_owned);
            change(&mut obstacles);
            (before, obstacles.first().map(str::to_owned))
        };
        if before == now {
            return;
        }
        Readiness { worker: self.0.worker, ready: now.is_none() }.emit();
        self.0.notify.status(&now.map_or("ready".to_owned(), |why| format!("not ready: {why}")));
    }

    fn obstacles(&self) -> MutexGuard<'_, Obstacles> {
        // Whoever panicked in between left whole values.
        self.0.obstacles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Proves every second that the loop turns; never asks a dependency.
    fn beat(&self) {
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                let elapsed = u64::try_from(shared.started.elapsed().as_millis());
                shared.last_beat_ms.store(elapsed.unwrap_or(u64::MAX), Ordering::Relaxed);
                shared.notify.alive();
            }
        });
    }

    fn since_last_beat(&self) -> Duration {
        let last = Duration::from_millis(self.0.last_beat_ms.load(Ordering::Relaxed));
        self.0.started.elapsed().saturating_sub(last)
    }
}

/// Serves the pages until the process ends; returns the address, which names the port chosen.
///
/// # Errors
/// When the address cannot be listened on.
pub(crate) async fn serve(
    listen: SocketAddr,
    health: Health,
    metrics: Metrics,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    health.beat();
    let router = Router::new()
        .route("/metrics", get(async move || metrics.render()))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(health);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the health pages ended");
        }
    });
    Ok(address)
}

async fn livez(State(health): State<Health>) -> (StatusCode, String) {
    let since = health.since_last_beat();
    if since > STUCK_AFTER {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("stuck for {} s\n", since.as_secs()));
    }
    (StatusCode::OK, "alive\n".to_owned())
}

async fn readyz(State(health): State<Health>) -> (StatusCode, String) {
    match health.obstacles().first() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}
