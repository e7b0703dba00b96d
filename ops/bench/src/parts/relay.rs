//! The relay alone on an outbox full of messages.

use anyhow::{Result, ensure};
use serde::Serialize;
use tokio::time::{Duration, Instant, sleep};

use crate::cli::Settings;
use crate::costs::{Cpu, Meter};
use crate::drain::until_gone;
use crate::looks::{self, Commits};
use crate::progress::Progress;
use crate::results::{Figures, number};
use crate::seed;
use crate::site::{Site, stop};
use crate::stats::{float, rate};

/// How often the outbox is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Longest time for all of it.
const PATIENCE: Duration = Duration::from_mins(10);

/// How fast messages leave.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Messages in the outbox.
    pub(crate) messages: usize,
    /// Seconds from the first mark of sending to the last.
    pub(crate) seconds: f64,
    /// Messages in a second.
    pub(crate) per_second: f64,
    /// Processor time per message; none when a server runs elsewhere.
    pub(crate) cpu_per_message: Option<Cpu>,
}

/// Measures.
pub(crate) async fn run(settings: &Settings) -> Result<Figure> {
    let messages: usize = settings.choose(200_000, 20_000);
    let site = Site::new().await?;
    let mut database = site.connect().await?;
    looks::require_settings(&mut database).await?;
    seed::outbox(&mut database, i64::try_from(messages)?).await?;
    let mut fleet = site.fleet();
    let meter = Meter::start(&mut database).await?;
    fleet.spawn("outbox-relay")?;
    let progress = Progress::begin("Publishing the outbox", messages);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = seed::unsent(&mut database).await?;
        progress.set(messages.saturating_sub(left));
        if left == 0 {
            break;
        }
        ensure!(fleet.casualties().is_empty(), "{}", fleet.casualties().join("\n"));
        ensure!(Instant::now() < deadline, "{left} messages are still there");
        sleep(LOOK_EVERY).await;
    }
    let measured = meter.read_processes(&mut fleet)?;
    stop(fleet).await?;
    until_gone(&mut database).await?;
    let costs = measured.finish(&mut database, messages).await?;
    let seconds = Commits::of_sending(&mut database).await?.seconds();
    site.close().await?;
    let (per_second, cpu_per_message) = (rate(messages, seconds), costs.cpu(messages));
    Ok(Figure { messages, seconds, per_second, cpu_per_message })
}

impl Figures for Figure {
    const PART: &'static str = "relay";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let cpu = self.cpu_per_message.map_or_else(|| "unknown".to_owned(), |cpu| cpu.to_string());
        let figures = [float(self.messages), self.seconds, self.per_second].map(number);
        let row = figures.into_iter().chain([cpu]).collect();
        (vec!["messages", "seconds", "messages/s", "CPU µs"], vec![row])
    }
}
