//! Where the database is and how long it may take.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use crate::vault::KeyRing;

/// The planner of a lane knows one kind of statement: rows found by their key.
///
/// A plan is made once per connection and kept. Made while a table was small it would be a scan or
/// a hash of the whole table, and stay one when the table has grown; none of our statements on
/// hot tables is better off with either. Reports that do read whole tables reset these settings.
const PLANNER: [(&str, &str); 5] = [
    ("jit", "off"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// What an answer may take beyond the longest that the server works on a statement.
const ANSWER_ON_ITS_WAY: Duration = Duration::from_secs(5);

/// How to reach and use the database.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// Where it is.
    pub url: DatabaseUrl,
    /// Names the connection in `pg_stat_activity`, such as `orderflow.payment-attempted`.
    pub application_name: String,
    /// Longest that one statement may run.
    pub statement_timeout: Duration,
    /// Longest that one statement may wait for a lock.
    pub lock_timeout: Duration,
    /// Longest that a transaction may wait for its next statement.
    pub idle_in_transaction_timeout: Duration,
    /// Longest that anything may take, from the first statement to the last answer: a server that
    /// lost its power says nothing, and neither does the system for a quarter of an hour.
    pub answer_timeout: Duration,
    /// The master keys; without any, what shops sent is stored in clear.
    pub keys: KeyRing,
}

impl DatabaseConfig {
    /// The usual limits: 30 s per statement, 10 s per lock, 60 s of idling in a transaction, and
    /// 60 s for all of it.
    ///
    /// It has no keys.
    pub fn new(url: DatabaseUrl, application_name: impl Into<String>) -> Self {
        Self {
            url,
            application_name: application_name.into(),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            idle_in_transaction_timeout: Duration::from_mins(1),
            answer_timeout: Duration::from_mins(1),
            keys: KeyRing::default(),
        }
    }

    /// How long one statement's answer is waited for: a little longer than the server works on it.
    pub(crate) fn statement_answer(&self) -> Duration {
        self.answer_timeout.min(self.statement_timeout + ANSWER_ON_ITS_WAY)
    }

    /// Options of a connection that reads and writes by key.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let limits = [
            ("statement_timeout", self.statement_timeout),
            ("lock_timeout", self.lock_timeout),
            ("idle_in_transaction_session_timeout", self.idle_in_transaction_timeout),
        ];
        self.plain_options()
            .options(PLANNER)
            .options(limits.map(|(name, limit)| (name, limit.as_millis().to_string())))
    }

    /// Options of a connection without limits, for migrations.
    pub(crate) fn plain_options(&self) -> PgConnectOptions {
        self.url
            .options
            .clone()
            .application_name(&self.application_name)
            .options([("search_path", "public")])
            // Postgres logs slow statements itself, with their waits.
            .disable_statement_logging()
    }
}

/// A connection URL such as `postgres://user:password@host:5432/database`.
///
/// Neither `Debug` nor `Display` shows the password.
#[derive(Clone)]
pub struct DatabaseUrl {
    options: PgConnectOptions,
}

/// Why a text is not the URL of a database; does not repeat the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a database URL: {reason}")]
pub struct InvalidDatabaseUrl {
    reason: String,
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let refuse = |reason: String| InvalidDatabaseUrl { reason };
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
            return Err(refuse("must start with postgres://".to_owned()));
        }
        check_files(text).map_err(refuse)?;
        match PgConnectOptions::from_str(text) {
            Ok(options) => Ok(Self { options }),
            Err(sqlx::Error::Configuration(reason)) => Err(refuse(reason.to_string())),
            Err(_) => Err(refuse("must be postgres://user:password@host:port/database".to_owned())),
        }
    }
}

/// Refuses a certificate that cannot be read: the driver would say so without naming the file.
fn check_files(text: &str) -> Result<(), String> {
    let parameters = text.split_once('?').map_or("", |(_, parameters)| parameters);
    for (name, file) in parameters.split('&').filter_map(|one| one.split_once('=')) {
        // A value with escapes in it is left to the driver.
        if matches!(name, "sslrootcert" | "sslcert" | "sslkey")
            && !file.contains('%')
            && let Err(error) = std::fs::read(file)
        {
            return Err(format!("{name} names the file {file}, which cannot be read: {error}"));
        }
    }
    Ok(())
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.options.get_username();
        let (host, port) = (self.options.get_host(), self.options.get_port());
        let database = self.options.get_database().unwrap_or(user);
        write!(f, "postgres://{user}:***@{host}:{port}/{database}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url: DatabaseUrl = "postgres://me:hunter2@db.example:6000/shop".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://me:***@db.example:6000/shop");
        let config = DatabaseConfig::new(url, "orderflow.test");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn an_answer_may_take_a_little_longer_than_the_server_works() {
        let url: DatabaseUrl = "postgres://db.example/shop".parse().unwrap();
        let usual = DatabaseConfig::new(url, "orderflow.test");
        assert_eq!(usual.statement_answer(), Duration::from_secs(35));
        let hurried = DatabaseConfig { answer_timeout: Duration::from_secs(1), ..usual };
        assert_eq!(hurried.statement_answer(), Duration::from_secs(1));
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_named() {
        let text = "postgres://me:hunter2@db/shop?sslmode=verify-full&sslrootcert=/nowhere/ca.pem";
        let error = text.parse::<DatabaseUrl>().unwrap_err().to_string();
        assert!(error.contains("sslrootcert names the file /nowhere/ca.pem"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_bad_url_is_refused_without_repeating_it() {
        for text in ["", "mysql://me:hunter2@db/shop", "postgres://me:hunter2@db:port/shop"] {
            let error = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
