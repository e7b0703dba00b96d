//! Lets faults happen, and heals them.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use broker::AmqpConfig;
use fleet::{Fleet, Link, WORKERS, Weather};
use sqlx::PgConnection;
use tokio::sync::watch;

use crate::fault::{Fault, Trouble};
use crate::servers::{Addresses, Server, Servers};
use crate::sql::Outside;

/// Longest time that a worker may take to stop in order.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(30);

/// Everything that can be broken.
pub(crate) struct Scene {
    /// The workers.
    pub(crate) fleet: Fleet,
    /// The servers.
    pub(crate) servers: Servers,
    /// Workers reach the broker by it.
    pub(crate) broker_line: Link,
    /// Workers reach the database by it.
    pub(crate) database_line: Link,
    /// The database, not by the line.
    pub(crate) outside: Outside,
    /// Where the shop reaches the broker.
    pub(crate) shop: watch::Sender<AmqpConfig>,
    /// Connections that are taken from the workers.
    pub(crate) taken: Vec<PgConnection>,
}

impl Scene {
    /// Lets a fault happen; returns what was wrong beyond it.
    ///
    /// # Errors
    /// When it cannot be brought about.
    pub(crate) async fn begin(&mut self, fault: Fault) -> Result<Vec<String>> {
        match fault {
            Fault::Kill(worker) => self.kill(worker).await?,
            Fault::Stop(worker) => return self.stop(worker).await,
            Fault::Freeze(worker) => {
                let member = self.fleet.member(worker).context("the worker runs")?;
                member.pause();
            }
            Fault::KillAll => {
                for worker in WORKERS {
                    self.kill(worker).await?;
                }
            }
            Fault::Roll => return self.roll().await,
            Fault::Crash(server) => self.servers.kill(server).await?,
            Fault::Restart(server) => self.servers.stop(server).await?,
            Fault::Line(server, trouble) => self.trouble(server, trouble),
            Fault::MemoryAlarm => self.servers.limit_memory(false).await?,
            Fault::EndSessions => self.outside.end_sessions().await?,
            Fault::ReadOnly => self.outside.read_only(true).await?,
            Fault::NoConnections => self.taken = self.outside.take_connections().await?,
        }
        Ok(Vec::new())
    }

    /// Ends a fault.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub(crate) async fn end(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Kill(worker) | Fault::Stop(worker) => {
                self.fleet.spawn(worker)?;
            }
            Fault::Freeze(worker) => {
                self.fleet.member(worker).context("the worker is there")?.resume();
            }
            Fault::KillAll => {
                for worker in WORKERS {
                    self.fleet.spawn(worker)?;
                }
            }
            Fault::Crash(_) | Fault::Restart(_) => {
                let addresses = self.servers.up().await?;
                self.lead_to(&addresses)?;
            }
            Fault::Line(Server::Broker, _) => self.broker_line.set(Weather::Clear),
            Fault::Line(Server::Database, _) => self.database_line.set(Weather::Clear),
            Fault::MemoryAlarm => self.servers.limit_memory(true).await?,
            Fault::ReadOnly => self.outside.read_only(false).await?,
            Fault::NoConnections => self.taken.clear(),
            Fault::EndSessions | Fault::Roll => {}
        }
        Ok(())
    }

    async fn kill(&mut self, worker: &str) -> Result<()> {
        let mut member = self.fleet.take(worker).context("the worker runs")?;
        member.kill();
        member.wait_after_kill().await
    }

    async fn stop(&mut self, worker: &str) -> Result<Vec<String>> {
        let mut member = self.fleet.take(worker).context("the worker runs")?;
        member.terminate();
        let stopped = member.wait_until_gone(STOP_WITHIN).await;
        Ok(stopped.err().map(|error| format!("{error:#}")).into_iter().collect())
    }

    async fn roll(&mut self) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for worker in WORKERS {
            wrong.extend(self.stop(worker).await?);
            let member = self.fleet.spawn(worker)?;
            if let Err(error) = member.wait_until_ready(STOP_WITHIN).await {
                wrong.push(format!("{error:#}"));
            }
        }
        Ok(wrong)
    }

    fn trouble(&self, server: Server, trouble: Trouble) {
        let line = match server {
            Server::Broker => &self.broker_line,
            Server::Database => &self.database_line,
        };
        match trouble {
            Trouble::Cut => line.set(Weather::Cut),
            Trouble::Silent => line.set(Weather::Silent),
            Trouble::Late(by) => line.set(Weather::Late(by)),
            Trouble::Narrow(rate) => line.set(Weather::Narrow(rate)),
            Trouble::Reset => line.reset(),
            Trouble::Stranded => line.strand(),
        }
    }

    /// Follows servers that came back elsewhere.
    fn lead_to(&self, addresses: &Addresses) -> Result<()> {
        self.broker_line.lead_to(socket(&addresses.amqp)?);
        self.database_line.lead_to(socket(&addresses.database)?);
        self.shop.send_replace(amqp(&addresses.amqp)?);
        Ok(())
    }
}

/// Host and port of a URL.
pub(crate) fn socket(url: &str) -> Result<SocketAddr> {
    let url = url::Url::parse(url).context("an address is no URL")?;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or_default());
    format!("{host}:{port}").parse().context("a private server has an IP address and a port")
}

/// How the shop reaches the broker.
pub(crate) fn amqp(url: &str) -> Result<AmqpConfig> {
    Ok(AmqpConfig {
        urls: vec![url.parse()?],
        connection_name: "orderflow/chaos".to_owned(),
        heartbeat: Duration::from_secs(10),
        operation_timeout: Duration::from_secs(10),
    })
}
