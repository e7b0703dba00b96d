//! The settings of the private RabbitMQ: the shipped files, and this checkout's own on top.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
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

/// A node's place: alone, or in a cluster.
#[derive(Clone, Debug)]
pub(in super::super) struct Seat {
    /// Its name, told apart from those that share its port mapper.
    pub(super) node: String,
    /// The nodes of its cluster, itself among them; none when it is alone.
    pub(super) nodes: Vec<String>,
    /// The port of the port mapper that the cluster shares.
    pub(super) epmd: Option<u16>,
    /// What the nodes of a cluster know each other by.
    pub(super) cookie: Option<String>,
}

impl Seat {
    /// Nobody shares its port mapper.
    pub(super) fn alone() -> Self {
        let node = "orderflow@localhost".to_owned();
        Self { node, nodes: Vec::new(), epmd: None, cookie: None }
    }

    /// What starting it is called.
    pub(super) fn title(&self) -> String {
        if self.nodes.is_empty() {
            "Starting RabbitMQ".to_owned()
        } else {
            format!("Starting RabbitMQ {}", self.node)
        }
    }
}

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
    pub(super) fn choose(finder: &mut Finder, ports: &mut Ports, seat: &Seat) -> Result<Self> {
        let epmd = match seat.epmd {
            Some(shared) => shared,
            None => finder.keep_or_replace(&mut ports.epmd)?,
        };
        Ok(Self {
            amqp: finder.keep_or_replace(&mut ports.amqp)?,
            management: finder.keep_or_replace(&mut ports.management)?,
            distribution: finder.keep_or_replace(&mut ports.distribution)?,
            epmd,
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
    pub(super) seat: &'a Seat,
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
        if let Some(cookie) = &self.seat.cookie {
            let file = self.folder.join("home/.erlang.cookie");
            write_private(&file, cookie.as_bytes())?;
            fs::set_permissions(&file, Permissions::from_mode(0o400))
                .context("failed to protect the cookie")?;
        }
        write_private(&self.folder.join("conf.d/checkout.conf"), self.render().as_bytes())
    }

    fn render(&self) -> String {
        let Listeners { amqp, management, .. } = self.listeners;
        let text = format!(
            "# Set by `cargo xtask services up` for this checkout.\n\
             listeners.tcp.local = 127.0.0.1:{amqp}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             default_user = {USER}\n\
             default_pass = {}\n",
            self.password
        );
        let nodes = self.seat.nodes.iter().zip(1..);
        let nodes = nodes.map(|(node, number)| {
            format!("cluster_formation.classic_config.nodes.{number} = {node}\n")
        });
        text + &nodes.collect::<String>()
    }

    /// The variables of the server script: everything that would otherwise come from the system.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let own = |relative: &str| self.folder.join(relative).display().to_string();
        let log = |name: &str| self.logs.join(name).display().to_string();
        let shipped =
            |name: &str| self.checkout.path("ops/rabbitmq").join(name).display().to_string();
        vec![
            ("HOME", own("home")),
            ("RABBITMQ_NODENAME", self.seat.node.clone()),
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
