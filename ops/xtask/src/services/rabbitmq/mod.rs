//! The private RabbitMQ of a checkout, run from the installed binaries.

pub(super) mod cluster;
mod settings;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

pub(super) use self::settings::Seat;
use self::settings::{Listeners, Settings};
use super::USER;
use super::account::Account;
use super::binaries;
use super::compose;
use super::local_dir::{LocalDir, Password, head, make_folder, password, remove_folder};
use super::ports::{Finder, is_free};
use super::probe;
use super::process::{self, Identity, Launch, wait_until};
use super::release::Unpacked;
use super::server::Server;
use super::start::{Progress, watch};
use super::state::{Instance, State};
use crate::terminal::{Step, say};

/// The name of the broker's process in the state file.
const BROKER: &str = "rabbitmq";

/// The name of the port mapper's process in the state file.
const EPMD: &str = "epmd";

/// Erlang boots slowly on a busy machine.
const START_PATIENCE: Duration = Duration::from_mins(3);

/// A broker that runs already answers at once, or is just starting.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);

/// The port mapper is there in milliseconds.
const EPMD_PATIENCE: Duration = Duration::from_secs(5);

/// An orderly stop, which flushes queues, then force.
const STOP: [(Signal, Duration); 2] =
    [(Signal::TERM, Duration::from_secs(30)), (Signal::KILL, Duration::from_secs(5))];

/// Starts a program with enough files: a person's usual limit of 1,024 is too low for many queues.
/// Not as many as allowed, because Erlang goes through all of them for each helper it starts.
const RAISE_LIMIT: &str =
    "ulimit -n 65536 2>/dev/null || ulimit -n $(ulimit -Hn) 2>/dev/null; exec \"$0\" \"$@\"";

/// What is changed before a start.
#[derive(Clone, Copy, Debug)]
enum Remedy {
    None,
    OtherPorts,
    OtherData,
}

/// A broker that ends by itself lost a port to somebody else, or else has damaged data.
const REMEDIES: [Remedy; 3] = [Remedy::None, Remedy::OtherPorts, Remedy::OtherData];

/// How to run a broker's programs.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    server: Vec<OsString>,
    /// RabbitMQ starts a port mapper itself where there is none.
    epmd: Option<Vec<OsString>>,
}

impl Programs {
    /// Those installed on this machine.
    pub(super) fn installed() -> Result<Self> {
        let server =
            binaries::rabbitmq_server().context("failed to find the binaries of RabbitMQ")?;
        let epmd = binaries::epmd().map(|epmd| vec![epmd.into_os_string()]);
        Ok(Self { server: vec![server.into_os_string()], epmd })
    }

    /// Those of another release.
    pub(super) fn unpacked(release: &Unpacked) -> Self {
        Self { server: release.server(), epmd: Some(release.epmd()) }
    }
}

/// A private RabbitMQ node of one checkout, running or not.
pub(super) struct RabbitMq<'a> {
    dir: &'a LocalDir,
    programs: Programs,
    seat: Seat,
    folder: PathBuf,
    password: Password,
}

impl<'a> RabbitMq<'a> {
    /// Makes ready what a start of the only node needs.
    pub(super) fn prepare(dir: &'a LocalDir, programs: Programs) -> Result<Self> {
        let password = password(&dir.password_file(Server::RabbitMq))?;
        Self::prepare_in(dir, programs, Seat::alone(), password)
    }

    fn prepare_in(
        dir: &'a LocalDir,
        programs: Programs,
        seat: Seat,
        password: Password,
    ) -> Result<Self> {
        let folder = dir.path("rabbitmq");
        make_folder(&folder, 0o700)?;
        Ok(Self { dir, programs, seat, folder, password })
    }

    /// Leaves the broker running and answering, whatever state it was in.
    pub(super) fn ensure(&self, state: &mut State) -> Result<()> {
        if self.password.is_new || !self.answers(state) {
            stop(self.dir, state)?;
            let step = Step::begin(self.seat.title());
            let port = self.start(state)?;
            step.done(&format!("ready on 127.0.0.1:{port}"));
        }
        fs::write(self.completed(), "").context("failed to record the finished start")
    }

    fn answers(&self, state: &State) -> bool {
        let (Some(processes), Some(amqp), Some(management)) =
            (processes(state), state.ports.amqp, state.ports.management)
        else {
            return false;
        };
        let alive = || processes.values().all(Identity::is_alive);
        let ready = || self.is_ready(amqp, management);
        alive() && wait_until(ANSWER_PATIENCE, || !alive() || ready()) && alive()
    }

    /// Whether both listeners answer, and know our user.
    fn is_ready(&self, amqp: u16, management: u16) -> bool {
        probe::speaks_amqp("127.0.0.1", amqp)
            && probe::http_status(management, "/api/whoami", USER, &self.password.text) == Some(200)
    }

    fn start(&self, state: &mut State) -> Result<u16> {
        if !self.completed().exists() {
            // A first start that was interrupted may have made the database but not the user.
            remove_folder(&self.data())?;
        } else if self.password.is_new {
            self.set_data_aside()?;
        }
        for remedy in REMEDIES {
            match remedy {
                Remedy::None => {}
                Remedy::OtherPorts => state.ports.forget_rabbitmq(),
                Remedy::OtherData => self.set_data_aside()?,
            }
            let mut finder = Finder::new(self.dir.checkout(), &state.ports);
            let listeners = Listeners::choose(&mut finder, &mut state.ports, &self.seat)?;
            let progress = self.attempt(listeners, state)?;
            match (progress, remedy) {
                (Progress::Ready, Remedy::None | Remedy::OtherPorts) => return Ok(listeners.amqp),
                (Progress::Ready, Remedy::OtherData) => {
                    let kept = self.damaged();
                    say(&format!("RabbitMQ's data was damaged and is kept in {}", kept.display()));
                    return Ok(listeners.amqp);
                }
                (Progress::Ended, Remedy::None | Remedy::OtherPorts) => stop(self.dir, state)?,
                (Progress::Ended, Remedy::OtherData) => self.take_data_back()?,
                (Progress::TimedOut, _) => break,
            }
        }
        let log = self.console();
        bail!("RabbitMQ did not start; {} begins with:\n{}", log.display(), head(&log, 12))
    }

    fn attempt(&self, listeners: Listeners, state: &mut State) -> Result<Progress> {
        // What this start says comes first in the file, so that its cause is found.
        fs::write(self.console(), "").context("failed to empty the log of the last start")?;
        make_folder(&self.data(), 0o700)?;
        let settings = Settings {
            checkout: self.dir.checkout(),
            folder: &self.folder,
            logs: &self.dir.logs(),
            password: &self.password.text,
            listeners,
            seat: &self.seat,
        };
        settings.write()?;
        let environment = settings.environment();
        let mut processes = BTreeMap::new();
        if let Some(epmd) = self.programs.epmd.as_ref().filter(|_| self.seat.epmd.is_none()) {
            let mark = self.dir.mark(Server::RabbitMq);
            let identity = launch_epmd(epmd, listeners.epmd, &mark, &self.console(), &environment)?;
            processes.insert(EPMD.to_owned(), identity);
        }
        let mut arguments: Vec<&OsStr> = vec!["-c".as_ref(), RAISE_LIMIT.as_ref()];
        arguments.extend(self.programs.server.iter().map(OsString::as_os_str));
        let (child, identity) = self.launch("/bin/sh".as_ref(), &arguments, &environment)?;
        processes.insert(BROKER.to_owned(), identity);
        state.rabbitmq = Some(Instance::Installed {
            data_dir: self.data(),
            log_file: self.dir.logs().join(settings::LOG),
            processes,
        });
        let Listeners { amqp, management, .. } = listeners;
        let login = format!("{USER}:{}@127.0.0.1", self.password.text);
        state.addresses.amqp = Some(format!("amqp://{login}:{amqp}/%2f"));
        state.addresses.management = Some(format!("http://{login}:{management}"));
        // Recorded before it is ready, so that an interrupted task leaves nothing unknown behind.
        state.save(&self.dir.state_file())?;
        watch(child, START_PATIENCE, || self.is_ready(amqp, management))
    }

    fn launch(
        &self,
        program: &Path,
        arguments: &[&OsStr],
        environment: &[(&str, String)],
    ) -> Result<(std::process::Child, Identity)> {
        let mark = self.dir.mark(Server::RabbitMq);
        let launch =
            Launch { program, account: Account::Caller, mark: &mark, log: &self.console() };
        launch.spawn(arguments, environment)
    }

    /// Runs `rabbitmqctl` on the broker; returns what it printed.
    pub(super) fn control(&self, state: &State, arguments: &[OsString]) -> Result<String> {
        let settings = Settings {
            checkout: self.dir.checkout(),
            seat: &self.seat,
            folder: &self.folder,
            logs: &self.dir.logs(),
            password: &self.password.text,
            listeners: Listeners::recorded(&state.ports).context("the broker does not run")?,
            seat: &self.seat,
        };
        let server =
            binaries::rabbitmq_server().context("failed to find the binaries of RabbitMQ")?;
        let mut command = Account::Caller.command(server.with_file_name("rabbitmqctl"));
        process::output(command.args(arguments).envs(settings.environment()))
    }

    /// Keeps data that no broker starts from, in case somebody wants to look, and starts afresh.
    fn set_data_aside(&self) -> Result<()> {
        remove_folder(&self.damaged())?;
        fs::rename(self.data(), self.damaged()).context("failed to set the data aside")
    }

    /// The data was not the cause.
    fn take_data_back(&self) -> Result<()> {
        remove_folder(&self.data())?;
        fs::rename(self.damaged(), self.data()).context("failed to take the data back")
    }

    fn damaged(&self) -> PathBuf {
        self.folder.join("data.damaged")
    }

    fn data(&self) -> PathBuf {
        self.folder.join(settings::DATA)
    }

    /// Exists once a start has finished on this data.
    fn completed(&self) -> PathBuf {
        self.data().join("completed")
    }

    /// Where the broker writes before its own log is open.
    fn console(&self) -> PathBuf {
        self.dir.logs().join("rabbitmq-console.log")
    }
}

/// Starts a port mapper and waits until it is there.
fn launch_epmd(
    program: &[OsString],
    port: u16,
    mark: &str,
    log: &Path,
    environment: &[(&str, String)],
) -> Result<Identity> {
    let (program, before) = program.split_first().context("a command has a program")?;
    let port_text = port.to_string();
    let own = ["-port", &port_text, "-address", "127.0.0.1"].map(OsStr::new);
    let arguments: Vec<&OsStr> = before.iter().map(OsString::as_os_str).chain(own).collect();
    let launch = Launch { program: Path::new(program), account: Account::Caller, mark, log };
    let (_, identity) = launch.spawn(&arguments, environment)?;
    wait_until(EPMD_PATIENCE, || !is_free(port));
    Ok(identity)
}

/// Stops every process of the private RabbitMQ, recorded or only marked: the broker first.
pub(super) fn stop(dir: &LocalDir, state: &mut State) -> Result<()> {
    if let Some(Instance::Compose { .. }) = &state.rabbitmq {
        compose::stop(dir, state, Server::RabbitMq)?;
    }
    let mut all = Vec::new();
    if let Some(recorded) = processes(state) {
        all.extend([BROKER, EPMD].iter().filter_map(|name| recorded.get(*name)).cloned());
    }
    for process in &all {
        process::stop(process, &STOP)?;
    }
    for process in process::marked(&dir.mark(Server::RabbitMq)) {
        process::stop(&process, &STOP)?;
    }
    state.rabbitmq = None;
    state.addresses.amqp = None;
    state.addresses.management = None;
    state.save(&dir.state_file())
}

/// Removes the data, for a fresh start.
pub(super) fn purge(dir: &LocalDir) -> Result<()> {
    remove_folder(&dir.path("rabbitmq"))
}

fn processes(state: &State) -> Option<&BTreeMap<String, Identity>> {
    match state.rabbitmq.as_ref()? {
        Instance::Installed { processes, .. } => Some(processes),
        Instance::Compose { .. } => None,
    }
}
