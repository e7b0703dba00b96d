//! What can be set, as text: by flag, by environment variable, or by file for secrets.

use std::path::PathBuf;

/// Settings as given; `Config::resolve` turns them into values and names every mistake at once.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// RabbitMQ, `amqp://user:password@host:5672/vhost`; several nodes separated by commas.
    #[arg(long, env = "ORDERFLOW_AMQP_URL", value_name = "URL", hide_env_values = true)]
    pub amqp_url: Option<String>,
    /// A file that holds the RabbitMQ URL.
    #[arg(long, env = "ORDERFLOW_AMQP_URL_FILE", value_name = "FILE")]
    pub amqp_url_file: Option<PathBuf>,
    /// Certificates of authorities trusted for `amqps://` addresses, beside the system's; PEM.
    #[arg(long, env = "ORDERFLOW_AMQP_CA_FILE", value_name = "FILE")]
    pub amqp_ca_file: Option<PathBuf>,
    /// Our certificate for a broker that asks for one, with those above it; PEM.
    #[arg(long, env = "ORDERFLOW_AMQP_CERT_FILE", value_name = "FILE")]
    pub amqp_cert_file: Option<PathBuf>,
    /// The private key of that certificate, PKCS #8 in PEM.
    #[arg(long, env = "ORDERFLOW_AMQP_KEY_FILE", value_name = "FILE")]
    pub amqp_key_file: Option<PathBuf>,
    /// Postgres, `postgres://user:password@host:5432/database`; for TLS add `?sslmode=verify-full`,
    /// with `sslrootcert`, `sslcert` and `sslkey` where they are not the system's.
    #[arg(long, env = "ORDERFLOW_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// A file that holds the Postgres URL.
    #[arg(long, env = "ORDERFLOW_DATABASE_URL_FILE", value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,
    /// A file of master keys, a name and 32 bytes in base64 per line, the current one first.
    #[arg(long, env = "ORDERFLOW_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Whether parked and dead-lettered messages are sealed at rest: on or off; default: on.
    #[arg(long, env = "ORDERFLOW_ENCRYPTION", value_name = "CHOICE")]
    pub encryption: Option<String>,
    /// Prefix of every exchange and queue, for tenants of one broker; default: orderflow.
    #[arg(long, env = "ORDERFLOW_PREFIX", value_name = "NAME")]
    pub prefix: Option<String>,
    /// What to do about exchanges and queues at start: declare, verify or none; default: declare.
    #[arg(long, env = "ORDERFLOW_TOPOLOGY", value_name = "MODE")]
    pub topology: Option<String>,
    /// Provider of the delayed exchange for timers: auto, plugin or ladder; default: auto.
    #[arg(long, env = "ORDERFLOW_DELAY", value_name = "PROVIDER")]
    pub delay: Option<String>,
    /// Which events to expect: live or test; the other kind is refused; default: live.
    #[arg(long, env = "ORDERFLOW_MODE", value_name = "MODE")]
    pub mode: Option<String>,
    /// Where /metrics, /livez and /readyz are; port 0 picks a free one; default: 127.0.0.1:0.
    #[arg(long, env = "ORDERFLOW_HTTP_LISTEN", value_name = "ADDRESS")]
    pub http_listen: Option<String>,
    /// Database connections that work side by side, 1 to 32; default: one per four cores.
    #[arg(long, env = "ORDERFLOW_LANES", value_name = "COUNT")]
    pub lanes: Option<String>,
    /// Most messages in one transaction, 1 to 2000; default: 500.
    #[arg(long, env = "ORDERFLOW_BATCH", value_name = "COUNT")]
    pub batch: Option<String>,
    /// Most messages not settled, 1 to 20000; default: 2 x lanes x batch, 50 to 2000.
    #[arg(long, env = "ORDERFLOW_PREFETCH", value_name = "COUNT")]
    pub prefetch: Option<String>,
    /// Tries of a message that fails transiently, 1 to 50; default: 6.
    #[arg(long, env = "ORDERFLOW_RETRY_ATTEMPTS", value_name = "COUNT")]
    pub retry_attempts: Option<String>,
    /// Wait after the first failure, doubling with each further one; default: 1s.
    #[arg(long, env = "ORDERFLOW_RETRY_BASE", value_name = "DURATION")]
    pub retry_base: Option<String>,
    /// Longest wait between two tries, at most 1h; default: 5m.
    #[arg(long, env = "ORDERFLOW_RETRY_CAP", value_name = "DURATION")]
    pub retry_cap: Option<String>,
    /// Longest time to finish work in hand when asked to stop; default: 20s.
    #[arg(long, env = "ORDERFLOW_DRAIN_GRACE", value_name = "DURATION")]
    pub drain_grace: Option<String>,
    /// How long an event that came before its order or its money is held back; default: 5s.
    #[arg(long, env = "ORDERFLOW_PATIENCE", value_name = "DURATION")]
    pub patience: Option<String>,
    /// Longest time for one decision before the process ends, being stuck; default: 10s.
    #[arg(long, env = "ORDERFLOW_DECISION_LIMIT", value_name = "DURATION")]
    pub decision_limit: Option<String>,
    /// How often the database is asked for work where nothing announces it; default: 500ms.
    #[arg(long, env = "ORDERFLOW_POLL", value_name = "DURATION")]
    pub poll: Option<String>,
    /// How long before its due time a timer enters the delayed exchange, at most 1h; default: 120s.
    #[arg(long, env = "ORDERFLOW_TIMER_HORIZON", value_name = "DURATION")]
    pub timer_horizon: Option<String>,
    /// How long after its due time a timer that did not come back is fired directly; default: 10s.
    #[arg(long, env = "ORDERFLOW_TIMER_GRACE", value_name = "DURATION")]
    pub timer_grace: Option<String>,
    /// The shops' choices, TOML (`orderctl policy template` prints one); read again on SIGHUP.
    #[arg(long, env = "ORDERFLOW_POLICIES", value_name = "FILE")]
    pub policies: Option<PathBuf>,
    /// A folder of texts in place of those that are built in; read again on SIGHUP.
    #[arg(long, env = "ORDERFLOW_TEMPLATES", value_name = "FOLDER")]
    pub templates: Option<PathBuf>,
    /// Payment window of cards and wallets, where the shop names none; default: 30m.
    #[arg(long, env = "ORDERFLOW_WINDOW_CARD", value_name = "DURATION")]
    pub window_card: Option<String>,
    /// Payment window of bank transfers, where the shop names none; default: 7d.
    #[arg(long, env = "ORDERFLOW_WINDOW_BANK_TRANSFER", value_name = "DURATION")]
    pub window_bank_transfer: Option<String>,
    /// How long an event waits for its parent; default: 30m.
    #[arg(long, env = "ORDERFLOW_PARK_TTL", value_name = "DURATION")]
    pub park_ttl: Option<String>,
    /// Longest time that expiry waits for a payment under way; default: 30m.
    #[arg(long, env = "ORDERFLOW_MAX_HOLD", value_name = "DURATION")]
    pub max_hold: Option<String>,
    /// How often a held order is looked at again; default: 5m.
    #[arg(long, env = "ORDERFLOW_HOLD_INTERVAL", value_name = "DURATION")]
    pub hold_interval: Option<String>,
    /// Least time between two reminders, and between one and the ends of the window; default: 5m.
    #[arg(long, env = "ORDERFLOW_REMINDER_MIN_GAP", value_name = "DURATION")]
    pub reminder_min_gap: Option<String>,
    /// What to log, in the form of `RUST_LOG`; default: info,lapin=off.
    #[arg(long, env = "ORDERFLOW_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How log lines look: text or json; default: text on a terminal, json elsewhere.
    #[arg(long, env = "ORDERFLOW_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// For tests: `panic:<message id>` makes the rules panic over that message; likewise abort,
    /// overflow, endless and hog.
    #[arg(long, env = "ORDERFLOW_FAILPOINTS", value_name = "LIST", hide = true)]
    pub failpoints: Option<String>,
}
