//! How a process begins to log and to count.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::catalogue::{self, Kind};
use crate::series;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For eyes.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Why a process cannot begin to log and count.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log filter cannot be read.
    #[error("failed to read the log filter")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Something else set up logging before.
    #[error("failed to set up logging")]
    Logging(#[source] TryInitError),
    /// The recorder could not be set up.
    #[error("failed to set up metrics")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
    /// Spans cannot be exported as the environment asks.
    #[error("failed to set up the export of spans")]
    Spans(#[source] opentelemetry_otlp::ExporterBuildError),
    /// Somebody set up the export of spans before.
    #[error("the export of spans is set up already")]
    SpansTwice,
}

/// What the process counted so far.
#[derive(Clone, Debug)]
pub struct Metrics {
    scrape: PrometheusHandle,
    process: Collector,
}

impl Metrics {
    /// The scrape, in Prometheus's text format.
    pub fn render(&self) -> String {
        self.process.collect();
        self.scrape.run_upkeep();
        self.scrape.render()
    }
}

/// Begins to log to standard error and to count; once per process.
///
/// `filter` is in the form of `RUST_LOG`, such as `info` or `runtime=debug,info`.
///
/// # Errors
/// When the filter cannot be read or something else was faster.
pub fn start(worker: &str, format: LogFormat, filter: &str) -> Result<Metrics, StartError> {
    let filter = EnvFilter::try_new(filter).map_err(StartError::Filter)?;
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    match format {
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.with_ansi(colour).finish().try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    }
    .map_err(StartError::Logging)?;
    let metrics = install_recorder()?;
    catalogue::BUILD_INFO.gauge(&[worker, env!("CARGO_PKG_VERSION")]).set(1.0);
    series::of_any(worker);
    Ok(metrics)
}

fn install_recorder() -> Result<Metrics, StartError> {
    let histograms = catalogue::ALL.iter().filter_map(|metric| match metric.kind {
        Kind::Histogram(bounds) => Some((metric.name, bounds)),
        Kind::Counter | Kind::Gauge => None,
    });
    let builder =
        histograms.into_iter().try_fold(PrometheusBuilder::new(), |builder, (name, bounds)| {
            builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds)
        });
    let handle =
        builder.and_then(PrometheusBuilder::install_recorder).map_err(StartError::Metrics)?;
    for metric in catalogue::ALL {
        describe(metric);
    }
    let process = Collector::default();
    process.describe();
    Ok(Metrics { scrape: handle, process })
}

fn describe(metric: &catalogue::Metric) {
    metrics::with_recorder(|recorder| {
        let name = metrics::KeyName::from(metric.name);
        let help = metrics::SharedString::from(metric.help);
        match metric.kind {
            Kind::Counter => recorder.describe_counter(name, None, help),
            Kind::Gauge => recorder.describe_gauge(name, None, help),
            Kind::Histogram(_) => recorder.describe_histogram(name, None, help),
        }
    });
}
