//! Installing the servers as Debian packages, without starting or configuring any of them.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use super::binaries::on_path;
use super::local_dir::{LocalDir, tail};
use super::process::output;
use super::server::Server;
use crate::terminal::{Step, say};

/// Debian asks this script before it starts a service, and 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const POLICY_TEXT: &str = "#!/bin/sh\nexit 101\n";

/// Read when the package of PostgreSQL is set up: no cluster on port 5432.
const CLUSTER: &str = "/etc/postgresql-common/createcluster.d/orderflow.conf";
const CLUSTER_TEXT: &str = "create_main_cluster = false\n";

/// Exists where systemd starts the services.
const SYSTEMD_RUNS: &str = "/run/systemd/system";

/// How this person may change the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// As root.
    Root,
    /// By `sudo`, without being asked for a password.
    Sudo,
}

impl Rights {
    /// The rights to install Debian packages here, if there are any.
    pub(super) fn to_install() -> Option<Self> {
        on_path("apt-get")?;
        if geteuid().is_root() {
            return Some(Self::Root);
        }
        on_path("sudo")?;
        output(Command::new("sudo").args(["-n", "true"])).ok().map(|_| Self::Sudo)
    }

    fn command(self, program: &str) -> Command {
        match self {
            Self::Root => Command::new(program),
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.args(["-n", "--", program]);
                command
            }
        }
    }
}

/// Installs the packages of these servers.
pub(super) fn install(dir: &LocalDir, rights: Rights, servers: &[Server]) -> Result<()> {
    let packages: Vec<&str> = servers.iter().map(|server| server.package()).collect();
    install_packages(dir, rights, &packages)?;
    keep_stopped(rights, servers)?;
    if let Some(server) = servers.iter().find(|server| !server.is_installed()) {
        bail!("the package {} did not bring what was expected", server.package());
    }
    Ok(())
}

/// Installs packages; what is a service in them is not started.
pub(super) fn install_packages(dir: &LocalDir, rights: Rights, packages: &[&str]) -> Result<()> {
    let log = dir.logs().join("install.log");
    let step = Step::begin(format!("Installing the Debian packages {}", packages.join(" and ")));
    let _policy = Placed::put(rights, POLICY, POLICY_TEXT, "755")?;
    let _cluster = Placed::put(rights, CLUSTER, CLUSTER_TEXT, "644")?;
    // The package lists of a fresh machine are missing or old, which shows in the first try.
    if apt_get(rights, &log, &install_arguments(packages)).is_err() {
        apt_get(rights, &log, &["update"])?;
        apt_get(rights, &log, &install_arguments(packages))?;
    }
    step.done("done");
    Ok(())
}

/// Keeps the system's own RabbitMQ from starting with the next boot.
fn keep_stopped(rights: Rights, servers: &[Server]) -> Result<()> {
    if servers.contains(&Server::RabbitMq) && Path::new(SYSTEMD_RUNS).exists() {
        let mut disable = rights.command("systemctl");
        output(disable.args(["disable", "--quiet", Server::RabbitMq.package()]))?;
    }
    Ok(())
}

fn install_arguments<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    arguments
}

fn apt_get(rights: Rights, log: &Path, arguments: &[&str]) -> Result<()> {
    let file = fs::File::options().create(true).append(true).open(log);
    let file = file.with_context(|| format!("failed to open {}", log.display()))?;
    let status = rights
        .command("env")
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file.try_clone().context("failed to share the log")?)
        .stderr(file)
        // Ctrl-C must not leave a package half set up.
        .process_group(0)
        .status()
        .context("failed to start apt-get")?;
    if status.success() {
        return Ok(());
    }
    bail!("apt-get {} failed; {} ends with:\n{}", arguments[0], log.display(), tail(log, 8))
}

/// A file of the system put in place for a while, and taken away again.
struct Placed {
    rights: Rights,
    path: &'static str,
}

impl Placed {
    /// Puts the file there, unless the system has one of its own.
    fn put(rights: Rights, path: &'static str, text: &str, mode: &str) -> Result<Option<Self>> {
        if Path::new(path).exists() {
            return Ok(None);
        }
        let draft = tempfile::NamedTempFile::new().context("failed to make a temporary file")?;
        fs::write(draft.path(), text).context("failed to write a temporary file")?;
        let mut install = rights.command("install");
        install.args(["-D", "-m", mode]).arg(draft.path()).arg(path);
        output(&mut install).with_context(|| format!("failed to write {path}"))?;
        Ok(Some(Self { rights, path }))
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        let remove =
            format!("rm -f {0} && rmdir --ignore-fail-on-non-empty $(dirname {0})", self.path);
        if let Err(error) = output(self.rights.command("sh").args(["-c", &remove])) {
            say(&format!("{} stays behind, remove it: {error:#}", self.path));
        }
    }
}
