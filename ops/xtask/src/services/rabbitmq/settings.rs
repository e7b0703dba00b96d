//! The settings of the private RabbitMQ: the shipped files, and this checkout's own on top.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::super::USER;
use super::super::local_dir::make_folder;
use super::super::ports::{Finder, Ports};
use super::super::state::write_private;
use crate::Checkout;

/// The name of the folder with the broker's data.
pub(super) const DATA: &str = "data";

/// The name of the broker's log file.
pub(super) const LOG: &str = "rabbitmq.log";

/// The node needs no name of its own: nobody shares its port mapper.
const NODE: &str = "orderflow@localhost";

/// The ports of one start, all on the loopback address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listeners {
    pub(super) amqp: u16,
    pub(super) management: u16,
    pub(super) distribution: u16,
    pub(super) epmd: u16,
}

impl Listeners {
    /// Keeps the ports of the last start where they are free.
    pub(super) fn choose(finder: &mut Finder, ports: &mut Ports) -> Result<Self> {
        Ok(Self {
            amqp: finder.keep_or_replace(&mut ports.amqp)?,
            management: finder.keep_or_replace(&mut ports.management)?,
            distribution: finder.keep_or_replace(&mut ports.distribution)?,
            epmd: finder.keep_or_replace(&mut ports.epmd)?,
        })
    }

    /// Those of the last start.
    pub(super) fn recorded(ports: &Ports) -> Option<Self> {
        Some(Self {
            amqp: ports.amqp?,
            management: ports.management?,
            distribution: ports.distribution?,
            epmd: ports.epmd?,
        })
    }
}

/// What a node needs to know.
pub(super) struct Settings<'a> {
    pub(super) checkout: &'a Checkout,
    pub(super) folder: &'a Path,
    pub(super) logs: &'a Path,
    pub(super) password: &'a str,
    pub(super) listeners: Listeners,
}

impl Settings<'_> {
    /// Writes the files that belong to this checkout only.
    pub(super) fn write(&self) -> Result<()> {
        for folder in ["home", "conf.d"] {
            make_folder(&self.folder.join(folder), 0o700)?;
        }
        // Present and empty, so that the system's own `rabbitmq-env.conf` is not read.
        fs::write(self.folder.join("rabbitmq-env.conf"), "")
            .context("failed to write the broker's environment file")?;
        write_private(&self.folder.join("conf.d/checkout.conf"), self.render().as_bytes())
    }

    fn render(&self) -> String {
        let Listeners { amqp, management, .. } = self.listeners;
        format!(
            "# Set by `cargo xtask services up` for this checkout.\n\
             listeners.tcp.local = 127.0.0.1:{amqp}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             default_user = {USER}\n\
             default_pass = {}\n",
            self.password
        )
    }

    /// The variables of the server script: everything that would otherwise come from the system.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let own = |relative: &str| self.folder.join(relative).display().to_string();
        let log = |name: &str| self.logs.join(name).display().to_string();
        let shipped =
            |name: &str| self.checkout.path("ops/rabbitmq").join(name).display().to_string();
        vec![
            ("HOME", own("home")),
            ("RABBITMQ_NODENAME", NODE.to_owned()),
            ("RABBITMQ_CONF_ENV_FILE", own("rabbitmq-env.conf")),
            ("RABBITMQ_CONFIG_FILE", shipped("rabbitmq.conf")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", shipped("advanced.config")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", shipped("enabled_plugins")),
            ("RABBITMQ_CONFIG_FILES", own("conf.d")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", own("generated")),
            ("RABBITMQ_MNESIA_BASE", own(DATA)),
            ("RABBITMQ_PID_FILE", own("pid")),
            ("RABBITMQ_LOG_BASE", self.logs.display().to_string()),
            ("RABBITMQ_LOGS", log(LOG)),
            ("RABBITMQ_DIST_PORT", self.listeners.distribution.to_string()),
            ("ERL_EPMD_PORT", self.listeners.epmd.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("ERL_CRASH_DUMP", log("erl_crash.dump")),
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1}".to_owned(),
            ),
            // The script then becomes the node instead of waiting for it as its child.
            ("RUNNING_UNDER_SYSTEMD", "true".to_owned()),
        ]
    }
}
