//! Tools that Debian packages.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::services::{self, on_path};
use crate::{Checkout, Failure};

/// A tool of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Reads Compose files.
    Compose,
    /// Runs the publisher in Go.
    Go,
    /// Runs the publisher in Java.
    Java,
    /// Runs the publisher in JavaScript, and the parser of `AsyncAPI`.
    Node,
    /// Runs the publisher in PHP.
    Php,
    /// Runs the publisher in Python, and what PyPI packages.
    Python,
    /// Reads units.
    Systemd,
}

/// What shows that something is there, a program or a file, and the package that brings it.
type Part = (&'static str, &'static str);

impl Tool {
    /// Every tool.
    pub const ALL: [Self; 7] =
        [Self::Compose, Self::Go, Self::Java, Self::Node, Self::Php, Self::Python, Self::Systemd];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compose => "docker-compose",
            Self::Go => "go",
            Self::Java => "java",
            Self::Node => "node",
            Self::Php => "php",
            Self::Python => "python3",
            Self::Systemd => "systemd-analyze",
        }
    }

    fn parts(self) -> &'static [Part] {
        match self {
            Self::Compose => &[("docker-compose", "docker-compose")],
            Self::Go => &[
                ("go", "golang-go"),
                (
                    "/usr/share/gocode/src/github.com/rabbitmq/amqp091-go/channel.go",
                    "golang-github-rabbitmq-amqp091-go-dev",
                ),
            ],
            Self::Java => &[
                ("javac", "default-jdk-headless"),
                ("/usr/share/java/amqp-client.jar", "librabbitmq-client-java"),
                ("/usr/share/java/slf4j-nop.jar", "libslf4j-java"),
            ],
            Self::Node => &[("node", "nodejs"), ("npm", "npm")],
            Self::Php => {
                &[("php", "php-cli"), ("/usr/share/php/PhpAmqpLib/autoload.php", "php-amqplib")]
            }
            Self::Python => &[("python3", "python3"), (ENSUREPIP, "python3-venv")],
            Self::Systemd => &[("systemd-analyze", "systemd")],
        }
    }

    fn missing(self) -> Vec<&'static str> {
        let absent = |(proof, _): &&Part| !is_there(proof);
        self.parts().iter().filter(absent).map(|(_, package)| *package).collect()
    }

    /// Where it is; it is installed first if it is missing and that is possible.
    pub(super) fn provide(self, checkout: &Checkout) -> Result<PathBuf> {
        let missing = self.missing();
        if !missing.is_empty() {
            services::install_packages(checkout, &missing)?;
        }
        match on_path(self.name()) {
            Some(program) if self.missing().is_empty() => Ok(program),
            _ => bail!(Failure::Unavailable(format!(
                "{} is missing: install the Debian packages {}",
                self.name(),
                missing.join(" ")
            ))),
        }
    }
}

/// Stands for what Debian splits off from Python; other Pythons have it.
const ENSUREPIP: &str = "ensurepip";

fn is_there(proof: &str) -> bool {
    match proof {
        ENSUREPIP => std::process::Command::new("python3")
            .args(["-c", "import ensurepip, venv"])
            .output()
            .is_ok_and(|output| output.status.success()),
        file if file.starts_with('/') => Path::new(file).is_file(),
        program => on_path(program).is_some(),
    }
}
