//! The private RabbitMQ and Postgres of a checkout: `cargo xtask services up|status|down`.
//!
//! They live under `.local/`, listen on free ports of the loopback address and keep their data when
//! they are stopped. Whatever state they are in, starting leaves both running and answering:
//! a server that runs is left alone, one that crashed or was interrupted is repaired.

mod account;
mod addresses;
mod binaries;
mod compose;
mod install;
mod local_dir;
mod ports;
mod postgres;
mod probe;
mod process;
mod psql;
mod rabbitmq;
mod report;
mod server;
mod start;
mod state;

use std::ffi::OsString;

use anyhow::{Context, Result, bail};

pub use self::addresses::Addresses;
use self::addresses::{AMQP_URL, DATABASE_URL};
use self::install::Rights;
use self::local_dir::LocalDir;
pub use self::ports::Ports;
use self::postgres::Postgres;
pub use self::process::Identity;
pub use self::psql::Psql;
use self::rabbitmq::RabbitMq;
pub use self::report::{Health, Report, ServiceReport};
use self::server::Server;
pub use self::state::{Instance, State};
use crate::{Checkout, Failure, terminal};

/// The user of both private servers.
const USER: &str = "orderflow";
/// The database that is there from the start.
const DATABASE: &str = "orderflow";

/// Leaves both services running and answering, and says where.
///
/// Fails with [`Failure::Unavailable`] when a server is neither installed nor can be.
pub fn up(checkout: &Checkout) -> Result<Addresses> {
    let given = given(checkout);
    given.check()?;
    let dir = LocalDir::create(checkout)?;
    let _lock = dir.lock()?;
    let mut state = State::load(&dir.state_file());
    let wanted: Vec<Server> = [
        given.database.is_none().then_some(Server::Postgres),
        given.amqp.is_none().then_some(Server::RabbitMq),
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
            Server::RabbitMq => RabbitMq::prepare(&dir)?.ensure(&mut state)?,
        }
        state.save(&dir.state_file())?;
    }
    Ok(given.or(&state.addresses))
}

/// What the environment names; services apart are always private ones.
fn given(checkout: &Checkout) -> Addresses {
    checkout.services_name().map_or_else(Addresses::given, |_| Addresses::default())
}

/// Runs `rabbitmqctl` on the private broker; returns what it printed.
pub fn rabbitmqctl(checkout: &Checkout, arguments: &[OsString]) -> Result<String> {
    let dir = LocalDir::create(checkout)?;
    let state = State::load(&dir.state_file());
    RabbitMq::prepare(&dir)?.control(&state, arguments)
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
    if purge {
        if compose::is_available() {
            compose::purge(&dir, &state)?;
        }
        rabbitmq::purge(&dir)?;
        postgres::purge(&dir)?;
    }
    Ok(())
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
pub fn status(checkout: &Checkout) -> Report {
    let dir = LocalDir::of(checkout);
    Report::of(given(checkout), &State::load(&dir.state_file()))
}
