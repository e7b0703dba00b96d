//! From the start of a process to the commit of the event that waited for it.

use anyhow::Result;
use serde::Serialize;

use crate::cli::Settings;
use crate::drain::{Goal, until_done};
use crate::looks::{self, Commits};
use crate::mix;
use crate::results::{Figures, number};
use crate::site::{Site, stop};
use crate::stats::median;

/// How often it is measured.
const STARTS: u32 = 5;

/// How long a start takes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Milliseconds of each start.
    pub(crate) milliseconds: Vec<f64>,
    /// Their median.
    pub(crate) median_ms: f64,
}

/// Measures; settings change nothing here.
pub(crate) async fn run(_settings: &Settings) -> Result<Figure> {
    let site = Site::new().await?;
    let mut database = site.connect().await?;
    looks::require_settings(&mut database).await?;
    let mut milliseconds = Vec::new();
    for number in 0..STARTS {
        site.publish(&[mix::order(number, runtime::now())]).await?;
        let mut fleet = site.fleet();
        let began = runtime::now();
        fleet.spawn("order-created")?;
        let in_inbox = usize::try_from(number)? + 1;
        let goal = Goal { in_inbox, messages: 1, sent: false, kinds: &[] };
        until_done(&site, &mut fleet, &mut database, goal).await?;
        stop(fleet).await?;
        let committed = Commits::of_inbox(&mut database, &[]).await?.last;
        milliseconds.push(committed.since(began).as_secs_f64() * 1e3);
    }
    site.close().await?;
    Ok(Figure { median_ms: median(&milliseconds), milliseconds })
}

impl Figures for Figure {
    const PART: &'static str = "cold-start";

    fn rows(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let starts: Vec<_> = self.milliseconds.iter().map(|ms| number(*ms)).collect();
        let row = vec!["order-created".to_owned(), number(self.median_ms), starts.join(" ")];
        (vec!["worker", "start to commit ms, median", "each"], vec![row])
    }
}
