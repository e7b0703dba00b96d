//! What a run has running, written down so that a later call can stop and remove it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

/// Longest time that processes may take to stop in order.
const GRACE: Duration = Duration::from_secs(25);
/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One run of the demo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// What its queues and exchanges start with.
    pub(crate) prefix: String,
    /// Its database.
    pub(crate) database: String,
    /// Its worker processes.
    pub(crate) processes: Vec<Process>,
}

/// A process, told apart from a later one with the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The binary.
    pub(crate) binary: String,
    /// The process id.
    pub(crate) pid: u32,
    /// When it started, in ticks since the machine did.
    start_ticks: u64,
}

impl Record {
    /// The run that was recorded last, if there is one.
    ///
    /// # Errors
    /// When there is a record that cannot be read.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = path(folder);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        let record = serde_json::from_slice(&text);
        record.map(Some).with_context(|| format!("failed to read {}", path.display()))
    }

    /// Writes the record down.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = path(folder);
        let text = serde_json::to_vec_pretty(self).context("failed to write the record")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("failed to write {}", path.display()))
    }

    /// Forgets the run.
    ///
    /// # Errors
    /// When the record cannot be removed.
    pub(crate) fn forget(folder: &Path) -> Result<()> {
        let path = path(folder);
        fs::remove_file(&path).with_context(|| format!("failed to remove {}", path.display()))
    }

    /// Its processes that still run.
    pub(crate) fn running(&self) -> Vec<&Process> {
        self.processes.iter().filter(|process| process.is_running()).collect()
    }

    /// Stops its processes; what is not gone in time is killed.
    ///
    /// # Errors
    /// Names the processes that run all the same.
    pub(crate) async fn stop_processes(&self) -> Result<()> {
        for signal in [Signal::TERM, Signal::KILL] {
            for process in self.running() {
                process.signal(signal);
            }
            let deadline = Instant::now() + GRACE;
            while !self.running().is_empty() && Instant::now() < deadline {
                sleep(LOOK_EVERY).await;
            }
        }
        let left: Vec<_> = self.running().iter().map(|it| it.pid.to_string()).collect();
        anyhow::ensure!(left.is_empty(), "processes {} could not be stopped", left.join(", "));
        Ok(())
    }
}

impl Process {
    /// The process with this id, if it runs.
    pub(crate) fn of(binary: &str, pid: u32) -> Option<Self> {
        let start_ticks = start_ticks(pid)?;
        Some(Self { binary: binary.to_owned(), pid, start_ticks })
    }

    fn is_running(&self) -> bool {
        start_ticks(self.pid) == Some(self.start_ticks)
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        // A process that is gone already has stopped, which is what was wanted.
        if let Some(Err(error)) = pid.map(|pid| kill_process(pid, signal)) {
            eprintln!("{} was gone before its signal: {error}", self.binary);
        }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("run.json")
}

/// When a process started; none for one that is gone, or that only waits to be looked after.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, parentheses and spaces included.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ended = matches!(*fields.first()?, "Z" | "X");
    fields.get(19).filter(|_| !ended)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_record_is_read_back_as_it_was_written_and_forgotten() {
        let folder = std::env::temp_dir().join(format!("demo-record-{}", std::process::id()));
        assert_eq!(Record::read(&folder).unwrap(), None);
        let processes = Process::of("demo", std::process::id()).into_iter().collect();
        let (prefix, database) = ("demo1".to_owned(), "orderflow_demo_1".to_owned());
        let record = Record { prefix, database, processes };
        record.write(&folder).unwrap();
        assert_eq!(Record::read(&folder).unwrap(), Some(record.clone()));
        assert_eq!(record.running().len(), 1);
        Record::forget(&folder).unwrap();
        assert_eq!(Record::read(&folder).unwrap(), None);
        fs::remove_dir(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_recorded_process_is_stopped_and_another_one_with_its_id_is_not() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::of("sleep", child.id()).unwrap();
        let later = Process { start_ticks: process.start_ticks + 1, ..process.clone() };
        assert!(process.is_running() && !later.is_running());
        let record = |process| Record {
            prefix: String::new(),
            database: String::new(),
            processes: vec![process],
        };
        record(later).stop_processes().await.unwrap();
        assert_eq!(child.try_wait().unwrap(), None);
        record(process).stop_processes().await.unwrap();
        assert!(!child.wait().unwrap().success());
    }
}
