//! What the environment says: services, binaries, and a folder to write to.

use std::fmt;
use std::path::PathBuf;

use url::Url;

/// How the name of every database of the demo's own begins.
pub(crate) const DATABASE_PREFIX: &str = "orderflow_demo_";

/// Where everything is.
#[derive(Clone)]
pub struct Surroundings {
    /// RabbitMQ, with user and password.
    pub amqp_url: Url,
    /// A database of the Postgres to make the demo's own on, with user and password.
    pub database_url: Url,
    /// RabbitMQ's management interface, with user and password.
    pub management_url: Url,
    /// The folder of the worker binaries.
    pub bin_dir: PathBuf,
    /// The demo's own folder: logs, and the record of what runs.
    pub folder: PathBuf,
}

/// Variables that are missing or cannot be used, with why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(Vec<String>);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the demo is started by `cargo xtask demo`, which sets these:")?;
        for problem in &self.0 {
            writeln!(f, "  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Unusable {}

impl Surroundings {
    /// Reads every variable and names all problems at once; none of them shows a value.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Unusable> {
        let mut problems = Vec::new();
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut url = |name: &str, schemes: &[&str]| {
            let parsed = variable(name).map(|text| Url::parse(&text));
            match parsed {
                Some(Ok(url)) if schemes.contains(&url.scheme()) => Some(url),
                Some(_) => {
                    problems.push(format!("{name} is not an address of {}://", schemes[0]));
                    None
                }
                None => {
                    problems.push(format!("{name} is not set"));
                    None
                }
            }
        };
        let amqp_url = url("ORDERFLOW_AMQP_URL", &["amqp", "amqps"]);
        let database_url = url("ORDERFLOW_DATABASE_URL", &["postgres", "postgresql"]);
        let management_url = url("ORDERFLOW_MANAGEMENT_URL", &["http", "https"]);
        let bin_dir = variable("ORDERFLOW_BIN_DIR").map(PathBuf::from);
        if bin_dir.is_none() {
            problems.push("ORDERFLOW_BIN_DIR is not set".to_owned());
        }
        let local = variable("ORDERFLOW_LOCAL_DIR").map_or_else(|| ".local".into(), PathBuf::from);
        match (amqp_url, database_url, management_url, bin_dir) {
            (Some(amqp_url), Some(database_url), Some(management_url), Some(bin_dir)) => {
                let folder = local.join("demo");
                Ok(Self { amqp_url, database_url, management_url, bin_dir, folder })
            }
            (_, _, _, _) => Err(Unusable(problems)),
        }
    }

    /// The same Postgres, another database.
    pub fn database(&self, name: &str) -> Url {
        let mut url = self.database_url.clone();
        url.set_path(name);
        url
    }

    /// A database to make and drop the demo's own from.
    ///
    /// Whoever looks around as the demo says names its own database, which cannot drop itself.
    pub(crate) fn other_database(&self) -> Url {
        if self.database_url.path().trim_start_matches('/').starts_with(DATABASE_PREFIX) {
            self.database("postgres")
        } else {
            self.database_url.clone()
        }
    }

    /// The virtual host of the broker, as one segment of a path.
    pub fn vhost(&self) -> &str {
        match self.amqp_url.path().trim_start_matches('/') {
            "" => "%2f",
            vhost => vhost,
        }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The addresses hold passwords.
        f.debug_struct("Surroundings")
            .field("bin_dir", &self.bin_dir)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// An address as it may be shown.
pub fn without_password(url: &Url) -> String {
    let mut shown = url.clone();
    let hidden = shown.password().is_none() || shown.set_password(Some("***")).is_ok();
    if hidden { shown.into() } else { shown.host_str().unwrap_or("?").to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(name: &str) -> Option<String> {
        let value = match name {
            "ORDERFLOW_AMQP_URL" => "amqp://me:secret@mq:5672/%2f",
            "ORDERFLOW_DATABASE_URL" => "postgres://me:secret@db/orderflow",
            "ORDERFLOW_MANAGEMENT_URL" => "http://me:secret@mq:15672",
            "ORDERFLOW_BIN_DIR" => "/bin-dir",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn everything_is_read_and_no_password_is_shown() {
        let read = Surroundings::read(all).unwrap();
        assert_eq!(read.vhost(), "%2f");
        assert_eq!(read.database("mine").path(), "/mine");
        assert_eq!(read.folder, PathBuf::from(".local/demo"));
        assert!(!format!("{read:?}").contains("secret"));
        assert_eq!(without_password(&read.database_url), "postgres://me:***@db/orderflow");
    }

    #[test]
    fn no_database_of_the_demo_is_dropped_from_itself() {
        let mut read = Surroundings::read(all).unwrap();
        assert_eq!(read.other_database().path(), "/orderflow");
        read.database_url = read.database("orderflow_demo_1");
        assert_eq!(read.other_database().path(), "/postgres");
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let read = Surroundings::read(|name| {
            (name == "ORDERFLOW_AMQP_URL").then(|| "http://me:secret@mq".to_owned())
        });
        let text = read.unwrap_err().to_string();
        for name in ["AMQP_URL is not an", "DATABASE_URL is not", "MANAGEMENT_URL", "BIN_DIR"] {
            assert!(text.contains(name), "{text}");
        }
        assert!(!text.contains("secret"));
    }
}
