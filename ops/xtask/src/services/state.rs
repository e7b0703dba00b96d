//! What runs for a checkout, as recorded in `.local/services.json`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::addresses::Addresses;
use super::ports::Ports;
use super::process::Identity;
use crate::terminal;

/// The version of the file's form.
const SCHEMA_VERSION: u32 = 1;

/// The private services of one checkout, in a file that tests and tools read, too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// The version of this form.
    pub schema_version: u32,
    /// Where the services are reached; absent while one does not run.
    #[serde(flatten)]
    pub addresses: Addresses,
    /// The ports, kept while stopped so that the next start takes the same.
    #[serde(default)]
    pub ports: Ports,
    /// The private RabbitMQ.
    pub rabbitmq: Option<Instance>,
    /// The private Postgres.
    pub postgres: Option<Instance>,
}

/// One private server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "kebab-case")]
pub enum Instance {
    /// Started from the binaries installed on this machine.
    Installed {
        /// Where its data rests.
        data_dir: PathBuf,
        /// Where it writes what happens.
        log_file: PathBuf,
        /// Its processes by name, the server's own first to stop.
        processes: BTreeMap<String, Identity>,
    },
    /// Started by Docker Compose.
    Compose {
        /// The Compose project.
        project: String,
    },
}

impl Default for State {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            addresses: Addresses::default(),
            ports: Ports::default(),
            rabbitmq: None,
            postgres: None,
        }
    }
}

impl State {
    /// Reads the file; what cannot be read counts as lost, and is found again by other means.
    pub(super) fn load(file: &Path) -> Self {
        let Ok(text) = fs::read(file) else { return Self::default() };
        match serde_json::from_slice::<Self>(&text) {
            Ok(state) if state.schema_version == SCHEMA_VERSION => state,
            Ok(_) | Err(_) => {
                terminal::say(&format!("{} is damaged, starting over", file.display()));
                Self::default()
            }
        }
    }

    /// This state with the nodes of another broker in place of its own.
    pub(super) fn with_brokers(mut self, nodes: &[Self]) -> Self {
        let all: Option<Vec<&str>> =
            nodes.iter().map(|node| node.addresses.amqp.as_deref()).collect();
        self.addresses.amqp = all.filter(|urls| !urls.is_empty()).map(|urls| urls.join(","));
        self.addresses.management = nodes.iter().find_map(|node| node.addresses.management.clone());
        self.rabbitmq = nodes.first().and_then(|node| node.rabbitmq.clone());
        self
    }

    /// Replaces the file in one step, readable by its owner only.
    pub(super) fn save(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).context("failed to render the state")?;
        write_private(file, &text)
    }
}

/// Writes a file with mode 0600, whole or not at all.
pub(super) fn write_private(file: &Path, content: &[u8]) -> Result<()> {
    let folder = file.parent().context("a file has a folder")?;
    let write = || -> std::io::Result<()> {
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(content)?;
        draft.as_file().sync_all()?;
        draft.persist(file)?;
        Ok(())
    };
    write().with_context(|| format!("failed to write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_saved_state_is_read_back_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("services.json");
        let mut state = State::default();
        state.addresses.amqp = Some("amqp://here".to_owned());
        state.save(&file).unwrap();
        assert_eq!(State::load(&file).addresses, state.addresses);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_or_missing_state_counts_as_lost() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("services.json");
        assert!(State::load(&file).addresses.amqp.is_none());
        fs::write(&file, "{\"schema_version\": 1, \"amqp").unwrap();
        assert!(State::load(&file).addresses.amqp.is_none());
    }
}
