//! What runs for a checkout, for people and for scripts.

use std::fmt;

use serde::Serialize;
use url::Url;

use super::addresses::{Addresses, answers_amqp, answers_postgres, without_password};
use super::server::Server;
use super::state::{Instance, State};

/// Whether a service can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// It runs and answers.
    Running,
    /// It should run, but does not answer.
    NotAnswering,
    /// Nothing was started, or it was stopped.
    Stopped,
}

/// One service.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceReport {
    /// Its name.
    pub name: &'static str,
    /// Whether it can be used.
    pub health: Health,
    /// Who provides it: `installed`, `compose`, or `environment` for one that was named there.
    pub provider: Option<&'static str>,
    /// Where it is reached, without a password.
    pub address: Option<String>,
    /// The processes of an installed one.
    pub pids: Vec<u32>,
    /// Where the data of an installed one rests.
    pub data_dir: Option<String>,
    /// Where an installed one writes what happens.
    pub log_file: Option<String>,
}

/// Both services, and the addresses that tests and tools use.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this form.
    pub schema_version: u32,
    /// Where they are reached, with user and password.
    #[serde(flatten)]
    pub addresses: Addresses,
    /// Both services.
    pub services: Vec<ServiceReport>,
}

impl Report {
    pub(super) fn of(given: Addresses, state: &State) -> Self {
        let own_postgres = state.postgres.as_ref().filter(|_| given.database.is_none());
        let own_rabbitmq = state.rabbitmq.as_ref().filter(|_| given.amqp.is_none());
        let addresses = given.or(&state.addresses);
        let services = vec![
            service(Server::Postgres, addresses.database.as_deref(), own_postgres),
            service(Server::RabbitMq, addresses.amqp.as_deref(), own_rabbitmq),
        ];
        Self { schema_version: 1, addresses, services }
    }

    /// Postgres, and each node of a broker beside the usual one.
    pub(super) fn of_nodes(given: Addresses, state: &State, nodes: &[State]) -> Self {
        let own_postgres = state.postgres.as_ref().filter(|_| given.database.is_none());
        let addresses = given.or(&state.addresses);
        let postgres = service(Server::Postgres, addresses.database.as_deref(), own_postgres);
        let node = |node: &State| {
            let url = node.addresses.amqp.as_deref();
            service(Server::RabbitMq, url, node.rabbitmq.as_ref())
        };
        let services = [postgres].into_iter().chain(nodes.iter().map(node)).collect();
        Self { schema_version: 1, addresses, services }
    }

    /// Whether both services can be used.
    pub fn is_running(&self) -> bool {
        self.services.iter().all(|service| service.health == Health::Running)
    }

    /// The addresses as lines that a shell takes.
    pub fn exports(&self) -> String {
        let variables = self.addresses.variables();
        let lines =
            variables.map(|(name, url)| format!("export {name}='{}'", url.replace('\'', "%27")));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn service(server: Server, url: Option<&str>, instance: Option<&Instance>) -> ServiceReport {
    let url = url.and_then(|url| Url::parse(url).ok());
    let mut report = ServiceReport {
        name: server.name(),
        health: url.as_ref().map_or(Health::Stopped, |url| health(server, url)),
        provider: url.as_ref().map(|_| "environment"),
        address: url.as_ref().map(without_password),
        pids: Vec::new(),
        data_dir: None,
        log_file: None,
    };
    match instance {
        Some(Instance::Installed { data_dir, log_file, processes }) => {
            report.provider = Some("installed");
            report.data_dir = Some(data_dir.display().to_string());
            report.log_file = Some(log_file.display().to_string());
            let alive = processes.values().filter(|process| process.is_alive());
            report.pids = alive.map(|process| process.pid).collect();
            if report.pids.len() < processes.len() {
                report.health = Health::NotAnswering;
            }
        }
        Some(Instance::Compose { .. }) => report.provider = Some("compose"),
        None => {}
    }
    report
}

fn health(server: Server, url: &Url) -> Health {
    let answers = match server {
        Server::Postgres => answers_postgres(url),
        Server::RabbitMq => answers_amqp(url),
    };
    if answers { Health::Running } else { Health::NotAnswering }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::NotAnswering => "not answering",
            Self::Stopped => "stopped",
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for service in &self.services {
            let address = service.address.as_deref().unwrap_or("-");
            writeln!(f, "{:<10}{:<15}{address}", service.name, service.health)?;
            let mut detail = |name: &str, value: Option<&str>| match value {
                Some(value) => writeln!(f, "{:<10}{name:<15}{value}", ""),
                None => Ok(()),
            };
            let pids: Vec<_> = service.pids.iter().map(u32::to_string).collect();
            detail("provided by", service.provider)?;
            detail("processes", Some(pids.join(" ")).as_deref().filter(|pids| !pids.is_empty()))?;
            detail("data", service.data_dir.as_deref())?;
            detail("log", service.log_file.as_deref())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_where_nothing_was_started_is_stopped() {
        let report = Report::of(Addresses::default(), &State::default());
        assert!(!report.is_running());
        assert!(report.services.iter().all(|service| service.health == Health::Stopped));
        assert_eq!(report.exports(), "");
    }

    #[test]
    fn people_are_not_shown_the_password_and_scripts_are() {
        let url = "postgres://me:secret@127.0.0.1:1/orders".to_owned();
        let given = Addresses { database: Some(url.clone()), ..Addresses::default() };
        let report = Report::of(given, &State::default());
        assert_eq!(report.services[0].health, Health::NotAnswering);
        assert!(!report.to_string().contains("secret"));
        assert_eq!(report.exports(), format!("export ORDERFLOW_DATABASE_URL='{url}'"));
    }
}
