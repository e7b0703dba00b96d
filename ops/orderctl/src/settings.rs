//! Where the services are, by flag or by the same variables as the workers'.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use broker::{AmqpConfig, AmqpUrl, DelayChoice, Names};
use contracts::Limits;
use runtime::{ConfigError, Problem};
use store::vault::KeyRing;
use store::{DatabaseConfig, DatabaseUrl};
use url::Url;

/// Longest wait for a single answer of the broker.
const BROKER_TIMEOUT: Duration = Duration::from_secs(10);

/// What names this program among the connections of broker and database.
const NAME: &str = "orderflow/orderctl";

/// Settings as given; a command reads those that it uses.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// RabbitMQ, `amqp://user:password@host:5672/vhost`; several nodes separated by commas.
    #[arg(
        long,
        global = true,
        env = "ORDERFLOW_AMQP_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) amqp_url: Option<String>,
    /// A file that holds the RabbitMQ URL.
    #[arg(long, global = true, env = "ORDERFLOW_AMQP_URL_FILE", value_name = "FILE")]
    pub(crate) amqp_url_file: Option<PathBuf>,
    /// RabbitMQ's management interface, `http://user:password@host:15672`; shows bindings.
    #[arg(
        long,
        global = true,
        env = "ORDERFLOW_MANAGEMENT_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) management_url: Option<String>,
    /// Postgres, `postgres://user:password@host:5432/database`.
    #[arg(
        long,
        global = true,
        env = "ORDERFLOW_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database_url: Option<String>,
    /// A file that holds the Postgres URL.
    #[arg(long, global = true, env = "ORDERFLOW_DATABASE_URL_FILE", value_name = "FILE")]
    pub(crate) database_url_file: Option<PathBuf>,
    /// A file of master keys, a name and 32 bytes in base64 per line, the current one first.
    #[arg(long, global = true, env = "ORDERFLOW_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Prefix of every exchange and queue; `orderflow` if not given.
    #[arg(long, global = true, env = "ORDERFLOW_PREFIX", value_name = "NAME")]
    pub(crate) prefix: Option<String>,
    /// Provider of the delayed exchange for timers: `auto` (if not given), `plugin` or `ladder`.
    #[arg(long, global = true, env = "ORDERFLOW_DELAY", value_name = "PROVIDER")]
    pub(crate) delay: Option<String>,
    /// Which events the system expects: `live` (if not given) or `test`.
    #[arg(long, global = true, env = "ORDERFLOW_MODE", value_name = "MODE")]
    pub(crate) mode: Option<String>,
}

/// How to reach the broker, and which part of it is meant.
#[derive(Clone, Debug)]
pub(crate) struct BrokerAddress {
    /// Its nodes.
    pub(crate) config: AmqpConfig,
    /// The vhost, encoded as a segment of a path.
    pub(crate) vhost: String,
}

/// `RabbitMQ`'s management interface; the address holds a password and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ManagementUrl(Url);

impl ManagementUrl {
    /// The address of a page of the interface.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.0.as_str().trim_end_matches('/'))
    }
}

/// Reads settings one by one and remembers which of them cannot be used.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    settings: &'a Settings,
    problems: Vec<Problem>,
}

impl Settings {
    /// Begins to read.
    pub(crate) fn read(&self) -> Reader<'_> {
        Reader { settings: self, problems: Vec::new() }
    }
}

impl Reader<'_> {
    /// Everything that cannot be used, once something could not be read.
    pub(crate) fn refusal(self) -> ConfigError {
        ConfigError(self.problems)
    }

    /// Refuses when anything read so far cannot be used.
    pub(crate) fn checked(self) -> Result<(), ConfigError> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.refusal()) }
    }

    /// How to reach the broker.
    pub(crate) fn broker(&mut self) -> Option<BrokerAddress> {
        let Settings { amqp_url, amqp_url_file, .. } = self.settings;
        let text =
            self.secret(amqp_url.as_deref(), amqp_url_file.as_deref(), "ORDERFLOW_AMQP_URL")?;
        let urls: Result<Vec<AmqpUrl>, _> = text.split(',').map(|url| url.trim().parse()).collect();
        let config = AmqpConfig {
            urls: self.noted("ORDERFLOW_AMQP_URL", urls)?,
            connection_name: NAME.to_owned(),
            heartbeat: Duration::from_secs(10),
            operation_timeout: BROKER_TIMEOUT,
        };
        Some(BrokerAddress { config, vhost: vhost(&text) })
    }

    /// How to reach the broker, if it is said where it is.
    pub(crate) fn broker_if_set(&mut self) -> Option<BrokerAddress> {
        let Settings { amqp_url, amqp_url_file, .. } = self.settings;
        let set = given(amqp_url.as_deref()).is_some() || amqp_url_file.is_some();
        if set { self.broker() } else { None }
    }

    /// How to reach the database.
    pub(crate) fn database(&mut self) -> Option<DatabaseConfig> {
        let Settings { database_url: url, database_url_file: file, .. } = self.settings;
        let url = self.secret(url.as_deref(), file.as_deref(), "ORDERFLOW_DATABASE_URL")?;
        let url = self.noted("ORDERFLOW_DATABASE_URL", url.parse::<DatabaseUrl>())?;
        Some(DatabaseConfig::new(url, NAME))
    }

    /// How to reach the database, with the master keys if there is a file of them.
    pub(crate) fn database_with_keys(&mut self) -> Option<DatabaseConfig> {
        let config = self.database();
        let keys = match self.settings.key_file {
            None => Some(KeyRing::default()),
            Some(_) => self.keys(),
        };
        Some(DatabaseConfig { keys: keys?, ..config? })
    }

    /// The master keys.
    pub(crate) fn keys(&mut self) -> Option<KeyRing> {
        let variable = "ORDERFLOW_KEY_FILE";
        let Some(file) = &self.settings.key_file else {
            return self.noted(variable, Err("is required for this command"));
        };
        let read = fs::read_to_string(file).map_err(|error| error.to_string());
        let keys = read.and_then(|text| KeyRing::parse(&text).map_err(|error| error.to_string()));
        let named = |reason| format!("names a file {}: {reason}", file.display());
        self.noted(variable, keys.map_err(named))
    }

    /// The names of exchanges and queues.
    pub(crate) fn names(&mut self) -> Option<Names> {
        match given(self.settings.prefix.as_deref()) {
            None => Some(Names::default()),
            Some(prefix) => self.noted("ORDERFLOW_PREFIX", Names::new(prefix)),
        }
    }

    /// What is to delay timers.
    pub(crate) fn delay(&mut self) -> Option<DelayChoice> {
        match given(self.settings.delay.as_deref()) {
            None => Some(DelayChoice::Auto),
            Some(choice) => self.noted("ORDERFLOW_DELAY", choice.parse()),
        }
    }

    /// What a message may cost, and which world it may belong to.
    pub(crate) fn limits(&mut self) -> Option<Limits> {
        let livemode = match given(self.settings.mode.as_deref()) {
            None | Some("live") => Ok(true),
            Some("test") => Ok(false),
            Some(other) => Err(format!("must be live or test, not `{other}`")),
        };
        let livemode = self.noted("ORDERFLOW_MODE", livemode)?;
        Some(Limits { livemode, ..Limits::default() })
    }

    /// The management interface, if one is given; [`Self::checked`] tells whether it can be used.
    pub(crate) fn management(&mut self) -> Option<ManagementUrl> {
        let text = given(self.settings.management_url.as_deref())?;
        let web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let url = Url::parse(text).ok().filter(web);
        let url = url.ok_or("must be http://user:password@host:port");
        self.noted("ORDERFLOW_MANAGEMENT_URL", url).map(ManagementUrl)
    }

    fn noted<T, E: ToString>(&mut self, variable: &'static str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| {
            self.problems.push(Problem { variable, reason: error.to_string() });
        })
        .ok()
    }

    /// The value itself, or the content of its file; neither ever appears in a problem.
    fn secret(
        &mut self,
        value: Option<&str>,
        file: Option<&Path>,
        variable: &'static str,
    ) -> Option<String> {
        let read = match (given(value), file) {
            (Some(_), Some(_)) => Err("is set, and so is its file: choose one".to_owned()),
            (Some(value), None) => Ok(value.to_owned()),
            (None, Some(file)) => match fs::read_to_string(file) {
                Ok(content) => Ok(content.trim().to_owned()),
                Err(error) => Err(format!("names a file {}: {error}", file.display())),
            },
            (None, None) => Err("is required for this command".to_owned()),
        };
        self.noted(variable, read)
    }
}

/// The vhost of the first of several addresses, as it stands in its path.
fn vhost(urls: &str) -> String {
    let first = urls.split(',').next().and_then(|url| Url::parse(url.trim()).ok());
    let path = first.map(|url| url.path().trim_start_matches('/').to_owned());
    path.filter(|path| !path.is_empty()).unwrap_or_else(|| "%2F".to_owned())
}

/// A setting that says something: an empty variable counts as one that is not set.
fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: &Settings) -> Vec<(&'static str, String)> {
        let mut read = settings.read();
        let nothing = (read.broker(), read.database(), read.names(), read.delay());
        assert!(matches!(nothing, (None, None, None, None)));
        assert!(read.limits().is_none() && read.management().is_none());
        read.refusal().0.into_iter().map(|problem| (problem.variable, problem.reason)).collect()
    }

    #[test]
    fn every_mistake_is_named_at_once_and_no_password_with_it() {
        let set = |text: &str| Some(text.to_owned());
        let problems = refused(&Settings {
            amqp_url: set("http://me:hunter2@broker"),
            database_url: set("mysql://me:hunter2@database"),
            management_url: set("me:hunter2@broker"),
            prefix: set("Not A Name"),
            delay: set("sundial"),
            mode: set("both"),
            ..Settings::default()
        });
        let variables: Vec<_> = problems.iter().map(|(variable, _)| *variable).collect();
        assert_eq!(
            variables,
            [
                "ORDERFLOW_AMQP_URL",
                "ORDERFLOW_DATABASE_URL",
                "ORDERFLOW_PREFIX",
                "ORDERFLOW_DELAY",
                "ORDERFLOW_MODE",
                "ORDERFLOW_MANAGEMENT_URL",
            ]
        );
        assert!(problems.iter().all(|(_, reason)| !reason.contains("hunter2")), "{problems:?}");
    }

    #[test]
    fn an_empty_variable_is_one_that_is_not_set() {
        let empty = Some(String::new());
        let settings = Settings { prefix: empty.clone(), mode: empty, ..Settings::default() };
        let mut read = settings.read();
        assert_eq!(read.names(), Some(Names::default()));
        assert!(read.limits().is_some_and(|limits| limits.livemode));
    }

    #[test]
    fn the_vhost_is_that_of_the_brokers_address() {
        for (url, expected) in [
            ("amqp://h", "%2F"),
            ("amqp://h/", "%2F"),
            ("amqp://h/%2f", "%2f"),
            ("amqp://h/shop,amqp://i/shop", "shop"),
        ] {
            assert_eq!(vhost(url), expected, "{url}");
        }
    }
}
