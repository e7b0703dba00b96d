//! What each worker's `/metrics` says when the day is over.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fleet::{Fleet, WORKERS};

/// The worker of which some lines are shown: it has the most to tell.
const SHOWN_OF: &str = "payment-attempted";
/// The metrics of which lines are shown.
const SHOWN: [&str; 6] = [
    "orderflow_messages_received_total",
    "orderflow_messages_processed_total",
    "orderflow_settlements_total",
    "orderflow_dead_letters_total",
    "orderflow_batch_duration_seconds_count",
    "orderflow_connected",
];
/// Most lines shown.
const MOST_LINES: usize = 14;

/// The page of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scrape {
    /// The worker.
    pub(crate) binary: &'static str,
    /// What it serves.
    pub(crate) page: String,
}

/// Scrapes every worker.
///
/// # Errors
/// When one does not serve its page.
pub(crate) async fn of_fleet(fleet: &mut Fleet) -> Result<Vec<Scrape>> {
    let mut scrapes = Vec::new();
    for member in fleet.members() {
        let (_, page) = member.page("metrics").await?;
        scrapes.push(Scrape { binary: member.binary(), page });
    }
    Ok(scrapes)
}

/// Keeps the pages, one file for each worker, in place of those of the last run.
///
/// # Errors
/// When the folder cannot be written to.
pub(crate) fn keep(folder: &Path, scrapes: &[Scrape]) -> Result<()> {
    let kept = kept_in(folder);
    let write = || {
        fs::create_dir_all(&kept)?;
        scrapes.iter().try_for_each(|it| fs::write(file(folder, it.binary), &it.page))
    };
    write().with_context(|| format!("failed to write to {}", kept.display()))
}

/// Series by worker, and some lines of one; nothing where nothing was kept.
pub(crate) fn shown(folder: &Path) -> String {
    let read = |binary: &&'static str| {
        let page = fs::read_to_string(file(folder, binary)).ok()?;
        Some(Scrape { binary, page })
    };
    let scrapes: Vec<_> = WORKERS.iter().filter_map(read).collect();
    if scrapes.is_empty() { String::new() } else { summary(&kept_in(folder), &scrapes) }
}

fn summary(kept: &Path, scrapes: &[Scrape]) -> String {
    let mut text = format!("A scrape of each worker is in {}:\n", kept.display());
    for Scrape { binary, page } in scrapes {
        let line = writeln!(text, "  {binary:<20} {:>5} series", samples(page).count());
        line.expect("a string takes every text");
    }
    let shown = scrapes.iter().filter(|it| it.binary == SHOWN_OF);
    let lines = shown.flat_map(|it| samples(&it.page)).filter(|line| is_shown(line));
    for line in lines.take(MOST_LINES) {
        writeln!(text, "  {line}").expect("a string takes every text");
    }
    text
}

fn samples(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A sample of what is shown that is not zero.
fn is_shown(line: &str) -> bool {
    let name = line.split(['{', ' ']).next().unwrap_or_default();
    SHOWN.contains(&name) && !line.ends_with(" 0")
}

fn kept_in(folder: &Path) -> PathBuf {
    folder.join("scrapes")
}

fn file(folder: &Path, binary: &str) -> PathBuf {
    kept_in(folder).join(format!("{binary}.prom"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# TYPE orderflow_connected gauge\n\
        orderflow_connected{dependency=\"broker\"} 1\n\
        orderflow_dead_letters_total{error_class=\"panic\"} 0\n\n\
        orderflow_messages_received_total{event_type=\"payment.attempted\"} 2071\n\
        process_threads 9\n";

    #[test]
    fn series_are_counted_and_what_is_not_zero_is_shown() {
        let folder = std::env::temp_dir().join(format!("demo-scrape-{}", std::process::id()));
        assert_eq!(shown(&folder), "");
        let scrape = Scrape { binary: SHOWN_OF, page: PAGE.to_owned() };
        keep(&folder, &[scrape]).unwrap();
        let text = shown(&folder);
        let lines: Vec<_> = text.lines().skip(1).map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "payment-attempted        4 series",
                "orderflow_connected{dependency=\"broker\"} 1",
                "orderflow_messages_received_total{event_type=\"payment.attempted\"} 2071",
            ]
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
