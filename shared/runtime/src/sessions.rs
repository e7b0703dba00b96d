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
        let alarms = tokio::spawn(follow_alarms(process.clone(), session.watch()));
        let ended = body(&session).await;
        session.close().await;
        alarms.abort();
        tell_blocked(process, None);
        let Err(error) = ended else { return };
        if started.elapsed() > STEADY {
            pauses = Pauses::new();
        }
        let pause = pauses.next_pause();
        let detail = format!("{error:#}");
        SessionEnded { worker: process.worker, detail: &detail, pause }.emit();
        process.health.not_ready(told(&error, detail));
        stop.sleep(pause).await;
    }
}

/// What is said on the page of whoever waits: with the code of the failure, which has a runbook.
fn told(error: &anyhow::Error, detail: String) -> String {
    let of_broker = |it: &(dyn std::error::Error + 'static)| {
        it.downcast_ref::<broker::Error>().map(broker::Error::code)
    };
    let of_store = |it: &(dyn std::error::Error + 'static)| {
        it.downcast_ref::<store::Error>().map(store::Error::code)
    };
    match error.chain().find_map(|it| of_broker(it).or_else(|| of_store(it))) {
        Some(code) => format!("{detail} ({code})"),
        None => detail,
    }
}

/// Says when the broker blocks publishers, and when it no longer does, until the session is over.
async fn follow_alarms(process: Process, mut session: SessionWatch) {
    loop {
        match session.changed().await {
            SessionState::Open => tell_blocked(&process, None),
            SessionState::Blocked { reason } => tell_blocked(&process, Some(&reason)),
            SessionState::Ended(_) => return,
        }
    }
}

fn tell_blocked(process: &Process, reason: Option<&str>) {
    PublishersBlocked { worker: process.worker, blocked: reason.is_some() }.emit();
    process.health.blocked(reason.map(|why| format!("broker: takes no messages ({why})")));
}

/// A turn that takes longer waits for somebody who will not answer: confirms and statements have
/// limits of their own, but an answer may get lost on its way here.
const TURN_WITHIN: Duration = Duration::from_secs(90);

/// Takes one turn of a loop that reads the database and publishes; `None` when asked to stop while
/// the broker takes nothing, which may last for hours.
///
/// # Errors
/// The turn's own, or that no answer came in time.
pub async fn turn<T>(
    process: &Process,
    broker: &SessionWatch,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Option<T>> {
    let (mut patience, mut stop) = (broker.patience(TURN_WITHIN), process.stop.clone());
    let mut watch = broker.clone();
    let stopped_while_blocked = async {
        stop.requested().await;
        watch.blocked().await;
    };
    // The work hears of the end of its session by itself, and gives back what it had in hand.
    let no_answer = async {
        if patience.over().await.is_err() {
            tokio::time::sleep(TURN_WITHIN).await;
        }
    };
    tokio::select! {
        done = work => done.map(Some),
        () = no_answer => anyhow::bail!("broker or database did not answer in time"),
        () = stopped_while_blocked => Ok(None),
    }
}
