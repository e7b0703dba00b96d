//! Three private nodes that form one cluster.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::thread;

use anyhow::{Context, Result};

use super::settings::Seat;
use super::{BROKER, EPMD, Listeners, Programs, RabbitMq, launch_epmd, processes, stop};
use crate::services::local_dir::{LocalDir, make_folder, password};
use crate::services::ports::Finder;
use crate::services::process::Identity;
use crate::services::server::Server;
use crate::services::state::{Instance, State};

/// The folders and the first half of the names of the nodes.
const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];

/// The folders of the nodes below that of their cluster.
pub(in super::super) fn node_dirs(dir: &LocalDir) -> Vec<LocalDir> {
    NODES.iter().map(|node| dir.nested(node)).collect()
}

/// The process of each node that runs, by the node's name.
pub(in super::super) fn node_processes(dir: &LocalDir) -> BTreeMap<String, u32> {
    let mut all = BTreeMap::new();
    for (node, dir) in NODES.iter().zip(node_dirs(dir)) {
        let state = State::load(&dir.state_file());
        if let Some(process) = processes(&state).and_then(|of_node| of_node.get(BROKER)) {
            all.insert(format!("{node}@localhost"), process.pid);
        }
    }
    all
}

/// Leaves every node running and answering; those that run are left alone.
///
/// They start together: after all were stopped, each waits for the one that was stopped last.
pub(in super::super) fn ensure(dir: &LocalDir, programs: &Programs) -> Result<()> {
    let secret = password(&dir.password_file(Server::RabbitMq))?;
    let mut shared = State::load(&dir.state_file());
    let epmd = ensure_port_mapper(dir, programs, &mut shared)?;
    let dirs: Vec<LocalDir> =
        NODES.iter().map(|node| dir.create_nested(node)).collect::<Result<_>>()?;
    let mut states: Vec<State> = dirs.iter().map(|dir| State::load(&dir.state_file())).collect();
    let mut finder = Finder::new(dir.checkout(), &shared.ports);
    for state in &states {
        finder.reserve(&state.ports);
    }
    let nodes: Vec<String> = NODES.iter().map(|node| format!("{node}@localhost")).collect();
    thread::scope(|scope| {
        let mut starting = Vec::new();
        for ((dir, state), node) in dirs.iter().zip(&mut states).zip(&nodes) {
            let seat = Seat {
                node: node.clone(),
                nodes: nodes.clone(),
                epmd: Some(epmd),
                cookie: Some(secret.text.clone()),
            };
            if processes(state).is_none() {
                // Chosen one after the other, so that no two nodes are given the same.
                Listeners::choose(&mut finder, &mut state.ports, &seat)?;
            }
            let node = RabbitMq::prepare_in(dir, programs.clone(), seat, secret.clone())?;
            starting.push(scope.spawn(move || node.ensure(state)));
        }
        for node in starting {
            node.join().expect("starting a node does not panic")?;
        }
        Ok(())
    })
}

/// The port of a port mapper that outlives each node.
fn ensure_port_mapper(dir: &LocalDir, programs: &Programs, state: &mut State) -> Result<u16> {
    let alive = processes(state).and_then(|all| all.get(EPMD)).is_some_and(Identity::is_alive);
    if let Some(port) = state.ports.epmd.filter(|_| alive) {
        return Ok(port);
    }
    stop_all(dir)?;
    make_folder(&dir.logs(), 0o711)?;
    let port = Finder::new(dir.checkout(), &state.ports).keep_or_replace(&mut state.ports.epmd)?;
    let installed = vec![OsString::from("epmd")];
    let program = programs.epmd.as_ref().unwrap_or(&installed);
    let log = dir.logs().join("epmd.log");
    let environment = [("HOME", dir.logs().display().to_string())];
    let identity = launch_epmd(program, port, &dir.mark(Server::RabbitMq), &log, &environment)
        .context("failed to start the port mapper of the cluster")?;
    state.rabbitmq = Some(Instance::Installed {
        data_dir: dir.logs(),
        log_file: log,
        processes: BTreeMap::from([(EPMD.to_owned(), identity)]),
    });
    state.save(&dir.state_file())?;
    Ok(port)
}

/// Stops the nodes, then their port mapper.
pub(in super::super) fn stop_all(dir: &LocalDir) -> Result<()> {
    for node in node_dirs(dir) {
        if node.state_file().exists() {
            stop(&node, &mut State::load(&node.state_file()))?;
        }
    }
    if dir.state_file().exists() {
        stop(dir, &mut State::load(&dir.state_file()))?;
    }
    Ok(())
}
