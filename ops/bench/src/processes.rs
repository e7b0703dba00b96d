//! Processor time and memory of processes on this machine, from `/proc`.

use std::fs;

use anyhow::{Context as _, Result};
use testkit::endpoints;
use url::Url;

/// What `/proc` counts processor time in: Linux shows 100 to programs, whatever its own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// The servers of this run, where they are processes of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Servers {
    broker: Option<u32>,
    postgres: Option<u32>,
}

impl Servers {
    /// Finds who listens at the addresses of this run.
    pub(crate) fn find() -> Self {
        let found = endpoints();
        let listener = |url: &str| listener(Url::parse(url).ok()?.port()?);
        Self { broker: listener(&found.amqp_url), postgres: listener(&found.database_url) }
    }

    /// Processor seconds of the broker so far.
    pub(crate) fn broker_cpu(&self) -> Option<f64> {
        family_cpu(self.broker?)
    }

    /// Processor seconds of Postgres so far, ended connections included.
    pub(crate) fn postgres_cpu(&self) -> Option<f64> {
        family_cpu(self.postgres?)
    }
}

/// Processor seconds of one process.
pub(crate) fn cpu(pid: u32) -> Result<f64> {
    let stat = Stat::read(pid).with_context(|| format!("process {pid} is gone"))?;
    Ok(stat.own)
}

/// The most memory that a process had, in MiB.
pub(crate) fn peak_rss_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.context("no VmHWM")? / 1_024.0)
}

/// A process with all below it, those included that have ended.
fn family_cpu(root: u32) -> Option<f64> {
    let all: Vec<Stat> = pids().filter_map(Stat::read).collect();
    let mut members = vec![root];
    let mut seconds = 0.0;
    while let Some(pid) = members.pop() {
        seconds += all.iter().find(|stat| stat.pid == pid).map(|stat| stat.own + stat.ended)?;
        members.extend(all.iter().filter(|stat| stat.parent == pid).map(|stat| stat.pid));
    }
    Some(seconds)
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Stat {
    pid: u32,
    parent: u32,
    /// Processor seconds of its own.
    own: f64,
    /// Those of its children that have ended.
    ended: f64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(pid, &line)
    }

    fn parse(pid: u32, line: &str) -> Option<Self> {
        // The name may contain anything; what follows its last bracket is numbers.
        let fields: Vec<&str> = line.rsplit_once(") ")?.1.split_whitespace().collect();
        let seconds =
            |index: usize| Some(fields.get(index)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            own: seconds(11)? + seconds(12)?,
            ended: seconds(13)? + seconds(14)?,
        })
    }
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The process that listens on a port of this machine.
fn listener(port: u16) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let socket = tables.iter().flatten().find_map(|table| listening(table, port))?;
    let socket = format!("socket:[{socket}]");
    pids().find(|pid| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.into_iter().any(|file| {
            fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == socket.as_str())
        })
    })
}

/// The socket that listens on a port, as the kernel's table has it.
fn listening(table: &str, port: u16) -> Option<&str> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let fits = fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == LISTEN;
        fields.get(9).copied().filter(|_| fits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_name() {
        let line = "42 (a b) c) S 7 0 0 0 -1 0 0 0 0 0 150 50 30 20 20 0 4 0 5 6 7";
        let expected = Stat { pid: 42, parent: 7, own: 2.0, ended: 0.5 };
        assert_eq!(Stat::parse(42, line), Some(expected));
    }

    #[test]
    fn only_a_listening_socket_counts() {
        let table = "sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode\n\
             0: 0100007F:47BE 0100007F:0001 01 0:0 0:0 0 0 0 111 1\n\
             1: 0100007F:47BE 00000000:0000 0A 0:0 0:0 0 0 0 222 1\n";
        assert_eq!(listening(table, 0x47BE), Some("222"));
        assert_eq!(listening(table, 1), None);
    }

    #[test]
    fn this_process_has_memory_and_time() {
        let own = std::process::id();
        assert!(peak_rss_mib(own).unwrap() > 0.5);
        assert!(cpu(own).unwrap() >= 0.0);
    }
}
