//! Server processes: started detached, recognised later beyond doubt, and stopped.
//!
//! A pid alone says nothing, because numbers are reused. A process is known by its pid together
//! with its start time, and every server carries a mark in its environment that names the instance
//! it belongs to, so that it is found even when the state file is lost.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::account::Account;

/// The variable that marks a server process with the instance it belongs to.
const MARK: &str = "ORDERFLOW_PRIVATE_INSTANCE";

/// How often a condition on a process is looked at.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// How large a log may be when a server starts, in bytes: nobody rotates it.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// Where the start time stands in `/proc/<pid>/stat`, counted from the field after the name.
const START_TICKS_FIELD: usize = 19;

/// One process, told apart from a later one with the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start_ticks: u64,
    /// Which boot that was.
    pub boot_id: String,
}

impl Identity {
    /// The identity of the living process `pid`.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, start_ticks: start_ticks(pid)?, boot_id: boot_id()? })
    }

    /// Whether exactly this process still runs.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let number = i32::try_from(self.pid).context("a pid fits 32 bits with sign")?;
        let Some(pid) = Pid::from_raw(number) else { bail!("0 is no pid") };
        match kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("failed to signal {}", self.pid)),
        }
    }
}

fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

fn start_ticks(pid: u32) -> Option<u64> {
    parse_start_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads the start time; `None` for a zombie, which has ended although its number is still taken.
fn parse_start_ticks(stat: &str) -> Option<u64> {
    // The name in parentheses may itself contain spaces and parentheses.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    fields.get(START_TICKS_FIELD)?.parse().ok()
}

/// How a server is started.
pub(super) struct Launch<'a> {
    /// The program.
    pub(super) program: &'a Path,
    /// Who it runs as.
    pub(super) account: Account,
    /// The instance it belongs to, see [`marked`].
    pub(super) mark: &'a str,
    /// Where its output goes.
    pub(super) log: &'a Path,
}

impl Launch<'_> {
    /// Starts the server in a process group of its own, so that Ctrl-C does not reach it.
    ///
    /// The environment is only what is given: variables such as `PGDATA` or `RABBITMQ_NODENAME`
    /// of the person's shell must not lead to another instance.
    pub(super) fn spawn(
        &self,
        arguments: &[&OsStr],
        environment: &[(&str, String)],
    ) -> Result<(Child, Identity)> {
        let log = open_log(self.log)?;
        let mut command = self.account.command(self.program);
        command
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env(MARK, self.mark)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("failed to share the log")?)
            .stderr(log)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("failed to start {}", self.program.display()))?;
        let identity = Identity::of(child.id())
            .with_context(|| format!("{} ended at once", self.program.display()))?;
        Ok((child, identity))
    }
}

/// Opens a log to write at its end, after emptying one that has grown large.
fn open_log(path: &Path) -> Result<fs::File> {
    let open = || -> std::io::Result<fs::File> {
        let log = fs::File::options().create(true).append(true).open(path)?;
        if log.metadata()?.len() > LOG_LIMIT {
            log.set_len(0)?;
        }
        Ok(log)
    };
    open().with_context(|| format!("failed to open {}", path.display()))
}

/// Every living process that carries this mark.
pub(super) fn marked(mark: &str) -> Vec<Identity> {
    let wanted = format!("{MARK}={mark}");
    living(|process| {
        fs::read(process.join("environ")).is_ok_and(|environment| {
            environment.split(|byte| *byte == 0).any(|it| it == wanted.as_bytes())
        })
    })
}

/// Every living process of this program that has this working folder.
pub(super) fn working_in(folder: &Path, program: &str) -> Vec<Identity> {
    living(|process| {
        let link = |name: &str| fs::read_link(process.join(name)).unwrap_or_default();
        link("cwd") == folder && link("exe").file_name() == Some(OsStr::new(program))
    })
}

/// The living processes that `chosen` picks by their folder in `/proc`.
fn living(chosen: impl Fn(&Path) -> bool) -> Vec<Identity> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let processes = entries.flatten().filter(|entry| chosen(&entry.path()));
    processes.filter_map(|entry| Identity::of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// Sends each signal in turn until the process has ended, waiting after each as long as it says.
pub(super) fn stop(process: &Identity, signals: &[(Signal, Duration)]) -> Result<()> {
    for (signal, patience) in signals {
        if !process.is_alive() {
            return Ok(());
        }
        process.signal(*signal)?;
        if wait_until(*patience, || !process.is_alive()) {
            return Ok(());
        }
    }
    bail!("process {} did not end", process.pid)
}

/// Polls `condition` until it holds; false when it did not within `bound`.
pub(super) fn wait_until(bound: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + bound;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// Runs a short program and returns what it printed.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {program}"))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed: {}", reason.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a short program on this input.
pub(super) fn feed(command: &mut Command, input: &str) -> Result<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to start it")?;
    let mut stdin = child.stdin.take().context("the input is piped")?;
    stdin.write_all(input.as_bytes()).context("failed to write its input")?;
    drop(stdin);
    let output = child.wait_with_output().context("failed to wait for it")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(mark: &str) -> Child {
        Command::new("sleep").arg("60").env(MARK, mark).spawn().unwrap()
    }

    #[test]
    fn start_time_is_read_behind_a_name_with_parentheses() {
        let fields: Vec<String> = (4..=30).map(|field| field.to_string()).collect();
        let stat = format!("7 (a) b) S {}", fields.join(" "));
        assert_eq!(parse_start_ticks(&stat), Some(22));
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = sleeper("zombie");
        let identity = Identity::of(child.id()).unwrap();
        assert!(identity.is_alive());
        child.kill().unwrap();
        assert!(wait_until(Duration::from_secs(5), || !identity.is_alive()));
        child.wait().unwrap();
    }

    #[test]
    fn another_process_with_the_same_number_is_not_taken_for_ours() {
        let mut child = sleeper("innocent");
        let mut earlier = Identity::of(child.id()).unwrap();
        earlier.start_ticks -= 1;
        assert!(!earlier.is_alive());
        stop(&earlier, &[(Signal::KILL, Duration::ZERO)]).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "the innocent process lives on");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_marked_process_is_found_without_any_record() {
        let mark = "/a/checkout/.local#test";
        let mut child = sleeper(mark);
        assert!(wait_until(Duration::from_secs(5), || {
            marked(mark).iter().any(|found| found.pid == child.id())
        }));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(marked(mark).is_empty());
    }

    #[test]
    fn a_process_is_found_by_its_program_and_working_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap();
        let mut child = Command::new("sleep").arg("60").current_dir(&path).spawn().unwrap();
        let found = working_in(&path, "sleep");
        assert!(working_in(&path, "postgres").is_empty(), "another program is left alone");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.iter().map(|it| it.pid).collect::<Vec<_>>(), [child.id()]);
        assert!(working_in(&path, "sleep").is_empty());
    }
}
