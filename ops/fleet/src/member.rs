//! One process.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::fleet::FleetSpec;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many lines of a log are shown of a process that failed.
const LAST_LINES: usize = 12;

/// One worker process.
#[derive(Debug)]
pub struct Member {
    binary: &'static str,
    child: Child,
    log: PathBuf,
    address: Option<SocketAddr>,
}

impl Member {
    pub(crate) fn spawn(
        binary: &'static str,
        number: usize,
        spec: &FleetSpec,
    ) -> anyhow::Result<Self> {
        let path = spec.bin_dir.join(binary);
        let log = spec.log_dir.join(format!("{number}-{binary}.log"));
        let file =
            File::create(&log).with_context(|| format!("failed to make {}", log.display()))?;
        let child = Command::new(&path)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("ORDERFLOW_LOG_FORMAT", "json")
            .env("ORDERFLOW_HTTP_LISTEN", "127.0.0.1:0")
            .env("ORDERFLOW_KEY_FILE", spec.key_file())
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("failed to start {}", path.display()))?;
        Ok(Self { binary, child, log, address: None })
    }

    /// Which binary it runs.
    pub fn binary(&self) -> &'static str {
        self.binary
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Where its log is.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until `/readyz` is green.
    ///
    /// # Errors
    /// When the process ends, or is not ready in time; with what it says about itself.
    pub async fn wait_until_ready(&mut self, within: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(casualty) = self.casualty() {
                bail!(casualty);
            }
            let page = self.page("readyz").await;
            match page {
                Ok((200, _)) => return Ok(()),
                Ok(_) | Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                Ok((_, text)) => bail!("{} is not ready in time: {}", self.binary, text.trim()),
                Err(error) => {
                    let lines = self.last_lines();
                    return Err(
                        error.context(format!("{} is not ready in time:\n{lines}", self.binary))
                    );
                }
            }
        }
    }

    /// Status and text of one of its pages: `metrics`, `livez` or `readyz`.
    ///
    /// # Errors
    /// When the process does not serve it.
    pub async fn page(&mut self, name: &str) -> anyhow::Result<(u16, String)> {
        let address = self.listens_at()?;
        let url = format!("http://{address}/{name}");
        tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .timeout_global(Some(Duration::from_secs(5)))
                .build()
                .new_agent();
            let mut response = agent.get(&url).call()?;
            let status = response.status().as_u16();
            Ok((status, response.body_mut().read_to_string()?))
        })
        .await?
    }

    /// The sum of a metric's series whose line contains each of `labels`.
    ///
    /// # Errors
    /// When the process does not serve its metrics.
    pub async fn metric(&mut self, name: &str, labels: &[&str]) -> anyhow::Result<f64> {
        let (_, page) = self.page("metrics").await?;
        let series = page.lines().filter_map(|line| line.strip_prefix(name));
        let wanted = series.filter(|rest| rest.starts_with(['{', ' ']));
        let wanted = wanted.filter(|rest| labels.iter().all(|label| rest.contains(label)));
        Ok(wanted.filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Where its pages are, as its log says.
    ///
    /// # Errors
    /// When it has not started yet, or its log cannot be read.
    pub fn listens_at(&mut self) -> anyhow::Result<SocketAddr> {
        if let Some(address) = self.address {
            return Ok(address);
        }
        let log = std::fs::read_to_string(&self.log)?;
        let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
        let address = lines
            .filter(|line: &serde_json::Value| line["message"] == "started")
            .find_map(|line| line["address"].as_str()?.parse().ok())
            .ok_or_else(|| anyhow!("{} has not started yet", self.binary))?;
        self.address = Some(address);
        Ok(address)
    }

    /// What happened to the process, if it ended by itself.
    pub fn casualty(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("{} ended by itself, {status}:\n{}", self.binary, self.last_lines()))
    }

    fn last_lines(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    /// Asks the process to stop (SIGTERM).
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks the process to read its policies again (SIGHUP).
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Ends the process at once (SIGKILL).
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Stops the process in its tracks (SIGSTOP), until [`Member::resume`].
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a paused process go on (SIGCONT).
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        // A process that is gone already has stopped, which is what was wanted.
        if let Some(Err(error)) = pid.map(|pid| kill_process(pid, signal)) {
            eprintln!("{} was gone before its signal: {error}", self.binary);
        }
    }

    /// Waits until the process is gone; kills it when that takes too long.
    ///
    /// # Errors
    /// When it had to be killed, or ended with a failure.
    pub async fn wait_until_gone(&mut self, grace: Duration) -> anyhow::Result<()> {
        match timeout(grace, self.child.wait()).await {
            Ok(status) => {
                let status = status?;
                anyhow::ensure!(status.success(), "{} ended with {status}", self.binary);
                Ok(())
            }
            Err(_late) => {
                self.child.kill().await?;
                bail!("{} did not stop within {grace:?} and was killed", self.binary)
            }
        }
    }

    /// Waits until a process that was killed is gone.
    ///
    /// # Errors
    /// When the system does not say.
    pub async fn wait_after_kill(&mut self) -> anyhow::Result<()> {
        self.child.wait().await?;
        Ok(())
    }

    pub(crate) fn leave_running(self) -> Option<u32> {
        let id = self.child.id();
        // The child's handle would kill it when dropped.
        std::mem::forget(self.child);
        id
    }
}
