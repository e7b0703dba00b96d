//! Who a server runs as: the person who calls, or somebody else where the server refuses root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use super::process::output;

/// Accounts to fall back to as root: the server's own, else the one that owns nothing.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// The account a server runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Whoever runs the task.
    Caller,
    /// Another one; only root can choose it.
    Other {
        /// Its user number.
        uid: u32,
        /// Its group number.
        gid: u32,
    },
}

impl Account {
    /// An account that is not root: the caller, the owner of `data` if it exists, or `postgres`.
    pub(super) fn unprivileged(data: &Path) -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::Caller);
        }
        if let Ok(owner) = fs::metadata(data)
            && owner.uid() != 0
        {
            return Ok(Self::Other { uid: owner.uid(), gid: owner.gid() });
        }
        for name in UNPRIVILEGED {
            if let (Some(uid), Some(gid)) = (number("-u", name), number("-g", name)) {
                return Ok(Self::Other { uid, gid });
            }
        }
        bail!("root may not run PostgreSQL, and there is no user `postgres` or `nobody` to run it")
    }

    /// A program run by this account, with an empty environment but for `PATH`.
    pub(super) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", super::binaries::search_path());
        if let Self::Other { uid, gid } = self {
            // The working folder of root is often closed to others.
            command.uid(uid).gid(gid).current_dir("/");
        }
        command
    }

    /// Hands a file or folder to this account.
    pub(super) fn give(self, path: &Path) -> Result<()> {
        match self {
            Self::Caller => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid))
                .with_context(|| format!("failed to hand over {}", path.display())),
        }
    }

    /// Whether this account can write in `folder`, asked of the system itself.
    pub(super) fn can_write(self, folder: &Path) -> bool {
        self.command("test").arg("-w").arg(folder).status().is_ok_and(|status| status.success())
    }
}

fn number(which: &str, name: &str) -> Option<u32> {
    output(Command::new("id").args([which, name])).ok()?.parse().ok()
}
