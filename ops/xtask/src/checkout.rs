//! The checkout a task works on.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The root folder of a checkout of this repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    root: PathBuf,
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
        Ok(Self { root })
    }

    /// The root folder, without symbolic links in it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Eight hex digits that tell checkouts on one machine apart, stable over runs.
    pub fn fingerprint(&self) -> String {
        format!("{:08x}", self.seed())
    }

    /// The same as a number.
    pub fn seed(&self) -> u32 {
        fnv1a(self.root.as_os_str().as_encoded_bytes())
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
    }
}
