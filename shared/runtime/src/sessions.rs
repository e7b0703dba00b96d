//! One session with the broker after the other, for as long as the process shall run.

use std::time::Duration;

use broker::Session;
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
        let ended = body(&session).await;
        session.close().await;
        let Err(error) = ended else { return };
        if started.elapsed() > STEADY {
            pauses = Pauses::new();
        }
        let pause = pauses.next_pause();
        tracing::warn!(error = format!("{error:#}"), ?pause, "session ended");
        process.health.not_ready(format!("{error:#}"));
        stop.sleep(pause).await;
    }
}
