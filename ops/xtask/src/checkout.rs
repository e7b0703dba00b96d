//! The checkout a task works on.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The root folder of a checkout of this repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    root: PathBuf,
    /// The name of services apart from the checkout's own.
    apart: Option<String>,
}

impl Checkout {
    /// Finds the checkout around the current folder.
    ///
    /// Searched at run time, so that a copied binary works on the checkout it is called in.
    pub fn find() -> Result<Self> {
        let start = env::current_dir().context("failed to read the current folder")?;
        let Some(root) = start.ancestors().find(|folder| is_root(folder)) else {
            bail!("{} is not inside a checkout of Orderflow", start.display());
        };
        Self::at(root)
    }

    /// Takes `root` as the root of a checkout.
    pub fn at(root: &Path) -> Result<Self> {
        let root = fs::canonicalize(root)
            .with_context(|| format!("failed to resolve {}", root.display()))?;
        Ok(Self { root, apart: None })
    }

    /// The same checkout with other private services: in a folder, on ports of their own.
    ///
    /// Tests that kill servers or fill them up do so with these.
    #[must_use]
    pub fn apart(&self, name: &str) -> Self {
        Self { apart: Some(name.to_owned()), ..self.clone() }
    }

    /// The name of its services, if they are not those that everything of the checkout shares.
    pub fn services_name(&self) -> Option<&str> {
        self.apart.as_deref()
    }

    /// The folder of its services.
    pub fn services_folder(&self) -> PathBuf {
        let shared = self.path(".local");
        // Servers are known by their folder: it has to be the same one by every way there.
        let shared = fs::canonicalize(&shared).unwrap_or(shared);
        self.apart.as_ref().map_or(shared.clone(), |name| shared.join(name))
    }

    /// The root folder, without symbolic links in it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Eight hex digits that tell the services on one machine apart, stable over runs.
    pub fn fingerprint(&self) -> String {
        format!("{:08x}", self.seed())
    }

    /// The same as a number.
    pub fn seed(&self) -> u32 {
        let root = self.root.as_os_str().as_encoded_bytes();
        match &self.apart {
            None => fnv1a(root),
            Some(name) => fnv1a(&[root, b"#", name.as_bytes()].concat()),
        }
    }
}

fn is_root(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file() && folder.join("ops/xtask/Cargo.toml").is_file()
}

/// The 32-bit FNV-1a hash, because the standard hasher may change between toolchains.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_the_published_fnv1a_value() {
        assert_eq!(fnv1a(b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn two_checkouts_have_different_fingerprints() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = Checkout::at(one.path()).unwrap();
        let other = Checkout::at(other.path()).unwrap();
        assert_ne!(one.fingerprint(), other.fingerprint());
        assert_ne!(one.fingerprint(), one.apart("chaos").fingerprint());
    }
}
