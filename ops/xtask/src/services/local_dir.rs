//! The folder `.local/` of a checkout, where its private services live.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::server::Server;
use super::state::write_private;
use crate::{Checkout, terminal};

/// How many random bytes a password is made of.
const PASSWORD_BYTES: usize = 16;

/// How much of a line of a log is shown: a crash report of Erlang may be one of 10,000.
const COLUMNS: usize = 200;

/// The folder `.local/` of one checkout, or one in it for services apart.
#[derive(Clone, Debug)]
pub(super) struct LocalDir {
    checkout: Checkout,
    path: PathBuf,
}

impl LocalDir {
    /// The folder, which may not exist yet.
    pub(super) fn of(checkout: &Checkout) -> Self {
        Self { checkout: checkout.clone(), path: checkout.services_folder() }
    }

    /// The folder, made on first use.
    pub(super) fn create(checkout: &Checkout) -> Result<Self> {
        let dir = Self::of(checkout);
        // Others may pass through it, because Postgres runs as another user when root starts it,
        // but not list it. The files inside are private one by one.
        make_folder(&checkout.path(".local"), 0o711)?;
        make_folder(&dir.path, 0o711)?;
        make_folder(&dir.logs(), 0o711)?;
        Ok(dir)
    }

    /// A folder of the same kind inside, for one more server of this checkout.
    pub(super) fn nested(&self, name: &str) -> Self {
        Self { checkout: self.checkout.clone(), path: self.path.join(name) }
    }

    /// The same, made on first use.
    pub(super) fn create_nested(&self, name: &str) -> Result<Self> {
        let dir = self.nested(name);
        make_folder(&dir.path, 0o711)?;
        make_folder(&dir.logs(), 0o711)?;
        Ok(dir)
    }

    /// The checkout it belongs to.
    pub(super) fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// A path inside.
    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.path.join(relative)
    }

    /// The file that says what runs.
    pub(super) fn state_file(&self) -> PathBuf {
        self.path("services.json")
    }

    /// The folder of the servers' logs.
    pub(super) fn logs(&self) -> PathBuf {
        self.path("logs")
    }

    /// The file with the password of a server.
    pub(super) fn password_file(&self, server: Server) -> PathBuf {
        self.path(&format!("{}.password", server.name()))
    }

    /// The mark of a server of this checkout, see [`super::process::marked`].
    pub(super) fn mark(&self, server: Server) -> String {
        format!("{}#{}", self.path.display(), server.name())
    }

    /// Waits until no other task starts or stops services of this checkout.
    pub(super) fn lock(&self) -> Result<File> {
        let file = self.path("lock");
        let lock =
            File::create(&file).with_context(|| format!("failed to write {}", file.display()))?;
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => {
                terminal::say("Waiting for another task that starts or stops services here ...");
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).context("failed to lock the services of this checkout");
            }
        }
        lock.lock().context("failed to lock the services of this checkout")?;
        Ok(lock)
    }
}

/// Makes a folder with this mode, or gives an existing one this mode.
pub(super) fn make_folder(path: &Path, mode: u32) -> Result<()> {
    let make = || -> std::io::Result<()> {
        DirBuilder::new().recursive(true).mode(mode).create(path)?;
        if fs::metadata(path)?.permissions().mode() & 0o777 != mode {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    };
    make().with_context(|| format!("failed to make the folder {}", path.display()))
}

/// Removes a folder and all in it, if it is there.
pub(super) fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A password of a server.
#[derive(Clone, Debug)]
pub(super) struct Password {
    /// The password itself, of hex digits.
    pub(super) text: String,
    /// Whether it was made just now, so that data from before does not know it.
    pub(super) is_new: bool,
}

/// The password in `file`; a random one is written there first if it is missing.
pub(super) fn password(file: &Path) -> Result<Password> {
    if let Ok(kept) = fs::read_to_string(file)
        && !kept.trim().is_empty()
    {
        return Ok(Password { text: kept.trim().to_owned(), is_new: false });
    }
    let text = random_hex()?;
    write_private(file, text.as_bytes())?;
    Ok(Password { text, is_new: true })
}

fn random_hex() -> Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("failed to read random bytes")?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// The last lines of a log, for an error that says why a server did not start.
pub(super) fn tail(log: &Path, lines: usize) -> String {
    let all = log_lines(log);
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The first lines of a log, where the cause is followed by its consequences.
pub(super) fn head(log: &Path, lines: usize) -> String {
    let all = log_lines(log);
    all[..lines.min(all.len())].join("\n")
}

fn log_lines(log: &Path) -> Vec<String> {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().map(|line| line.chars().take(COLUMNS).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let first = password(&file).unwrap();
        assert!(first.is_new);
        assert_eq!(first.text.len(), 2 * PASSWORD_BYTES);
        let second = password(&file).unwrap();
        assert!(!second.is_new);
        assert_eq!(second.text, first.text);
    }

    #[test]
    fn head_and_tail_of_a_log_are_its_first_and_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&log, 2), "two\nthree");
        assert_eq!(head(&log, 2), "one\ntwo");
        assert_eq!(head(&log, 9), "one\ntwo\nthree");
        assert_eq!(tail(&folder.path().join("absent"), 2), "");
    }

    #[test]
    fn only_one_task_holds_the_lock() {
        let root = tempfile::tempdir().unwrap();
        let dir = LocalDir::create(&Checkout::at(root.path()).unwrap()).unwrap();
        let held = dir.lock().unwrap();
        let other = File::open(dir.path("lock")).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        other.try_lock().unwrap();
    }
}
