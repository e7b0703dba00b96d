//! Where the installed servers are.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where Debian puts one folder per major version.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// The server script itself. The one in `/usr/sbin` insists on root or the user `rabbitmq`.
const RABBITMQ_SCRIPT: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// The installed PostgreSQL of one major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PostgresBinaries {
    /// The folder with `postgres`, `initdb` and `psql`.
    pub(super) folder: PathBuf,
}

impl PostgresBinaries {
    /// The newest version, or the one that made an existing data directory.
    pub(super) fn find(made_by: Option<&str>) -> Option<Self> {
        let folders = postgres_folders(Path::new(POSTGRES_VERSIONS));
        let matching = folders.iter().find(|(version, _)| Some(version.as_str()) == made_by);
        if let Some((_, folder)) = matching.or(folders.first()) {
            return Some(Self { folder: folder.clone() });
        }
        let initdb = on_path("initdb").and_then(|found| fs::canonicalize(found).ok())?;
        on_path("postgres")?;
        Some(Self { folder: initdb.parent()?.to_owned() })
    }

    /// One of its programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        let own = self.folder.join(name);
        if own.is_file() { own } else { PathBuf::from(name) }
    }
}

/// The folders with binaries below `versions`, newest major version first.
fn postgres_folders(versions: &Path) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(versions)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let folder = entry.path().join("bin");
            let complete = ["initdb", "postgres"].iter().all(|name| folder.join(name).is_file());
            complete.then_some((version, folder))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(version, folder)| (version.to_string(), folder)).collect()
}

/// The script that starts a RabbitMQ node, if it and Erlang are installed.
pub(super) fn rabbitmq_server() -> Option<PathBuf> {
    on_path("erl")?;
    let script = PathBuf::from(RABBITMQ_SCRIPT);
    if script.is_file() { Some(script) } else { on_path("rabbitmq-server") }
}

/// The Erlang port mapper; RabbitMQ starts one itself where it is not on the path.
pub(super) fn epmd() -> Option<PathBuf> {
    on_path("epmd")
}

/// The first program of this name on the search path.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&search_path()).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The caller's search path, with the folders that ordinary users often lack.
pub(super) fn search_path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_version_comes_first() {
        let versions = tempfile::tempdir().unwrap();
        for (version, programs) in
            [("9", vec!["initdb", "postgres"]), ("15", vec!["initdb", "postgres"]), ("17", vec![])]
        {
            let bin = versions.path().join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            for program in programs {
                fs::write(bin.join(program), "").unwrap();
            }
        }
        let found: Vec<_> =
            postgres_folders(versions.path()).into_iter().map(|(version, _)| version).collect();
        assert_eq!(found, ["15", "9"]);
    }
}
