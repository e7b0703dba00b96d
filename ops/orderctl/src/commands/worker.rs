//! `orderctl worker`: how one process is, by its own word.

use std::time::Duration;

use serde::Serialize;
use ureq::Agent;

use crate::cli::WorkerArgs;
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};

/// How long a page may take to come.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Share of its files, in percent, from which on a process runs out of them; that of the alert.
const MANY_FILES: f64 = 80.0;

/// Asks for the pages, and shows what they say.
pub(crate) async fn run(args: WorkerArgs, console: Console) -> Result<Exit, Failure> {
    let asked = tokio::task::spawn_blocking(move || Told::ask(&args));
    let told = asked.await.expect("asking does not panic")?;
    console.show(&told)?;
    Ok(if told.ready { Exit::Done } else { Exit::Drift })
}

/// What a process says of itself.
#[derive(Serialize)]
struct Told {
    address: String,
    ready: bool,
    /// What `/readyz` says.
    says: String,
    /// What somebody should know of it, whatever was asked for.
    remarks: Vec<String>,
    series: Vec<Series>,
    /// How many more series of these names are zero.
    zeros: usize,
}

#[derive(Serialize)]
struct Series {
    /// Name and labels.
    series: String,
    value: f64,
}

impl Told {
    fn ask(args: &WorkerArgs) -> Result<Self, Failure> {
        let (status, says) = page(&args.address, "readyz")?;
        let (_, metrics) = page(&args.address, "metrics")?;
        let all: Vec<_> = metrics.lines().filter_map(Series::read).collect();
        let remarks = files(&all).into_iter().collect();
        let wanted = |it: &Series| args.names.iter().any(|name| it.series.starts_with(name));
        let wanted: Vec<_> = all.into_iter().filter(wanted).collect();
        let (series, zeros): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|it| it.value != 0.0);
        let (address, says) = (args.address.clone(), says.trim().to_owned());
        Ok(Self { address, ready: status == 200, says, remarks, series, zeros: zeros.len() })
    }
}

impl Series {
    fn read(line: &str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ').filter(|_| !line.starts_with('#'))?;
        Some(Self { series: series.to_owned(), value: value.parse().ok()? })
    }
}

/// Whether the process has most of its files open.
fn files(all: &[Series]) -> Option<String> {
    let value = |name: &str| all.iter().find(|it| it.series == name).map(|it| it.value);
    let (open, most) = (value("process_open_fds")?, value("process_max_fds")?);
    let scarce = open * 100.0 > most * MANY_FILES;
    scarce.then(|| format!("{open} of {most} files are open: ops/runbooks/files-run-out.md"))
}

fn page(address: &str, name: &str) -> Result<(u16, String), Failure> {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let place = address.trim_start_matches("http://").trim_end_matches('/');
    let answer = Agent::from(config).get(format!("http://{place}/{name}")).call();
    let read = answer
        .and_then(|mut answer| Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?)));
    read.map_err(|error| {
        let what = format!("failed to ask the worker at {address} for /{name}");
        let next = "check its ORDERFLOW_HTTP_LISTEN, and whether it runs: \
                    ops/runbooks/worker-missing.md";
        Failure::new(Exit::DependencyDown, what, next).because(error.to_string())
    })
}

impl View for Told {
    fn text(&self, style: Style) -> String {
        let tone = if self.ready { Tone::Good } else { Tone::Bad };
        let mut lines = vec![format!("{}: {}", self.address, style.tint(tone, &self.says))];
        lines.extend(self.remarks.iter().map(|it| style.tint(Tone::Bad, it)));
        lines.extend(self.series.iter().map(|it| format!("{} {}", it.series, it.value)));
        if self.zeros > 0 {
            lines.push(format!("{} more are 0", self.zeros));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_with_most_of_its_files_open_is_told_so() {
        let series = |open: &str| {
            let page = format!("# HELP x\nprocess_max_fds 100\nprocess_open_fds {open}\n");
            page.lines().filter_map(Series::read).collect::<Vec<_>>()
        };
        assert_eq!(files(&series("80")), None);
        assert!(files(&series("81")).unwrap().starts_with("81 of 100 files"));
        assert_eq!(files(&[]), None);
    }
}
