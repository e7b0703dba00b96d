//! Programs of others that tests of deployment files and publishers use: `cargo xtask tools`.
//!
//! Each is installed on its first use if it is missing: from Debian's packages into the system,
//! all else below `.local/tools`.

mod debian;
mod packages;

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result};

pub use debian::Tool;

use crate::Checkout;

/// What PyPI brings: checks of deployment files, and the publisher's client.
const PYTHON: [&str; 2] = ["ops/tools/requirements.txt", "ops/publishers/python/requirements.txt"];

/// The tools of a checkout.
#[derive(Clone, Debug)]
pub struct Tools {
    checkout: Checkout,
}

impl Tools {
    /// The tools of this checkout.
    pub fn of(checkout: &Checkout) -> Self {
        Self { checkout: checkout.clone() }
    }

    /// Where a tool of the system is.
    ///
    /// # Errors
    /// When it is missing and cannot be installed.
    pub fn program(&self, tool: Tool) -> Result<PathBuf> {
        let _lock = self.lock()?;
        tool.provide(&self.checkout)
    }

    /// The folder of programs of a Python with our packages.
    ///
    /// # Errors
    /// When it is missing and cannot be installed.
    pub fn python(&self) -> Result<PathBuf> {
        let _lock = self.lock()?;
        packages::python(&self.checkout, &PYTHON)
    }

    /// The packages of npm that check the contract, and objects of operators in manifests.
    ///
    /// # Errors
    /// When they are missing and cannot be installed.
    pub fn contract_modules(&self) -> Result<PathBuf> {
        let _lock = self.lock()?;
        packages::node(&self.checkout, "contract", "ops/tools/package.json")
    }

    /// The packages of npm that the publisher uses.
    ///
    /// # Errors
    /// When they are missing and cannot be installed.
    pub fn publisher_modules(&self) -> Result<PathBuf> {
        let _lock = self.lock()?;
        packages::node(&self.checkout, "publisher", "ops/publishers/node/package.json")
    }

    /// Waits until no other process of this checkout installs anything.
    fn lock(&self) -> Result<File> {
        let folder = self.checkout.path(".local");
        fs::create_dir_all(&folder).context("failed to make .local")?;
        let lock = File::create(folder.join("tools.lock")).context("failed to write a lock")?;
        lock.lock().context("failed to wait for other tasks that install tools")?;
        Ok(lock)
    }
}

/// Installs every tool and says where each is.
pub(crate) fn install_all(checkout: &Checkout) -> Result<()> {
    let tools = Tools::of(checkout);
    for tool in Tool::ALL {
        println!("{:<16} {}", tool.name(), tools.program(tool)?.display());
    }
    println!("{:<16} {}", "PyPI", tools.python()?.display());
    println!("{:<16} {}", "npm", tools.contract_modules()?.display());
    println!("{:<16} {}", "npm", tools.publisher_modules()?.display());
    Ok(())
}
