//! `orderctl metrics`: the catalogue of what processes count and measure.

use serde::Serialize;
use telemetry::catalogue::{ALL, Kind, Metric, OF_PROCESS};

use crate::cli::MetricsCommand;
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, View, print};

/// Runs one of the commands on metrics.
pub(crate) fn run(command: MetricsCommand, console: Console) -> Result<Exit, Failure> {
    let MetricsCommand::Catalog(args) = command;
    let catalogue = Catalogue { metrics: ALL.iter().chain(OF_PROCESS).map(Entry::of).collect() };
    if args.markdown {
        print(&catalogue.markdown())?;
    } else {
        console.show(&catalogue)?;
    }
    Ok(Exit::Done)
}

/// Every metric, in the order of the catalogue.
#[derive(Serialize)]
struct Catalogue {
    metrics: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    /// The upper bounds of a histogram.
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<&'static [f64]>,
    help: &'static str,
}

impl Entry {
    fn of(metric: &Metric) -> Self {
        Self {
            name: metric.name,
            kind: metric.kind.name(),
            unit: metric.unit(),
            labels: metric.labels,
            buckets: match metric.kind {
                Kind::Histogram(bounds) => Some(bounds),
                Kind::Counter | Kind::Gauge => None,
            },
            help: metric.help,
        }
    }
}

impl Catalogue {
    fn markdown(&self) -> String {
        let row = |entry: &Entry| {
            let labels: Vec<_> = entry.labels.iter().map(|label| format!("`{label}`")).collect();
            let Entry { name, kind, unit, help, .. } = entry;
            format!("\n| `{name}` | {kind} | {unit} | {} | {help} |", labels.join(", "))
        };
        let head = "| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|";
        self.metrics.iter().map(row).fold(head.to_owned(), |text, row| text + &row)
    }
}

impl View for Catalogue {
    fn text(&self, style: Style) -> String {
        let row = |entry: &Entry| {
            let labels = entry.labels.join(",");
            [entry.name, entry.kind, entry.unit, &labels, entry.help].map(str::to_owned)
        };
        let rows = self.metrics.iter().map(row);
        let table = style.table(["METRIC", "KIND", "UNIT", "LABELS", "MEANING"], rows);
        format!("{table}\n\n{} metrics", self.metrics.len())
    }
}
