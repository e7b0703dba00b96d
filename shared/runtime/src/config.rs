//! Settings as values, checked as a whole before anything is opened.

use std::fmt;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use broker::delay::DelayChoice;
use broker::{AmqpConfig, AmqpUrl, Identity, Names, TlsFiles};
use contracts::Limits;
use domain::policy::Overrides;
use store::vault::KeyRing;
use store::{DatabaseConfig, DatabaseUrl};
use telemetry::LogFormat;

use crate::failpoint::Failpoints;
use crate::policies::LivePolicies;
use crate::retry::RetryPolicy;
use crate::settings::Settings;

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its environment variable.
    pub variable: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// Every setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} setting(s) cannot be used:", self.0.len())?;
        for problem in &self.0 {
            writeln!(f, "  {}: {}", problem.variable, problem.reason)?;
        }
        f.write_str("`--help` explains every setting")
    }
}

/// What to do about exchanges and queues at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopologyMode {
    /// Declare what is missing.
    Declare,
    /// Refuse to start when something is missing or different.
    Verify,
    /// Trust whoever declared it.
    None,
}

/// A process's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// How to reach RabbitMQ.
    pub amqp: AmqpConfig,
    /// How to reach Postgres.
    pub database: DatabaseConfig,
    /// The names of exchanges and queues.
    pub names: Names,
    /// What to do about them at start.
    pub topology: TopologyMode,
    /// The provider of the delayed exchange that is wished for.
    pub delay: DelayChoice,
    /// Where the health pages are served.
    pub http_listen: SocketAddr,
    /// Database connections that work side by side.
    pub lanes: usize,
    /// Most messages in one transaction.
    pub batch: usize,
    /// Most messages handed over and not settled.
    pub prefetch: u16,
    /// How failed messages are tried again.
    pub retry: RetryPolicy,
    /// Longest time to finish work in hand when asked to stop.
    pub drain_grace: Duration,
    /// How long an event that came before its order is held back before it is parked.
    pub patience: Duration,
    /// How often the database is asked for work.
    pub poll: Duration,
    /// How long before its due time a timer enters the delayed exchange.
    pub timer_horizon: Duration,
    /// How long after its due time a timer that did not come back is fired directly.
    pub timer_grace: Duration,
    /// The choices of the shops.
    pub policies: LivePolicies,
    /// What a message may cost, and which world it may belong to.
    pub limits: Limits,
    /// What to log.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    pub(crate) failpoints: Failpoints,
    /// Longest time for one decision.
    pub(crate) decision_limit: Duration,
}

impl Config {
    /// Turns settings into values.
    ///
    /// # Errors
    /// Every setting that cannot be used, all at once.
    pub fn resolve(settings: &Settings, worker: &str) -> Result<Self, ConfigError> {
        let mut read = Reader::default();
        let urls = read.secret(
            settings.amqp_url.as_deref(),
            settings.amqp_url_file.as_deref(),
            "ORDERFLOW_AMQP_URL",
        );
        let database_url = read.secret(
            settings.database_url.as_deref(),
            settings.database_url_file.as_deref(),
            "ORDERFLOW_DATABASE_URL",
        );
        let keys = read.keys(settings);
        let lanes =
            read.count(settings.lanes.as_deref(), "ORDERFLOW_LANES", default_lanes(), 1..=32);
        let batch = read.count(settings.batch.as_deref(), "ORDERFLOW_BATCH", 500, 1..=2000);
        let prefetch = (2 * lanes * batch).clamp(50, 2000);
        let config = Self {
            amqp: read.amqp(settings, urls.as_deref(), worker),
            database: read.database(database_url.as_deref(), worker, keys),
            names: read.names(settings),
            topology: read.choice(
                settings.topology.as_deref(),
                "ORDERFLOW_TOPOLOGY",
                &TOPOLOGY_MODES,
            ),
            delay: read.choice(settings.delay.as_deref(), "ORDERFLOW_DELAY", &DELAY_CHOICES),
            http_listen: read.http_listen(settings),
            lanes,
            batch,
            prefetch: read.count(
                settings.prefetch.as_deref(),
                "ORDERFLOW_PREFETCH",
                u16::try_from(prefetch).unwrap_or(u16::MAX),
                1..=20_000,
            ),
            retry: read.retry(settings),
            drain_grace: read.drain_grace(settings),
            patience: read.patience(settings),
            poll: read.time(settings.poll.as_deref(), "ORDERFLOW_POLL", Duration::from_millis(500)),
            timer_horizon: read.time_at_most(
                settings.timer_horizon.as_deref(),
                "ORDERFLOW_TIMER_HORIZON",
                Duration::from_mins(2),
                Duration::from_hours(1),
            ),
            timer_grace: read.time(
                settings.timer_grace.as_deref(),
                "ORDERFLOW_TIMER_GRACE",
                Duration::from_secs(10),
            ),
            policies: read.policies(settings),
            limits: Limits {
                livemode: read.choice(settings.mode.as_deref(), "ORDERFLOW_MODE", &MODES),
                ..Limits::default()
            },
            log: settings.log.clone().unwrap_or_else(|| DEFAULT_LOG.to_owned()),
            log_format: read.choice(
                settings.log_format.as_deref(),
                "ORDERFLOW_LOG_FORMAT",
                &log_formats(),
            ),
            failpoints: read.failpoints(settings),
            decision_limit: read.decision_limit(settings),
        };
        if read.problems.is_empty() { Ok(config) } else { Err(ConfigError(read.problems)) }
    }
}

/// One lane for four cores: broker, database and the other workers want the rest of them.
///
/// A lane keeps its own connection to the database busy. Where all share two cores a second lane
/// of each worker brought nothing (`ops/docs/performance.md`).
fn default_lanes() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.div_ceil(4).min(8)
}

/// lapin logs returned messages with their bodies, which no log may hold.
const DEFAULT_LOG: &str = "info,lapin=off";

/// The first choice of each list is the default.
const TOPOLOGY_MODES: [(&str, TopologyMode); 3] = [
    ("declare", TopologyMode::Declare),
    ("verify", TopologyMode::Verify),
    ("none", TopologyMode::None),
];
const DELAY_CHOICES: [(&str, DelayChoice); 3] =
    [("auto", DelayChoice::Auto), ("plugin", DelayChoice::Plugin), ("ladder", DelayChoice::Ladder)];
const ENCRYPTION: [(&str, bool); 2] = [("on", true), ("off", false)];
const MODES: [(&str, bool); 2] = [("live", true), ("test", false)];

fn log_formats() -> [(&'static str, LogFormat); 2] {
    let mut formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    if !std::io::stderr().is_terminal() {
        formats.reverse();
    }
    formats
}

/// Reads settings one by one and collects what is wrong.
#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, variable: &'static str, reason: impl Into<String>) {
        self.problems.push(Problem { variable, reason: reason.into() });
    }

    fn parsed<T>(
        &mut self,
        given: Option<&str>,
        variable: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let Some(text) = given else { return default };
        parse(text.trim()).unwrap_or_else(|reason| {
            self.problem(variable, reason);
            default
        })
    }

    fn choice<T: Copy>(
        &mut self,
        given: Option<&str>,
        variable: &'static str,
        choices: &[(&str, T)],
    ) -> T {
        self.parsed(given, variable, choices[0].1, |text| {
            let known = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            known.ok_or_else(|| format!("must be one of {}, not `{text}`", names.join(", ")))
        })
    }

    fn count<T>(
        &mut self,
        given: Option<&str>,
        variable: &'static str,
        default: T,
        range: std::ops::RangeInclusive<T>,
    ) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.parsed(given, variable, default, |text| {
            let (low, high) = (range.start(), range.end());
            let inside = text.parse().ok().filter(|count| range.contains(count));
            inside
                .ok_or_else(|| format!("must be a whole number from {low} to {high}, not `{text}`"))
        })
    }

    fn time(&mut self, given: Option<&str>, variable: &'static str, default: Duration) -> Duration {
        self.time_at_most(given, variable, default, Duration::from_hours(24 * 366))
    }

    fn time_at_most(
        &mut self,
        given: Option<&str>,
        variable: &'static str,
        default: Duration,
        most: Duration,
    ) -> Duration {
        self.parsed(given, variable, default, |text| {
            let allowed = |time: &Duration| !time.is_zero() && *time <= most;
            let most = humantime::format_duration(most);
            humantime::parse_duration(text)
                .ok()
                .filter(allowed)
                .ok_or_else(|| format!("must be a time such as 500ms or 2m, at most {most}"))
        })
    }

    /// The value itself, or the content of its file; secrets never appear in a problem.
    fn secret(
        &mut self,
        given: Option<&str>,
        file: Option<&Path>,
        variable: &'static str,
    ) -> Option<String> {
        match (given, file) {
            (Some(_), Some(_)) => {
                self.problem(variable, "is set, and so is its file: choose one");
                None
            }
            (Some(value), None) => Some(value.to_owned()),
            (None, Some(file)) => match std::fs::read_to_string(file) {
                Ok(content) => Some(content.trim().to_owned()),
                Err(error) => {
                    let path = file.display();
                    self.problem(variable, format!("failed to read its file {path}: {error}"));
                    None
                }
            },
            (None, None) => {
                self.problem(variable, "is required, by value or by file");
                None
            }
        }
    }

    fn amqp(&mut self, settings: &Settings, urls: Option<&str>, worker: &str) -> AmqpConfig {
        let files = self.tls_files(settings);
        let mut parse = |url: &str| {
            let url = url.trim().parse::<AmqpUrl>().map_err(|error| error.to_string());
            let url = url.map(|url| url.or_tls(&files)).and_then(|url| {
                url.tls().check()?;
                Ok(url)
            });
            url.map_err(|reason| self.problem("ORDERFLOW_AMQP_URL", reason)).ok()
        };
        AmqpConfig {
            urls: urls
                .into_iter()
                .flat_map(|urls| urls.split(','))
                .filter_map(&mut parse)
                .collect(),
            connection_name: format!("orderflow/{worker}"),
            heartbeat: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(10),
        }
    }

    fn tls_files(&mut self, settings: &Settings) -> TlsFiles {
        let identity = match (&settings.amqp_cert_file, &settings.amqp_key_file) {
            (Some(certificate), Some(key)) => {
                Some(Identity { certificate: certificate.clone(), key: key.clone() })
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let reason = "and ORDERFLOW_AMQP_KEY_FILE come together";
                self.problem("ORDERFLOW_AMQP_CERT_FILE", reason);
                None
            }
        };
        TlsFiles { ca: settings.amqp_ca_file.clone(), identity }
    }

    /// The master keys; nothing is stored in clear unless that was asked for.
    fn keys(&mut self, settings: &Settings) -> KeyRing {
        let variable = "ORDERFLOW_KEY_FILE";
        let given = settings.encryption.as_deref();
        let seals = self.choice(given, "ORDERFLOW_ENCRYPTION", &ENCRYPTION);
        let Some(file) = &settings.key_file else {
            if seals {
                let reason = "is required: a file with a line `NAME KEY`, the key being \
                    `openssl rand -base64 32`; ORDERFLOW_ENCRYPTION=off does without";
                self.problem(variable, reason);
            }
            return KeyRing::default();
        };
        let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
        let keys = read.and_then(|text| KeyRing::parse(&text).map_err(|error| error.to_string()));
        match keys {
            Ok(keys) if seals => keys,
            Ok(keys) => keys.read_only(),
            Err(reason) => {
                self.problem(variable, format!("names a file {}: {reason}", file.display()));
                KeyRing::default()
            }
        }
    }

    fn database(&mut self, url: Option<&str>, worker: &str, keys: KeyRing) -> DatabaseConfig {
        let url = url.map(str::parse::<DatabaseUrl>);
        if let Some(Err(error)) = &url {
            self.problem("ORDERFLOW_DATABASE_URL", error.to_string());
        }
        // The placeholder is never connected to: a problem was recorded above.
        let url = url.and_then(Result::ok).unwrap_or_else(|| {
            "postgres://nowhere".parse().expect("the placeholder is a database URL")
        });
        DatabaseConfig { keys, ..DatabaseConfig::new(url, format!("orderflow/{worker}")) }
    }

    fn names(&mut self, settings: &Settings) -> Names {
        let prefix = settings.prefix.as_deref();
        self.parsed(prefix, "ORDERFLOW_PREFIX", Names::default(), |text| {
            Names::new(text).map_err(|error| error.to_string())
        })
    }

    fn http_listen(&mut self, settings: &Settings) -> SocketAddr {
        let (given, default) = (settings.http_listen.as_deref(), ([127, 0, 0, 1], 0));
        self.parsed(given, "ORDERFLOW_HTTP_LISTEN", SocketAddr::from(default), |text| {
            text.parse().or(Err("must be an address such as 0.0.0.0:9187".to_owned()))
        })
    }

    fn failpoints(&mut self, settings: &Settings) -> Failpoints {
        let given = settings.failpoints.as_deref();
        self.parsed(given, "ORDERFLOW_FAILPOINTS", Failpoints::default(), |text| {
            Failpoints::parse(text).map_err(|item| format!("unknown item `{item}`"))
        })
    }

    fn retry(&mut self, settings: &Settings) -> RetryPolicy {
        let default = RetryPolicy::default();
        RetryPolicy {
            attempts: self.count(
                settings.retry_attempts.as_deref(),
                "ORDERFLOW_RETRY_ATTEMPTS",
                default.attempts,
                1..=50,
            ),
            base: self.time(settings.retry_base.as_deref(), "ORDERFLOW_RETRY_BASE", default.base),
            // The delay ladder carries 4,095 seconds at once.
            cap: self.time_at_most(
                settings.retry_cap.as_deref(),
                "ORDERFLOW_RETRY_CAP",
                default.cap,
                Duration::from_hours(1),
            ),
        }
    }

    fn patience(&mut self, settings: &Settings) -> Duration {
        let default = Duration::from_secs(5);
        self.time(settings.patience.as_deref(), "ORDERFLOW_PATIENCE", default)
    }

    fn drain_grace(&mut self, settings: &Settings) -> Duration {
        let (given, default) = (settings.drain_grace.as_deref(), Duration::from_secs(20));
        self.time(given, "ORDERFLOW_DRAIN_GRACE", default)
    }

    /// Below what makes `/livez` call the process stuck.
    fn decision_limit(&mut self, settings: &Settings) -> Duration {
        let (given, default) = (settings.decision_limit.as_deref(), Duration::from_secs(10));
        self.time(given, "ORDERFLOW_DECISION_LIMIT", default).max(Duration::from_millis(100))
    }

    fn optional_time(&mut self, given: Option<&str>, variable: &'static str) -> Option<Duration> {
        given.map(|text| self.time(Some(text), variable, Duration::ZERO))
    }

    /// The file of choices, under what the environment sets for everyone.
    fn policies(&mut self, settings: &Settings) -> LivePolicies {
        let mut time =
            |given: &Option<String>, variable| self.optional_time(given.as_deref(), variable);
        let overrides = Overrides {
            window_card: time(&settings.window_card, "ORDERFLOW_WINDOW_CARD"),
            window_bank_transfer: time(
                &settings.window_bank_transfer,
                "ORDERFLOW_WINDOW_BANK_TRANSFER",
            ),
            max_hold: time(&settings.max_hold, "ORDERFLOW_MAX_HOLD"),
            hold_interval: time(&settings.hold_interval, "ORDERFLOW_HOLD_INTERVAL"),
            park_ttl: time(&settings.park_ttl, "ORDERFLOW_PARK_TTL"),
            reminder_min_gap: time(&settings.reminder_min_gap, "ORDERFLOW_REMINDER_MIN_GAP"),
        };
        let (file, templates) = (settings.policies.as_deref(), settings.templates.as_deref());
        LivePolicies::read(file, templates, overrides).unwrap_or_else(|reason| {
            let variable = match templates {
                None => "ORDERFLOW_POLICIES",
                Some(_) => "ORDERFLOW_POLICIES and ORDERFLOW_TEMPLATES",
            };
            self.problem(variable, reason);
            LivePolicies::default()
        })
    }
}

#[cfg(test)]
mod tests;
