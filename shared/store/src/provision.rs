//! Whole databases, made and dropped: for what needs one of its own, such as a demonstration.

use sqlx::{AssertSqlSafe, Connection};

use crate::config::DatabaseConfig;
use crate::database::open;
use crate::error::Error;

/// The name of a database: 1 to 63 lower-case letters, digits and `_`, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseName(String);

/// A text that cannot name a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to name a database: expected 1 to 63 of a-z, 0-9 and _, a letter first")]
pub struct InvalidDatabaseName;

impl DatabaseName {
    /// Accepts a name that needs no quotes anywhere.
    ///
    /// # Errors
    /// When it would.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidDatabaseName> {
        let name = name.into();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
        let fits = begins && name.len() <= 63 && name.chars().all(plain);
        if fits { Ok(Self(name)) } else { Err(InvalidDatabaseName) }
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Makes an empty database on the server that `server` names, whatever database that is.
///
/// # Errors
/// When the server is not reached, or refuses: no right to, or the name is taken.
pub async fn create_database(server: &DatabaseConfig, name: &DatabaseName) -> Result<(), Error> {
    run(server, "create a database", format!("CREATE DATABASE {} TEMPLATE template0", name.0)).await
}

/// Drops a database with everything in it, and ends whatever uses it; nothing if it is not there.
///
/// # Errors
/// When the server is not reached or refuses.
pub async fn drop_database(server: &DatabaseConfig, name: &DatabaseName) -> Result<(), Error> {
    let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", name.0);
    run(server, "drop a database", statement).await
}

/// A name has no parameter in these statements; [`DatabaseName`] holds nothing but plain ones.
async fn run(server: &DatabaseConfig, step: &'static str, statement: String) -> Result<(), Error> {
    let mut connection = open(&server.plain_options()).await?;
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
    done.map_err(Error::during(step))?;
    connection.close().await.map_err(Error::during("close the connection"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_needs_no_quotes_is_accepted() {
        assert_eq!(DatabaseName::new("orderflow_demo_1").unwrap().as_str(), "orderflow_demo_1");
        for name in ["", "1a", "_a", "Demo", "a-b", "a b", "a;b", "ä", &"a".repeat(64)] {
            assert_eq!(DatabaseName::new(name), Err(InvalidDatabaseName), "{name:?}");
        }
    }
}
