//! The private Postgres of a checkout, run from the installed binaries.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Signal, geteuid};

use super::account::Account;
use super::binaries::PostgresBinaries;
use super::compose;
use super::local_dir::{LocalDir, Password, make_folder, password, remove_folder, tail};
use super::ports::{Finder, is_free};
use super::probe;
use super::process::{self, Identity, Launch, wait_until};
use super::psql::Psql;
use super::server::Server;
use super::start::{Progress, watch};
use super::state::{Instance, State};
use super::{DATABASE, USER};
use crate::terminal::{self, Step};

/// The server's program, and the name of its process in the state file.
const PROCESS: &str = "postgres";

/// A start may have to replay the write-ahead log of a crash first.
const START_PATIENCE: Duration = Duration::from_mins(2);

/// A server that runs already answers at once, or is just starting.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);

/// Fast shutdown, then immediate shutdown, then force.
const STOP: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(30)),
    (Signal::QUIT, Duration::from_secs(10)),
    (Signal::KILL, Duration::from_secs(5)),
];

/// The children of a killed server notice within a moment.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(5);

/// Tries to start: a port may be lost to somebody else.
const START_ATTEMPTS: u32 = 10;
/// Wait before another try where a killed server's memory is not free yet.
const HAUNTED_PAUSE: Duration = Duration::from_millis(300);

/// The private Postgres of one checkout, running or not.
pub(super) struct Postgres<'a> {
    dir: &'a LocalDir,
    binaries: PostgresBinaries,
    account: Account,
    folder: PathBuf,
    password: Password,
}

impl<'a> Postgres<'a> {
    /// Makes ready what a start needs.
    pub(super) fn prepare(dir: &'a LocalDir) -> Result<Self> {
        let inside = dir.path("postgres");
        let account = Account::unprivileged(&inside)?;
        let folder = writable_folder(dir, inside, account)?;
        let made_by = fs::read_to_string(folder.join("data/PG_VERSION")).ok();
        let binaries = PostgresBinaries::find(made_by.as_deref().map(str::trim))
            .context("failed to find the binaries of PostgreSQL")?;
        let password = password(&dir.password_file(Server::Postgres))?;
        Ok(Self { dir, binaries, account, folder, password })
    }

    /// Leaves the server running and answering, whatever state it was in.
    pub(super) fn ensure(&self, state: &mut State) -> Result<()> {
        if self.password.is_new || !self.answers(state) {
            stop(self.dir, state)?;
            self.unlock()?;
            self.initialise()?;
            let step = Step::begin("Starting Postgres");
            let port = self.start(state)?;
            step.done(&format!("ready on 127.0.0.1:{port}"));
        }
        self.create_database(state)
    }

    /// The program to run statements with.
    fn psql(&self, port: u16, database: &str) -> Result<Psql> {
        Psql::new(self.binaries.program("psql"), &url(port, &self.password.text, database))
    }

    fn answers(&self, state: &State) -> bool {
        let (Some(process), Some(port)) = (server_process(state), state.ports.postgres) else {
            return false;
        };
        let answers = || self.is_ready(port);
        process.is_alive()
            && wait_until(ANSWER_PATIENCE, || !process.is_alive() || answers())
            && process.is_alive()
    }

    fn is_ready(&self, port: u16) -> bool {
        probe::speaks_postgres("127.0.0.1", port)
            && self.psql(port, "postgres").is_ok_and(|psql| psql.query("SELECT 1").is_ok())
    }

    /// Ends whatever still works on the data, then takes the lock off it.
    ///
    /// Postgres refuses a lock whose process number is in use, be it by a zombie or by a stranger.
    /// What really endangers the data is a second server, or a child of a killed one: all of them
    /// have the data directory as their working folder.
    fn unlock(&self) -> Result<()> {
        let data = self.data();
        let orphans = || process::working_in(&data, PROCESS);
        wait_until(ORPHAN_PATIENCE, || orphans().is_empty());
        for process in orphans() {
            process::stop(&process, &STOP)?;
        }
        match fs::remove_file(data.join("postmaster.pid")) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).context("failed to remove the lock of a Postgres that crashed")
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Makes the data directory; a finished one that is there stays, and learns a new password.
    fn initialise(&self) -> Result<()> {
        if self.data().join("global/pg_control").is_file() {
            return if self.password.is_new { self.reset_password() } else { Ok(()) };
        }
        let step = Step::begin("Initialising Postgres");
        if self.data().exists() {
            terminal::say("An unfinished data directory is there, it is made anew");
        }
        // Made under another name and renamed when finished, so that an interrupted run is seen.
        let draft = self.folder.join("data.unfinished");
        remove_folder(&self.data())?;
        remove_folder(&draft)?;
        let pwfile = self.folder.join("initdb.password");
        super::state::write_private(&pwfile, self.password.text.as_bytes())?;
        self.account.give(&pwfile)?;
        let mut initdb = self.account.command(self.binaries.program("initdb"));
        initdb.arg("--pgdata").arg(&draft).arg("--pwfile").arg(&pwfile).args([
            "--username",
            USER,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ]);
        let outcome = process::output(&mut initdb);
        fs::remove_file(&pwfile).context("failed to remove the password file of initdb")?;
        outcome?;
        fs::rename(&draft, self.data()).context("failed to finish the data directory")?;
        step.done("done");
        Ok(())
    }

    /// Gives data whose password is lost the new one.
    fn reset_password(&self) -> Result<()> {
        let data = self.data();
        let statement = format!("ALTER ROLE {USER} PASSWORD '{}'\n", self.password.text);
        let mut single = self.account.command(self.binaries.program(PROCESS));
        single.args(["--single", "-D"]).arg(&data).arg("postgres");
        process::feed(&mut single, &statement).context("failed to reset the lost password")
    }

    fn start(&self, state: &mut State) -> Result<u16> {
        let mut finder = Finder::new(self.dir.checkout(), &state.ports);
        for _ in 0..START_ATTEMPTS {
            let port = finder.keep_or_replace(&mut state.ports.postgres)?;
            match self.attempt(port, state)? {
                Progress::Ready => return Ok(port),
                Progress::Ended if !is_free(port) => {}
                // Only another start tells whether it is free by now.
                Progress::Ended if self.is_haunted() => std::thread::sleep(HAUNTED_PAUSE),
                Progress::Ended | Progress::TimedOut => break,
            }
        }
        let log = self.log();
        bail!("Postgres did not start; {} ends with:\n{}", log.display(), tail(&log, 12))
    }

    /// Whether the last start met the memory of a killed server whose last process is just ending.
    fn is_haunted(&self) -> bool {
        tail(&self.log(), 3).contains("pre-existing shared memory block")
    }

    fn attempt(&self, port: u16, state: &mut State) -> Result<Progress> {
        self.configure(port)?;
        let launch = Launch {
            program: &self.binaries.program(PROCESS),
            account: self.account,
            mark: &self.dir.mark(Server::Postgres),
            log: &self.log(),
        };
        let data = self.data();
        let (child, identity) = launch.spawn(&["-D".as_ref(), data.as_os_str()], &[])?;
        state.postgres = Some(Instance::Installed {
            data_dir: data,
            log_file: self.log(),
            processes: BTreeMap::from([(PROCESS.to_owned(), identity)]),
        });
        state.addresses.database = Some(url(port, &self.password.text, DATABASE));
        // Recorded before it is ready, so that an interrupted task leaves nothing unknown behind.
        state.save(&self.dir.state_file())?;
        watch(child, START_PATIENCE, || self.is_ready(port))
    }

    /// Writes the shipped configuration with this checkout's own settings after it.
    fn configure(&self, port: u16) -> Result<()> {
        let shipped = self.dir.checkout().path("ops/postgres/postgresql.conf");
        let shipped = fs::read_to_string(&shipped)
            .with_context(|| format!("failed to read {}", shipped.display()))?;
        let file = self.data().join("postgresql.conf");
        let text = format!(
            "{shipped}\n# Set by `cargo xtask services up` for this checkout.\n\
             listen_addresses = '127.0.0.1'\nport = {port}\n\
             unix_socket_directories = ''\ncluster_name = 'orderflow'\n"
        );
        fs::write(&file, text).with_context(|| format!("failed to write {}", file.display()))?;
        self.account.give(&file)
    }

    fn create_database(&self, state: &State) -> Result<()> {
        let port = state.ports.postgres.context("a started Postgres has a port")?;
        let psql = self.psql(port, "postgres")?;
        let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'");
        if psql.query(&exists)?.is_empty() {
            psql.query(&format!("CREATE DATABASE {DATABASE}"))?;
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.dir.logs().join("postgres.log")
    }
}

/// Stops every process of the private Postgres, recorded or only marked.
pub(super) fn stop(dir: &LocalDir, state: &mut State) -> Result<()> {
    if let Some(Instance::Compose { .. }) = &state.postgres {
        compose::stop(dir, state, Server::Postgres)?;
    }
    let recorded = server_process(state).cloned();
    for process in recorded.into_iter().chain(process::marked(&dir.mark(Server::Postgres))) {
        process::stop(&process, &STOP)?;
    }
    state.postgres = None;
    state.addresses.database = None;
    state.save(&dir.state_file())
}

/// Removes the data, for a fresh start.
pub(super) fn purge(dir: &LocalDir) -> Result<()> {
    remove_folder(&dir.path("postgres"))?;
    remove_folder(&outside(dir))
}

fn server_process(state: &State) -> Option<&Identity> {
    match state.postgres.as_ref()? {
        Instance::Installed { processes, .. } => processes.get(PROCESS),
        Instance::Compose { .. } => None,
    }
}

fn url(port: u16, password: &str, database: &str) -> String {
    format!("postgres://{USER}:{password}@127.0.0.1:{port}/{database}")
}

/// A folder for the data that `account` can write: in the checkout, else outside of it.
fn writable_folder(dir: &LocalDir, inside: PathBuf, account: Account) -> Result<PathBuf> {
    make_folder(&inside, 0o700)?;
    account.give(&inside)?;
    if account.can_write(&inside) {
        return Ok(inside);
    }
    let outside = outside(dir);
    if !outside.exists() {
        make_folder(&outside, 0o700)?;
        account.give(&outside)?;
    }
    // Anybody may make folders in /var/tmp: one that is not ours is not trusted with data.
    let found = fs::symlink_metadata(&outside)
        .with_context(|| format!("failed to look at {}", outside.display()))?;
    let ours = match account {
        Account::Caller => found.uid() == geteuid().as_raw(),
        Account::Other { uid, .. } => found.uid() == uid,
    };
    if !ours || !found.is_dir() || !account.can_write(&outside) {
        bail!("{} belongs to somebody else; remove it and try again", outside.display());
    }
    Ok(outside)
}

fn outside(dir: &LocalDir) -> PathBuf {
    let name = format!("orderflow-{}-{}", geteuid().as_raw(), dir.checkout().fingerprint());
    Path::new("/var/tmp").join(name)
}
