//! Where the services of a task are reached.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use url::Url;

use super::probe;
use crate::Failure;

/// The variable that names a RabbitMQ to use.
pub(super) const AMQP_URL: &str = "ORDERFLOW_AMQP_URL";
/// The variable that names a Postgres to use.
pub(super) const DATABASE_URL: &str = "ORDERFLOW_DATABASE_URL";
/// The variable that names the management interface of that RabbitMQ.
const MANAGEMENT_URL: &str = "ORDERFLOW_MANAGEMENT_URL";

/// The addresses of services, with user and password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// RabbitMQ over AMQP 0-9-1.
    #[serde(rename = "amqp_url")]
    pub amqp: Option<String>,
    /// Postgres.
    #[serde(rename = "database_url")]
    pub database: Option<String>,
    /// RabbitMQ's management interface.
    #[serde(rename = "management_url")]
    pub management: Option<String>,
}

impl Addresses {
    /// What the environment names; an empty variable counts as not set.
    pub(super) fn given() -> Self {
        let given = |name| env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            amqp: given(AMQP_URL),
            database: given(DATABASE_URL),
            management: given(MANAGEMENT_URL),
        }
    }

    /// These where they are known, else the private services.
    #[must_use]
    pub(super) fn or(self, private: &Self) -> Self {
        // The interface of the private broker says nothing of another one.
        let management = if self.amqp.is_some() { None } else { private.management.clone() };
        Self {
            amqp: self.amqp.or_else(|| private.amqp.clone()),
            database: self.database.or_else(|| private.database.clone()),
            management: self.management.or(management),
        }
    }

    /// The known ones with the names of their variables.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [(AMQP_URL, &self.amqp), (DATABASE_URL, &self.database), (MANAGEMENT_URL, &self.management)]
            .into_iter()
            .filter_map(|(name, url)| Some((name, url.as_deref()?)))
    }

    /// Hands the addresses to a program.
    pub fn export(&self, command: &mut Command) {
        command.envs(self.variables());
    }

    /// Fails unless the services named here answer.
    pub(super) fn check(&self) -> Result<()> {
        for url in self.amqp.iter().flat_map(|urls| urls.split(',')) {
            check(AMQP_URL, url.trim(), answers_amqp)?;
        }
        if let Some(url) = &self.database {
            check(DATABASE_URL, url, answers_postgres)?;
        }
        Ok(())
    }
}

/// Whether a broker answers at this address.
pub(super) fn answers_amqp(url: &Url) -> bool {
    let host = host(url);
    match url.scheme() {
        "amqps" => probe::accepts(host, url.port().unwrap_or(5671)),
        _ => probe::speaks_amqp(host, url.port().unwrap_or(5672)),
    }
}

/// Whether a Postgres answers at this address.
pub(super) fn answers_postgres(url: &Url) -> bool {
    probe::speaks_postgres(host(url), url.port().unwrap_or(5432))
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("127.0.0.1").trim_matches(['[', ']'])
}

fn check(variable: &str, url: &str, answers: fn(&Url) -> bool) -> Result<()> {
    // The text is left out of the error, because it holds the password.
    let url = Url::parse(url).with_context(|| format!("{variable} is not a URL"))?;
    if answers(&url) {
        return Ok(());
    }
    Err(Failure::Unavailable(format!(
        "{variable} names {}, where no such server answers; \
         start it, or unset {variable} to get a private one",
        without_password(&url)
    ))
    .into())
}

/// An address as it may be shown.
pub(super) fn without_password(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() && shown.set_password(Some("***")).is_err() {
        return host(url).to_owned();
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_service_that_does_not_answer_is_named_with_its_variable_but_not_its_password() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let database = Some(format!("postgres://me:secret@127.0.0.1:{port}/orders"));
        let given = Addresses { database, ..Addresses::default() };
        let error = given.check().unwrap_err().to_string();
        assert!(error.contains(DATABASE_URL) && error.contains(&port.to_string()), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_given_broker_is_not_mixed_with_the_private_management_interface() {
        let private = Addresses {
            amqp: Some("amqp://private".to_owned()),
            database: Some("postgres://private".to_owned()),
            management: Some("http://private".to_owned()),
        };
        assert_eq!(Addresses::default().or(&private), private);
        let given = Addresses { amqp: Some("amqp://given".to_owned()), ..Addresses::default() };
        let used = given.or(&private);
        assert_eq!(used.database, private.database);
        assert_eq!(used.management, None);
    }
}
