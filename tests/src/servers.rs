//! A private broker and database that a test may kill.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use testkit::Endpoints;
use tokio::process::Command;
use tokio::task::spawn_blocking;

use crate::stage::build_folder;

/// The name of these services: see `cargo xtask services --name`.
const NAME: &str = "faults";

/// The variable by which `cargo xtask test` names itself.
const XTASK: &str = "ORDERFLOW_XTASK";

/// The variable that every private server carries in its environment, with whose it is.
const MARK: &str = "ORDERFLOW_PRIVATE_INSTANCE";

/// How to say how much disk is enough, and how much usually is.
const DISK: [&str; 2] = ["set_disk_free_limit", "50MB"];

/// How often the broker looks at the consumers of a channel.
const TICK: &str = "channel_tick_interval";

/// One of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// RabbitMQ.
    Broker,
    /// Postgres.
    Database,
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Broker => "rabbitmq",
            Self::Database => "postgres",
        }
    }

    /// The name of its program, as the system tells it.
    fn program(self) -> &'static str {
        match self {
            Self::Broker => "beam.smp",
            Self::Database => "postgres",
        }
    }
}

/// What a broker may run short of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Memory.
    Memory,
    /// Space on the disk.
    Disk,
}

/// The servers, for one test at a time; they go on running for the next one.
#[derive(Debug)]
pub struct Servers {
    report: Value,
    /// What `rabbitmqctl` has to be told for the broker to be as usual again.
    undo: Vec<[String; 2]>,
    _turn: File,
}

impl Servers {
    /// Waits until no other test has them, and leaves both running.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn alone() -> Self {
        let turn = spawn_blocking(|| {
            let file = build_folder().join("faults.turn");
            let file = File::create(file).expect("the build folder can be written");
            file.lock().expect("a file can be locked");
            file
        });
        let turn = turn.await.expect("waiting for a turn does not panic");
        Self { report: up().await, undo: Vec::new(), _turn: turn }
    }

    /// Where they are.
    pub fn endpoints(&self) -> Endpoints {
        let address = |key: &str| self.report[key].as_str().unwrap_or_default().to_owned();
        Endpoints {
            amqp_url: address("amqp_url"),
            database_url: address("database_url"),
            management_url: address("management_url"),
        }
    }

    /// Ends a server without warning.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self, server: Server) {
        let all = self.report["services"].as_array().into_iter().flatten();
        let of_server = all.filter(|it| it["name"] == server.name());
        let pids = of_server.flat_map(|it| it["pids"].as_array().into_iter().flatten());
        let pids: Vec<String> = pids.map(Value::to_string).filter(|pid| is(server, pid)).collect();
        assert_eq!(pids.len(), 1, "{server:?} is one process: {}", self.report);
        let killed = std::process::Command::new("kill").args(["-9", &pids[0]]).status();
        assert!(killed.expect("there is a kill").success(), "{server:?} can be killed");
    }

    /// Lets the broker run short of something, so that it takes no messages.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn run_short_of(&mut self, resource: Resource) {
        let ([setting, usual], short) = match resource {
            Resource::Memory => (["set_vm_memory_high_watermark", "0.4"], "0.000001"),
            Resource::Disk => (DISK, "1000000GB"),
        };
        self.set(setting, short, usual).await;
    }

    /// Sets how long a consumer may keep a message without a word; the broker looks twice a second.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn set_consumer_timeout(&mut self, timeout: Duration) {
        let set = |timeout: Duration, look: Duration| {
            let (timeout, look) = (timeout.as_millis(), look.as_millis());
            let set = |name: &str, ms: u128| format!("application:set_env(rabbit, {name}, {ms})");
            let (timeout, look) = (set("consumer_timeout", timeout), set(TICK, look));
            format!("{timeout}, {look}.")
        };
        let usual = set(Duration::from_mins(30), Duration::from_mins(1));
        self.set("eval", &set(timeout, Duration::from_millis(500)), &usual).await;
    }

    /// Tells the broker something until it is healed.
    async fn set(&mut self, command: &str, value: &str, usual: &str) {
        self.undo.push([command.to_owned(), usual.to_owned()]);
        task(&["rabbitmqctl", command, value]).await;
    }

    /// Gives the broker enough of everything again, and its usual settings.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn heal(&mut self) {
        for [command, value] in std::mem::take(&mut self.undo) {
            task(&["rabbitmqctl", &command, &value]).await;
        }
    }

    /// How many bytes the broker sees left on its disk.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn free_disk(&self) -> u64 {
        let said = task(&["rabbitmqctl", "eval", "rabbit_disk_monitor:get_disk_free()."]).await;
        let number = said.split_whitespace().find_map(|word| word.parse().ok());
        number.unwrap_or_else(|| panic!("not a number of bytes: {said}"))
    }

    /// Has the broker take no messages once fewer bytes than these are left on its disk; until
    /// [`Servers::heal`] says that there is enough.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn want_disk(&mut self, bytes: u64) {
        let [setting, usual] = DISK;
        self.set(setting, &bytes.to_string(), usual).await;
    }

    /// Starts what was killed, at the same place, and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        let before = self.endpoints();
        self.report = up().await;
        assert_eq!(self.endpoints(), before, "the servers are where they were");
    }
}

impl Drop for Servers {
    /// A test that failed half-way leaves the next one a broker as usual.
    fn drop(&mut self) {
        for [command, value] in &self.undo {
            if let Err(error) = call(&["rabbitmqctl", command, value]).output() {
                eprintln!("rabbitmqctl {command}: {error}");
            }
        }
    }
}

/// Whether this is the process of a private server of this name.
fn is(server: Server, pid: &str) -> bool {
    let of_process = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let mark = format!("/{NAME}#{}", server.name());
    let environment = of_process("environ");
    let mut variables = environment.split(|byte| *byte == 0);
    let marked =
        variables.any(|it| it.starts_with(MARK.as_bytes()) && it.ends_with(mark.as_bytes()));
    marked && of_process("comm").trim_ascii() == server.program().as_bytes()
}

async fn up() -> Value {
    let said = task(&["up", "--output", "json"]).await;
    serde_json::from_str(&said).expect("xtask says where the services are")
}

/// A task on these services, to be run.
fn call(arguments: &[&str]) -> std::process::Command {
    let xtask = std::env::var_os(XTASK);
    let xtask = xtask.map_or_else(|| build_folder().join("xtask"), PathBuf::from);
    let mut call = std::process::Command::new(xtask);
    call.args(["services", "--name", NAME]).args(arguments).stdin(Stdio::null());
    call
}

/// Runs a task on these services.
async fn task(arguments: &[&str]) -> String {
    let output = Command::from(call(arguments)).output().await.expect("xtask is built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "services {}: {}", arguments.join(" "), said.trim());
    String::from_utf8_lossy(&output.stdout).into_owned()
}
