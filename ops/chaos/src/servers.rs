//! The private broker and database of the suite: started, killed and started again.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::process::Command;

use crate::fault::Part;

/// The name of the suite's services.
const NAME: &str = "chaos";
/// The variable that every private server carries in its environment, with whose it is.
const MARK: &str = "ORDERFLOW_PRIVATE_INSTANCE";

/// One of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// RabbitMQ.
    Broker,
    /// Postgres.
    Database,
}

impl Server {
    /// What has to recover when it fails.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Broker => Part::Broker,
            Self::Database => Part::Database,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Broker => "rabbitmq",
            Self::Database => "postgres",
        }
    }

    /// What asks it to stop at once and in order.
    fn stop_signal(self) -> Signal {
        match self {
            Self::Broker => Signal::TERM,
            Self::Database => Signal::INT,
        }
    }
}

/// Where both are, with user and password.
#[derive(Clone, Deserialize)]
pub(crate) struct Addresses {
    /// RabbitMQ over AMQP.
    #[serde(rename = "amqp_url")]
    pub(crate) amqp: String,
    /// Its management interface.
    #[serde(rename = "management_url")]
    pub(crate) management: String,
    /// Postgres.
    #[serde(rename = "database_url")]
    pub(crate) database: String,
}

/// The suite's servers, started by `cargo xtask services --name chaos`.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    xtask: PathBuf,
    folder: PathBuf,
}

impl Servers {
    /// Services below this checkout's `.local`.
    pub(crate) fn new(xtask: PathBuf, local: &std::path::Path) -> Self {
        Self { xtask, folder: local.join(NAME) }
    }

    /// Leaves both running and answering.
    ///
    /// # Errors
    /// When one does not start; with what was said about it.
    pub(crate) async fn up(&self) -> Result<Addresses> {
        let said = self.task(&["up", "--output", "json"]).await?;
        serde_json::from_str(&said).context("failed to read where the services are")
    }

    /// Stops both in order.
    ///
    /// # Errors
    /// When one does not stop.
    pub(crate) async fn down(&self) -> Result<()> {
        self.task(&["down"]).await.map(drop)
    }

    /// Lets the broker run short of memory, or have enough again.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub(crate) async fn limit_memory(&self, enough: bool) -> Result<()> {
        let share = if enough { "0.4" } else { "0.000001" };
        self.task(&["rabbitmqctl", "set_vm_memory_high_watermark", share]).await.map(drop)
    }

    /// Kills a server.
    ///
    /// # Errors
    /// When it is not known which process it is.
    pub(crate) async fn kill(&self, server: Server) -> Result<()> {
        self.signal(server, Signal::KILL).await
    }

    /// Asks a server to stop.
    ///
    /// # Errors
    /// When it is not known which process it is.
    pub(crate) async fn stop(&self, server: Server) -> Result<()> {
        self.signal(server, server.stop_signal()).await
    }

    async fn signal(&self, server: Server, signal: Signal) -> Result<()> {
        let path = self.folder.join("services.json");
        let text = tokio::fs::read(&path).await.context("failed to read what runs")?;
        let state: serde_json::Value = serde_json::from_slice(&text)?;
        let name = server.name();
        let Some(pid) = state[name]["processes"][name]["pid"].as_i64() else {
            bail!("{name} was not started from an installed binary: it cannot be killed");
        };
        // The number may be somebody else's by now: only a server of ours carries the mark.
        let environment = tokio::fs::read(format!("/proc/{pid}/environ")).await.unwrap_or_default();
        let own = format!("{MARK}={}#{name}", self.folder.display());
        let marked = environment.split(|byte| *byte == 0).any(|it| it == own.as_bytes());
        ensure!(marked, "{name} does not run: {pid} is not its process");
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("no pid")?;
        kill_process(pid, signal).with_context(|| format!("failed to signal {name}"))
    }

    async fn task(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.xtask)
            .args(["services", "--name", NAME])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .await
            .context("failed to start xtask")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "services {}: {}", arguments.join(" "), said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
