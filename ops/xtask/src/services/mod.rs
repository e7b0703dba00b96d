//! The private RabbitMQ and Postgres of a checkout: `cargo xtask services up|status|down`.
//!
//! They live under `.local/`, listen on free ports of the loopback address and keep their data when
//! they are stopped. Whatever state they are in, starting leaves both running and answering:
//! a server that runs is left alone, one that crashed or was interrupted is repaired.

mod account;
mod addresses;
mod binaries;
mod choice;
mod compose;
mod install;
mod local_dir;
mod ports;
mod postgres;
mod probe;
mod process;
mod psql;
mod rabbitmq;
mod release;
mod report;
mod server;
mod start;
mod state;

use std::collections::BTreeMap;
use std::ffi::OsString;

use anyhow::{Context, Result, bail};

pub use self::addresses::Addresses;
use self::addresses::{AMQP_URL, DATABASE_URL};
pub(crate) use self::binaries::on_path;
pub use self::choice::{BrokerChoice, BrokerRelease, NodeCount};
use self::install::Rights;
use self::local_dir::{LocalDir, make_folder, remove_folder};
pub use self::ports::Ports;
use self::postgres::Postgres;
pub use self::process::Identity;
pub use self::psql::Psql;
use self::rabbitmq::{Programs, RabbitMq, cluster};
use self::release::Unpacked;
pub use self::report::{Health, Report, ServiceReport};
use self::server::Server;
pub use self::state::{Instance, State};
use crate::{Checkout, Failure, terminal};

/// The user of both private servers.
const USER: &str = "orderflow";
/// The database that is there from the start.
const DATABASE: &str = "orderflow";
/// The folder of brokers beside the usual one.
const BROKERS: &str = "brokers";

/// Leaves both services running and answering, and says where.
///
/// Fails with [`Failure::Unavailable`] when a server is neither installed nor can be.
pub fn up(checkout: &Checkout, choice: BrokerChoice) -> Result<Addresses> {
    let given = given(checkout);
    given.check()?;
    if !choice.is_usual() && given.amqp.is_some() {
        bail!("a broker is named by {AMQP_URL} and another asked for: choose one");
    }
    let dir = LocalDir::create(checkout)?;
    let _lock = dir.lock()?;
    let mut state = State::load(&dir.state_file());
    let own_broker = given.amqp.is_none() && choice.is_usual();
    let wanted: Vec<Server> = [
        given.database.is_none().then_some(Server::Postgres),
        own_broker.then_some(Server::RabbitMq),
    ]
    .into_iter()
    .flatten()
    .collect();
    let in_containers = provide(&dir, &wanted)?;
    if let (Some(name), Some(_)) = (checkout.services_name(), in_containers.first()) {
        bail!(Failure::Unavailable(format!(
            "the services `{name}` are there to be stopped and killed, which needs {} installed",
            Server::list(&in_containers)
        )));
    }
    if !in_containers.is_empty() {
        compose::ensure(&dir, &mut state, &in_containers)?;
    }
    for server in wanted.iter().filter(|server| !in_containers.contains(server)) {
        match server {
            Server::Postgres => Postgres::prepare(&dir)?.ensure(&mut state)?,
            Server::RabbitMq => {
                RabbitMq::prepare(&dir, Programs::installed()?)?.ensure(&mut state)?;
            }
        }
        state.save(&dir.state_file())?;
    }
    if choice.is_usual() {
        return Ok(given.or(&state.addresses));
    }
    ensure_beside(&dir, choice)?;
    Ok(given.or(&state.with_brokers(&brokers_beside(&dir, choice)).addresses))
}

/// Leaves the chosen broker running beside the usual one.
fn ensure_beside(dir: &LocalDir, choice: BrokerChoice) -> Result<()> {
    make_folder(&dir.path(BROKERS), 0o711)?;
    let programs = if let Some(release) = choice.release {
        Programs::unpacked(&Unpacked::provide(dir, release)?)
    } else {
        provide(dir, &[Server::RabbitMq])?;
        Programs::installed()?
    };
    let beside = dir.create_nested(&folder_of(choice))?;
    match choice.nodes {
        NodeCount::One => {
            let mut state = State::load(&beside.state_file());
            RabbitMq::prepare(&beside, programs)?.ensure(&mut state)?;
            state.save(&beside.state_file())
        }
        NodeCount::Three => cluster::ensure(&beside, &programs),
    }
}

/// What is recorded of each node of the chosen broker.
fn brokers_beside(dir: &LocalDir, choice: BrokerChoice) -> Vec<State> {
    let beside = dir.nested(&folder_of(choice));
    let dirs = match choice.nodes {
        NodeCount::One => vec![beside],
        NodeCount::Three => cluster::node_dirs(&beside),
    };
    dirs.iter().map(|dir| State::load(&dir.state_file())).collect()
}

fn folder_of(choice: BrokerChoice) -> String {
    format!("{BROKERS}/{}", choice.name())
}

/// What the environment names; services apart are always private ones.
fn given(checkout: &Checkout) -> Addresses {
    checkout.services_name().map_or_else(Addresses::given, |_| Addresses::default())
}

/// Runs `rabbitmqctl` on the private broker; returns what it printed.
pub fn rabbitmqctl(checkout: &Checkout, arguments: &[OsString]) -> Result<String> {
    let dir = LocalDir::create(checkout)?;
    let state = State::load(&dir.state_file());
    RabbitMq::prepare(&dir, Programs::installed()?)?.control(&state, arguments)
}

/// A way to run statements in the database of a task.
pub fn psql(addresses: &Addresses) -> Result<Psql> {
    let installed = binaries::PostgresBinaries::find(None).map(|found| found.program("psql"));
    let Some(program) = installed.or_else(|| binaries::on_path("psql")) else {
        bail!(Failure::Unavailable(
            "psql is missing: install the Debian package postgresql-client".to_owned()
        ));
    };
    Psql::new(program, addresses.database.as_deref().context("the services are started")?)
}

/// Sees to it that each server can be started, and says which ones run in containers.
fn provide(dir: &LocalDir, wanted: &[Server]) -> Result<Vec<Server>> {
    let missing: Vec<Server> =
        wanted.iter().copied().filter(|server| !server.is_installed()).collect();
    if missing.is_empty() {
        return Ok(missing);
    }
    if let Some(rights) = Rights::to_install() {
        match install::install(dir, rights, &missing) {
            Ok(()) => return Ok(Vec::new()),
            Err(error) => terminal::error(&error),
        }
    }
    if compose::is_available() {
        return Ok(missing);
    }
    let packages: Vec<_> = missing.iter().map(|server| server.package()).collect();
    bail!(Failure::Unavailable(format!(
        "missing on this machine, and not to be installed by this user: {}; install the Debian \
         packages ({}), or start a container engine with Compose, or set {AMQP_URL} and \
         {DATABASE_URL} to servers of your own",
        Server::list(&missing),
        packages.join(" "),
    )))
}

/// Installs Debian packages, without starting what is a service in them.
pub(crate) fn install_packages(checkout: &Checkout, packages: &[&str]) -> Result<()> {
    let Some(rights) = Rights::to_install() else {
        bail!(Failure::Unavailable(format!(
            "missing on this machine, and not to be installed by this user: the Debian packages {}",
            packages.join(" ")
        )));
    };
    install::install_packages(&LocalDir::create(checkout)?, rights, packages)
}

/// Leaves nothing running, services apart included; with `purge` also removes the data.
pub fn down(checkout: &Checkout, purge: bool) -> Result<()> {
    if !checkout.services_folder().exists() {
        return Ok(());
    }
    for name in names(checkout) {
        down(&checkout.apart(&name), purge)?;
    }
    let dir = LocalDir::create(checkout)?;
    let _lock = dir.lock()?;
    let mut state = State::load(&dir.state_file());
    rabbitmq::stop(&dir, &mut state)?;
    postgres::stop(&dir, &mut state)?;
    let choices = BrokerChoice::all_beside().map(|choice| dir.nested(&folder_of(choice)));
    for beside in choices {
        cluster::stop_all(&beside)?;
    }
    if purge {
        if compose::is_available() {
            compose::purge(&dir, &state)?;
        }
        rabbitmq::purge(&dir)?;
        remove_folder(&dir.path(BROKERS))?;
        postgres::purge(&dir)?;
    }
    Ok(())
}

/// The process of each node of a broker beside the usual one, by the node's name.
pub fn node_processes(checkout: &Checkout, choice: BrokerChoice) -> BTreeMap<String, u32> {
    let beside = LocalDir::of(checkout).nested(&folder_of(choice));
    cluster::node_processes(&beside)
}

/// The names of the services apart that were ever started.
fn names(checkout: &Checkout) -> Vec<String> {
    if checkout.services_name().is_some() {
        return Vec::new();
    }
    let folders = std::fs::read_dir(checkout.services_folder()).into_iter().flatten().flatten();
    let names = folders.filter_map(|folder| folder.file_name().into_string().ok());
    names.filter(|name| LocalDir::of(&checkout.apart(name)).state_file().is_file()).collect()
}

/// What runs for this checkout right now; starts and changes nothing.
pub fn status(checkout: &Checkout, choice: BrokerChoice) -> Report {
    let dir = LocalDir::of(checkout);
    let state = State::load(&dir.state_file());
    if choice.is_usual() {
        return Report::of(given(checkout), &state);
    }
    let nodes = brokers_beside(&dir, choice);
    Report::of_nodes(Addresses::given(), &state.with_brokers(&nodes), &nodes)
}
