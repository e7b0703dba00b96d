//! What can go wrong with the database, and whose fault it is.

use std::io::ErrorKind;
use std::time::Duration;

use sqlx::error::DatabaseError;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A statement failed, or the connection under it.
    #[error("failed to {step}")]
    Statement {
        /// What was being done, such as `write orders`.
        step: &'static str,
        /// What the driver says.
        #[source]
        source: sqlx::Error,
    },
    /// No connection came about.
    #[error("failed to connect to the database at {address}: {reason}")]
    Connect {
        /// Host and port.
        address: String,
        /// What is wrong, in words.
        reason: String,
        /// What the driver says; the reason has it in words already.
        driver: Box<sqlx::Error>,
    },
    /// A migration failed.
    #[error("failed to migrate the database")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A stored row makes no sense: it was not written by us.
    #[error("failed to read {table}.{column} of {key}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        key: String,
    },
    /// An order was written by somebody else since it was read (case 38).
    #[error("failed to write orders: {lost} of {wanted} were changed since they were read")]
    LostUpdate {
        /// How many rows were to be written.
        wanted: u64,
        /// How many of them had another version.
        lost: u64,
    },
    /// A decision writes rows of an order without saying of which.
    #[error("failed to write the decision on {event}: it names no order")]
    NoOrder {
        /// The event's source and id.
        event: String,
    },
    /// A row to write has amounts in several currencies.
    #[error("failed to write {table} {key}: its amounts are in several currencies")]
    MixedCurrencies {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
    },
    /// Stored content is sealed under a master key that this process does not have.
    #[error("failed to use stored keys: the key file lacks the master key `{name}`")]
    KeyMissing {
        /// The master key's name.
        name: String,
    },
    /// Two master keys have one name.
    #[error(
        "failed to use the master key `{name}`: this database was written with another of its name"
    )]
    KeyDiffers {
        /// The master key's name.
        name: String,
    },
    /// The system gave no random bytes.
    #[error("failed to seal content: the system gives no random bytes")]
    NoRandomness,
    /// The database lacks migrations that this build needs; somebody has to apply them.
    #[error("failed to use the database: its schema is at {applied}, this build needs {known}")]
    SchemaBehind {
        /// The last migration applied; 0 for none.
        applied: i64,
        /// The last migration this build knows.
        known: i64,
    },
    /// The database only takes statements that read: a replica, or set so by somebody.
    #[error("failed to use the database: it is read-only")]
    ReadOnly,
    /// Somebody holds a table that every batch writes.
    #[error("failed to use the database: somebody holds the table {table}")]
    Held {
        /// The table.
        table: String,
    },
    /// Nothing came back in time: the server is gone without a word, or the way to it.
    #[error("failed to {step}: no answer within {within:?}")]
    NoAnswer {
        /// What was being done.
        step: &'static str,
        /// How long was waited.
        within: Duration,
    },
    /// A transaction on this connection was left in the middle; connect anew.
    #[error("failed to use the connection: its transaction `{transaction}` never ended")]
    Abandoned {
        /// The transaction's name.
        transaction: &'static str,
    },
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The same transaction may succeed when tried again.
    Transient,
    /// It took too long: somebody holds a lock, or the server is out of breath. Whether it was
    /// the fault of what was to be written is to be found out.
    Slow,
    /// It will fail again: the fault lies in what was to be written.
    Permanent,
    /// The database is out of order; nothing will succeed until it is back.
    DependencyDown,
}

impl Error {
    /// For `map_err`: names the step that failed.
    pub(crate) fn during(step: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Statement { step, source }
    }

    /// No connection came about with this place.
    pub(crate) fn connecting(address: String, driver: sqlx::Error) -> Self {
        Self::Connect { address, reason: why_not_connected(&driver), driver: Box::new(driver) }
    }

    /// What to do about it; what is unknown is permanent.
    pub fn class(&self) -> Class {
        self.verdict().0
    }

    /// A stable name: metric label, dead-letter code and runbook.
    pub fn code(&self) -> &'static str {
        self.verdict().1
    }

    /// The constraint or trigger that refused a row, if one did.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Statement { source: sqlx::Error::Database(error), .. } => error.constraint(),
            Self::Statement { .. }
            | Self::Connect { .. }
            | Self::Migrate(_)
            | Self::Inconsistent { .. }
            | Self::LostUpdate { .. }
            | Self::NoOrder { .. }
            | Self::MixedCurrencies { .. }
            | Self::KeyMissing { .. }
            | Self::KeyDiffers { .. }
            | Self::NoRandomness
            | Self::SchemaBehind { .. }
            | Self::ReadOnly
            | Self::Held { .. }
            | Self::NoAnswer { .. }
            | Self::Abandoned { .. } => None,
        }
    }

    fn verdict(&self) -> (Class, &'static str) {
        match self {
            Self::Connect { reason, driver, .. } if is_about_tls(driver, reason) => {
                (Class::DependencyDown, "database-tls-failed")
            }
            Self::Connect { driver, .. } => verdict_of_driver(driver),
            Self::Statement { source, .. } => verdict_of_driver(source),
            Self::Migrate(sqlx::migrate::MigrateError::Execute(source)) => {
                verdict_of_driver(source)
            }
            Self::Migrate(_) => (Class::Permanent, "migration-failed"),
            Self::Inconsistent { .. } => (Class::Permanent, "inconsistent-row"),
            Self::LostUpdate { .. } => (Class::Transient, "lost-update"),
            Self::NoOrder { .. } => (Class::Permanent, "no-order"),
            Self::MixedCurrencies { .. } => (Class::Permanent, "mixed-currencies"),
            // Nothing is at fault that is to be stored: it waits until the key file is right.
            Self::KeyMissing { .. } => (Class::DependencyDown, "key-missing"),
            Self::KeyDiffers { .. } => (Class::DependencyDown, "key-differs"),
            Self::NoRandomness => (Class::DependencyDown, "no-randomness"),
            Self::SchemaBehind { .. } => (Class::DependencyDown, "schema-behind"),
            Self::ReadOnly => (Class::DependencyDown, "database-read-only"),
            Self::Held { .. } => (Class::DependencyDown, "table-held"),
            Self::NoAnswer { .. } => (Class::DependencyDown, "no-answer"),
            Self::Abandoned { .. } => (Class::DependencyDown, "connection-spoilt"),
        }
    }
}

/// Whether the two sides did not agree on TLS.
fn is_about_tls(source: &sqlx::Error, reason: &str) -> bool {
    let words = ["certificate", "fatal alert", "support TLS"];
    matches!(source, sqlx::Error::Tls(_)) || words.iter().any(|word| reason.contains(word))
}

/// The innermost cause, and what to do about it where the cause does not say.
fn why_not_connected(source: &sqlx::Error) -> String {
    let mut cause: &dyn std::error::Error = source;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let told = cause.to_string();
    let hint = if told.contains("UnknownIssuer") {
        ": no trusted authority signed the server's certificate; is it the one of sslrootcert?"
    } else if told.contains("CertificateRequired") || told.contains("valid client certificate") {
        ": the server asks for a certificate of ours; set sslcert and sslkey"
    } else {
        ""
    };
    format!("{told}{hint}")
}

fn verdict_of_driver(error: &sqlx::Error) -> (Class, &'static str) {
    match error {
        sqlx::Error::Database(error) => verdict_of_server(error.as_ref()),
        sqlx::Error::Io(error) if error.kind() == ErrorKind::TimedOut => {
            (Class::DependencyDown, "no-answer")
        }
        // Protocol errors, too, concern the connection and never what was written.
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
            (Class::DependencyDown, "database-unreachable")
        }
        sqlx::Error::TypeNotFound { .. } | sqlx::Error::ColumnNotFound(_) => {
            (Class::DependencyDown, "schema-mismatch")
        }
        // The driver's enum is open, and what is unknown is permanent.
        _ => (Class::Permanent, "database-error"),
    }
}

fn verdict_of_server(error: &dyn DatabaseError) -> (Class, &'static str) {
    verdict_of_sqlstate(error.code().as_deref().unwrap_or_default())
}

/// By SQLSTATE, the most particular first.
fn verdict_of_sqlstate(state: &str) -> (Class, &'static str) {
    use Class::{DependencyDown, Permanent, Slow, Transient};
    let class = state.get(..2).unwrap_or_default();
    match (class, state) {
        (_, "40001") => (Transient, "serialization-failure"),
        (_, "40P01") => (Transient, "deadlock"),
        (_, "55P03") => (Slow, "lock-timeout"),
        (_, "55006") => (Transient, "object-in-use"),
        (_, "57014") => (Slow, "statement-timeout"),
        (_, "25006") => (DependencyDown, "database-read-only"),
        // The server's idea of this connection is not ours: it idled too long, or its prepared
        // statements are gone. Another connection is as good as new.
        ("25" | "26", _) | (_, "42P05") => (DependencyDown, "connection-spoilt"),
        // Shut down, crashed, starting, dropped.
        ("57", _) => (DependencyDown, "database-shutting-down"),
        ("08", _) => (DependencyDown, "database-unreachable"),
        ("28" | "3D", _) | (_, "42501") => (DependencyDown, "database-refuses"),
        // Connections, memory, lock table or disk: full, or failing, for everybody.
        ("53" | "58", _) => (DependencyDown, "database-exhausted"),
        (_, "XX001" | "XX002") => (DependencyDown, "database-damaged"),
        // Only whoever creates a database hears this, and it is there.
        (_, "42P04") => (Permanent, "database-exists"),
        // Our statements are constants, checked against the migrations: if one does not fit, the
        // database has another schema, which is no message's fault. A prepared one whose result
        // changed under it is a feature not supported (0A).
        ("42" | "0A" | "3F", _) => (DependencyDown, "schema-mismatch"),
        ("23", _) => (Permanent, "constraint-violated"),
        ("22", _) => (Permanent, "invalid-data"),
        _ => (Permanent, "database-error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sqlstate_of_the_list_has_its_class() {
        let cases = [
            ("40001", Class::Transient, "serialization-failure"),
            ("40P01", Class::Transient, "deadlock"),
            ("55P03", Class::Slow, "lock-timeout"),
            ("55006", Class::Transient, "object-in-use"),
            ("57014", Class::Slow, "statement-timeout"),
            ("57P01", Class::DependencyDown, "database-shutting-down"),
            ("57P02", Class::DependencyDown, "database-shutting-down"),
            ("57P03", Class::DependencyDown, "database-shutting-down"),
            ("08006", Class::DependencyDown, "database-unreachable"),
            ("53300", Class::DependencyDown, "database-exhausted"),
            ("53200", Class::DependencyDown, "database-exhausted"),
            ("58030", Class::DependencyDown, "database-exhausted"),
            ("XX001", Class::DependencyDown, "database-damaged"),
            ("XX002", Class::DependencyDown, "database-damaged"),
            ("25006", Class::DependencyDown, "database-read-only"),
            ("25P02", Class::DependencyDown, "connection-spoilt"),
            ("25P03", Class::DependencyDown, "connection-spoilt"),
            ("26000", Class::DependencyDown, "connection-spoilt"),
            ("42P05", Class::DependencyDown, "connection-spoilt"),
            ("0A000", Class::DependencyDown, "schema-mismatch"),
            ("3F000", Class::DependencyDown, "schema-mismatch"),
            ("42P01", Class::DependencyDown, "schema-mismatch"),
            ("42P07", Class::DependencyDown, "schema-mismatch"),
            ("28P01", Class::DependencyDown, "database-refuses"),
            ("3D000", Class::DependencyDown, "database-refuses"),
            ("42501", Class::DependencyDown, "database-refuses"),
            ("42P04", Class::Permanent, "database-exists"),
            ("23505", Class::Permanent, "constraint-violated"),
            ("23514", Class::Permanent, "constraint-violated"),
            ("22003", Class::Permanent, "invalid-data"),
            ("54000", Class::Permanent, "database-error"),
            ("P0001", Class::Permanent, "database-error"),
            ("XX000", Class::Permanent, "database-error"),
            ("", Class::Permanent, "database-error"),
        ];
        for (state, class, code) in cases {
            assert_eq!(verdict_of_sqlstate(state), (class, code), "{state}");
        }
    }

    #[test]
    fn what_is_no_connection_and_no_server_is_permanent() {
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let down = Error::Statement { step: "read", source: sqlx::Error::Io(io) };
        assert_eq!((down.class(), down.code()), (Class::DependencyDown, "database-unreachable"));
        let type_name = "order_status".to_owned();
        let behind = sqlx::Error::TypeNotFound { type_name };
        let behind = Error::Statement { step: "read", source: behind };
        assert_eq!((behind.class(), behind.code()), (Class::DependencyDown, "schema-mismatch"));
        let odd = Error::Statement { step: "read", source: sqlx::Error::RowNotFound };
        assert_eq!((odd.class(), odd.code()), (Class::Permanent, "database-error"));
    }
}
