//! One session with the broker after the other, for as long as the process shall run.

use std::time::Duration;

use broker::{Session, SessionState, SessionWatch};
use telemetry::happenings::{PublishersBlocked, SessionEnded};
use tokio::time::Instant;

use crate::connect::broker_ready;
use crate::process::Process;
use crate::retry::Pauses;

/// A session that lasted this long was a good one: the next pause is a short one again.
const STEADY: Duration = Duration::from_secs(30);

/// Opens sessions and lets `body` work with them until it returns `Ok`, which means "stopped".
///
/// A session that ends in an error is followed by another one after a pause; meanwhile the process
/// is not ready and says why.
pub async fn sessions(
    process: &Process,
    mut body: impl AsyncFnMut(&Session) -> anyhow::Result<()>,
) {
    let (mut stop, mut waiting) = (process.stop.clone(), process.waiting());
    let mut pauses = Pauses::new();
    while let Some(session) = broker_ready(&process.config, &mut waiting).await {
        let started = Instant::now();
        let alarms = tokio::spawn(follow_alarms(process.worker, session.watch()));
        let ended = body(&session).await;
        session.close().await;
        alarms.abort();
        let Err(error) = ended else { return };
        if started.elapsed() > STEADY {
            pauses = Pauses::new();
        }
        let pause = pauses.next_pause();
        let detail = format!("{error:#}");
        SessionEnded { worker: process.worker, detail: &detail, pause }.emit();
        process.health.not_ready(detail);
        stop.sleep(pause).await;
    }
}

/// Says when the broker blocks publishers, and when it no longer does, until the session is over.
async fn follow_alarms(worker: &'static str, mut session: SessionWatch) {
    let mut was_blocked = false;
    loop {
        let state = session.changed().await;
        let blocked = matches!(state, SessionState::Blocked { .. });
        if blocked != was_blocked {
            PublishersBlocked { worker, blocked }.emit();
            was_blocked = blocked;
        }
        if matches!(state, SessionState::Ended(_)) {
            return;
        }
    }
}
