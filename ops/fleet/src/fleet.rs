//! Several processes together.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use crate::member::Member;

/// The key file of every process that is not given another; its key is no secret.
const KEYS: &str = "fleet dGhpcyBrZXkgZ3VhcmRzIG9ubHkgbWFkZS11cCBkYXQ=\n";

/// Every worker binary.
pub const WORKERS: [&str; 8] = [
    "order-created",
    "payment-attempted",
    "payment-timeout",
    "refund-requested",
    "dispute-opened",
    "outbox-relay",
    "timer-scheduler",
    "dead-letter-parker",
];

/// What every process of a fleet has in common.
#[derive(Clone, Debug)]
pub struct FleetSpec {
    /// Folder of the built binaries.
    pub bin_dir: PathBuf,
    /// Folder for one log file per process.
    pub log_dir: PathBuf,
    /// Environment of each process; nothing else but `PATH` is inherited.
    ///
    /// Without another `ORDERFLOW_KEY_FILE`, they share one with a well-known key.
    pub env: Vec<(String, String)>,
}

impl FleetSpec {
    /// A variable for every process.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// The key file that the processes share.
    pub fn key_file(&self) -> PathBuf {
        self.log_dir.join("keys")
    }
}

/// Written aside first: another process of the fleet may be reading it.
fn write_keys(spec: &FleetSpec) -> std::io::Result<()> {
    let (file, draft) = (spec.key_file(), spec.log_dir.join("keys.draft"));
    std::fs::write(&draft, KEYS)?;
    std::fs::rename(draft, file)
}

/// Running processes; dropping it kills them.
#[derive(Debug)]
pub struct Fleet {
    spec: FleetSpec,
    own: Vec<(&'static str, String, String)>,
    members: Vec<Member>,
    /// How many processes were ever started: each has a log of its own.
    started: usize,
}

impl Fleet {
    /// Starts these binaries and waits until each is ready.
    ///
    /// # Errors
    /// When one cannot be started, ends by itself, or is not ready in time.
    pub async fn start(
        spec: FleetSpec,
        binaries: &[&'static str],
        ready_within: Duration,
    ) -> anyhow::Result<Self> {
        let mut fleet = Self::new(spec);
        for binary in binaries {
            fleet.spawn(binary)?;
        }
        fleet.wait_until_ready(ready_within).await?;
        Ok(fleet)
    }

    /// No process yet.
    pub fn new(spec: FleetSpec) -> Self {
        Self { spec, own: Vec::new(), members: Vec::new(), started: 0 }
    }

    /// A variable for the processes of one binary, in place of the fleet's.
    pub fn set_for(&mut self, binary: &'static str, name: &str, value: impl Into<String>) {
        self.own.push((binary, name.to_owned(), value.into()));
    }

    fn spec_of(&self, binary: &str) -> FleetSpec {
        let own = self.own.iter().filter(|(whose, _, _)| *whose == binary);
        own.fold(self.spec.clone(), |spec, (_, name, value)| spec.with(name, value.as_str()))
    }

    /// Waits until every process is ready.
    ///
    /// # Errors
    /// When one ends by itself or is not ready in time.
    pub async fn wait_until_ready(&mut self, within: Duration) -> anyhow::Result<()> {
        for member in &mut self.members {
            member.wait_until_ready(within).await?;
        }
        Ok(())
    }

    /// Starts one more process, without waiting for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&mut self, binary: &'static str) -> anyhow::Result<&mut Member> {
        std::fs::create_dir_all(&self.spec.log_dir).context("failed to make the log folder")?;
        write_keys(&self.spec).context("failed to write the key file")?;
        let member = Member::spawn(binary, self.started, &self.spec_of(binary))?;
        self.started += 1;
        self.members.push(member);
        self.members.last_mut().ok_or_else(|| anyhow!("the member was just added"))
    }

    /// The first running process of this binary.
    pub fn member(&mut self, binary: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.binary() == binary)
    }

    /// Every running process.
    pub fn members(&mut self) -> &mut [Member] {
        &mut self.members
    }

    /// Takes a process out of the fleet, running as it is.
    pub fn take(&mut self, binary: &str) -> Option<Member> {
        let index = self.members.iter().position(|member| member.binary() == binary)?;
        Some(self.members.remove(index))
    }

    /// Starts anew every process that ended by itself, without waiting; returns how many.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn revive(&mut self) -> anyhow::Result<u32> {
        let mut revived = 0;
        for index in 0..self.members.len() {
            if self.members[index].casualty().is_some() {
                let binary = self.members[index].binary();
                self.members[index] = Member::spawn(binary, self.started, &self.spec_of(binary))?;
                self.started += 1;
                revived += 1;
            }
        }
        Ok(revived)
    }

    /// Names every process that ended by itself, with the last lines of its log.
    pub fn casualties(&mut self) -> Vec<String> {
        self.members.iter_mut().filter_map(Member::casualty).collect()
    }

    /// Asks every process to stop and waits; what is not gone in time is killed.
    ///
    /// # Errors
    /// Names the processes that had to be killed or did not stop in order.
    pub async fn stop(mut self, grace: Duration) -> anyhow::Result<()> {
        for member in &self.members {
            member.terminate();
        }
        let mut bad = Vec::new();
        for member in &mut self.members {
            if let Err(error) = member.wait_until_gone(grace).await {
                bad.push(format!("{error:#}"));
            }
        }
        anyhow::ensure!(bad.is_empty(), "{}", bad.join("; "));
        Ok(())
    }

    /// Leaves every process running when the fleet is dropped; returns their ids.
    pub fn leave_running(self) -> Vec<u32> {
        self.members.into_iter().filter_map(Member::leave_running).collect()
    }
}
