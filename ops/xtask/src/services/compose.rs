//! Services in containers, for machines where the servers cannot be installed.

use std::process::Command;

use anyhow::{Context, Result};

use super::local_dir::{LocalDir, password};
use super::ports::Finder;
use super::process::output;
use super::server::Server;
use super::state::{Instance, State};
use super::{DATABASE, USER};
use crate::terminal::Step;

/// Whether a container engine answers and knows Compose.
pub(super) fn is_available() -> bool {
    let answers = |arguments: &[&str]| output(Command::new("docker").args(arguments)).is_ok();
    answers(&["info"]) && answers(&["compose", "version"])
}

/// Leaves these services running and healthy.
pub(super) fn ensure(dir: &LocalDir, state: &mut State, servers: &[Server]) -> Result<()> {
    let step = Step::begin(format!("Starting {} in containers", Server::list(servers)));
    let mut finder = Finder::new(dir.checkout(), &state.ports);
    let running = |instance: &Option<Instance>| matches!(instance, Some(Instance::Compose { .. }));
    if !running(&state.postgres) {
        finder.keep_or_replace(&mut state.ports.postgres)?;
    }
    if !running(&state.rabbitmq) {
        finder.keep_or_replace(&mut state.ports.amqp)?;
        finder.keep_or_replace(&mut state.ports.management)?;
    }
    for server in servers {
        record(dir, state, *server)?;
    }
    state.save(&dir.state_file())?;
    let names = servers.iter().map(|server| server.name());
    let mut command = compose(dir, state)?;
    output(command.args(["up", "--detach", "--wait"]).args(names))
        .context("failed to start the containers")?;
    step.done("ready");
    Ok(())
}

fn record(dir: &LocalDir, state: &mut State, server: Server) -> Result<()> {
    let instance = Some(Instance::Compose { project: project(dir) });
    let login = format!("{USER}:{}@127.0.0.1", password(&dir.password_file(server))?.text);
    let port = |port: Option<u16>| port.context("a container has its ports chosen");
    match server {
        Server::Postgres => {
            let port = port(state.ports.postgres)?;
            state.postgres = instance;
            state.addresses.database = Some(format!("postgres://{login}:{port}/{DATABASE}"));
        }
        Server::RabbitMq => {
            let (amqp, management) = (port(state.ports.amqp)?, port(state.ports.management)?);
            state.rabbitmq = instance;
            state.addresses.amqp = Some(format!("amqp://{login}:{amqp}/%2f"));
            state.addresses.management = Some(format!("http://{login}:{management}"));
        }
    }
    Ok(())
}

/// Removes the container of one service, but not its data.
pub(super) fn stop(dir: &LocalDir, state: &State, server: Server) -> Result<()> {
    let mut command = compose(dir, state)?;
    output(command.args(["rm", "--stop", "--force", server.name()]))
        .context("failed to stop a container")?;
    Ok(())
}

/// Removes containers, their network and their data.
pub(super) fn purge(dir: &LocalDir, state: &State) -> Result<()> {
    let mut command = compose(dir, state)?;
    output(command.args(["down", "--volumes"])).context("failed to remove the containers")?;
    Ok(())
}

fn project(dir: &LocalDir) -> String {
    format!("orderflow-{}", dir.checkout().fingerprint())
}

fn compose(dir: &LocalDir, state: &State) -> Result<Command> {
    let port = |port: Option<u16>| port.unwrap_or_default().to_string();
    let mut command = Command::new("docker");
    command
        .args(["compose", "--project-name", &project(dir), "--file"])
        .arg(dir.checkout().path("ops/compose/services.yml"))
        .env("ORDERFLOW_USER", USER)
        .env("ORDERFLOW_DATABASE", DATABASE)
        .env("ORDERFLOW_POSTGRES_PORT", port(state.ports.postgres))
        .env("ORDERFLOW_AMQP_PORT", port(state.ports.amqp))
        .env("ORDERFLOW_MANAGEMENT_PORT", port(state.ports.management))
        .env("ORDERFLOW_POSTGRES_PASSWORD", password(&dir.password_file(Server::Postgres))?.text)
        .env("ORDERFLOW_RABBITMQ_PASSWORD", password(&dir.password_file(Server::RabbitMq))?.text);
    Ok(command)
}
