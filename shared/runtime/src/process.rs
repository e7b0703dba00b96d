//! The boot order of every binary.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args as _, FromArgMatches as _};
use telemetry::Metrics;
use telemetry::spans::{Refused, SpanSettings};

use crate::config::{Config, ConfigError, Problem};
use crate::connect::Waiting;
use crate::health::{self, Health};
use crate::notify::Notify;
use crate::settings::Settings;
use crate::stop::Stop;

/// Exit code for a configuration that cannot be used (`EX_USAGE`).
pub const EXIT_CONFIG: u8 = 64;

/// What std reads the size of new threads' stacks from, in bytes.
const STACK_VARIABLE: &str = "RUST_MIN_STACK";
/// Room for headers as deep as a frame of 128 KiB can nest them.
const STACK_BYTES: &str = "536870912";

/// What a binary's own part is given once it runs.
#[derive(Clone, Debug)]
pub struct Process {
    /// The binary's name.
    pub worker: &'static str,
    /// Its configuration.
    pub config: Arc<Config>,
    /// Its health pages.
    pub health: Health,
    /// What it counted.
    pub metrics: Metrics,
    /// Being asked to stop.
    pub stop: Stop,
}

impl Process {
    /// For waiting on dependencies.
    pub fn waiting(&self) -> Waiting {
        let (health, stop) = (self.health.clone(), self.stop.clone());
        Waiting { worker: self.worker, health, stop }
    }

    /// A step at which a test may make the process fail.
    pub fn reached(&self, step: &str) {
        self.config.failpoints.hit(step);
    }
}

/// Runs a binary: configuration, telemetry, health pages, signals, then its own part.
///
/// Exits with 64 when the configuration cannot be used, before any connection is opened, and with
/// 1 when its own part fails.
pub fn run<F>(worker: &'static str, about: &'static str, body: F) -> ExitCode
where
    F: AsyncFnOnce(Process) -> anyhow::Result<()>,
{
    let (config, spans) = match configuration(worker, about) {
        Ok(configuration) => configuration,
        Err(exit) => return exit,
    };
    if let Err(error) = with_large_stacks() {
        return failed(worker, &error);
    }
    let runtime = match threads(config.lanes).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(worker, &anyhow::Error::from(error)),
    };
    let ended = runtime.block_on(boot(worker, config, spans, body));
    // The last thing: nothing that a collector does may hold up a message.
    telemetry::spans::stop();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(worker, &error),
    }
}

/// One thread for one lane, as many as lanes for more.
///
/// What receives, decides and acknowledges for one lane takes turns anyway: threads would only
/// wake each other.
fn threads(lanes: usize) -> tokio::runtime::Builder {
    if lanes == 1 {
        return tokio::runtime::Builder::new_current_thread();
    }
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    threads.worker_threads(lanes);
    threads
}

fn configuration(
    worker: &'static str,
    about: &'static str,
) -> Result<(Config, Option<SpanSettings>), ExitCode> {
    let command = clap::Command::new(worker)
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .after_help("Exit codes: 0 stopped in order, 1 failed, 64 the settings cannot be used.");
    let settings = Settings::augment_args(command)
        .try_get_matches()
        .and_then(|matches| Settings::from_arg_matches(&matches))
        .map_err(|error| {
            // A closed standard output leaves nobody to tell.
            error.print().unwrap_or_default();
            ExitCode::from(if error.use_stderr() { EXIT_CONFIG } else { 0 })
        })?;
    let spans = SpanSettings::from_environment(|name| std::env::var(name).ok());
    together(Config::resolve(&settings, worker), spans).map_err(|error| {
        eprintln!("{worker}: {error}");
        ExitCode::from(EXIT_CONFIG)
    })
}

/// Both, or all that is wrong with either.
fn together<C, S>(
    config: Result<C, ConfigError>,
    spans: Result<S, Vec<Refused>>,
) -> Result<(C, S), ConfigError> {
    match (config, spans) {
        (Ok(config), Ok(spans)) => Ok((config, spans)),
        (config, spans) => {
            let mut problems = config.err().map(|error| error.0).unwrap_or_default();
            let refused = spans.err().unwrap_or_default().into_iter();
            problems
                .extend(refused.map(|Refused { variable, reason }| Problem { variable, reason }));
            Err(ConfigError(problems))
        }
    }
}

/// Starts this binary anew with large thread stacks, unless it has them.
///
/// lapin decodes headers by recursion in a thread of its own: a message whose headers nest a few
/// hundred levels would overflow the usual stack and abort every worker that meets it. Stacks
/// take memory only as far as they are used.
fn with_large_stacks() -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt as _;
    if std::env::var_os(STACK_VARIABLE).is_some() {
        return Ok(());
    }
    let error = std::process::Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(STACK_VARIABLE, STACK_BYTES)
        .exec();
    Err(error.into())
}

async fn boot<F>(
    worker: &'static str,
    config: Config,
    spans: Option<SpanSettings>,
    body: F,
) -> anyhow::Result<()>
where
    F: AsyncFnOnce(Process) -> anyhow::Result<()>,
{
    let metrics = telemetry::start(worker, config.log_format, &config.log)?;
    telemetry::spans::start(worker, spans.as_ref())?;
    log_panics();
    let notify = Notify::from_environment()?;
    let stop = Stop::on_signals(notify.clone())?;
    let health = Health::telling(worker, notify.clone());
    let address = health::serve(config.http_listen, health.clone(), metrics.clone()).await?;
    tracing::info!(worker, %address, "started");
    notify.started();
    config.policies.reload_on_hangup(worker)?;
    config.failpoints.watch_steps(worker);
    let config = Arc::new(config);
    body(Process { worker, config, health: health.clone(), metrics, stop }).await?;
    health.not_ready("stopped");
    tracing::info!(worker, "stopped");
    Ok(())
}

/// Panics are logged by place only: what they say may quote a message.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}

fn failed(worker: &str, error: &anyhow::Error) -> ExitCode {
    eprintln!("{worker}: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_settings_and_with_spans_is_said_together() {
        let problem = |variable| Problem { variable, reason: "wrong".to_owned() };
        let refused = Refused { variable: "OTEL_TRACES_SAMPLER", reason: "wrong".to_owned() };
        let config: Result<(), _> = Err(ConfigError(vec![problem("ORDERFLOW_LANES")]));
        let both = together(config, Err::<(), _>(vec![refused.clone()])).unwrap_err();
        assert_eq!(both.0, [problem("ORDERFLOW_LANES"), problem("OTEL_TRACES_SAMPLER")]);
        let spans = together(Ok(()), Err::<(), _>(vec![refused])).unwrap_err();
        assert_eq!(spans.0, [problem("OTEL_TRACES_SAMPLER")]);
        assert_eq!(together(Ok(1), Ok(2)), Ok((1, 2)));
    }
}
