//! The programs that check rules and configurations of the monitoring, fetched without installing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::Checkout;
use crate::terminal::{Step, say};

/// Each Debian package, and its programs that tests run.
const PACKAGES: [(&str, &[&str]); 2] =
    [("prometheus", &["promtool", "prometheus"]), ("prometheus-alertmanager", &["amtool"])];

/// Where Debian's packages are unpacked, below the root of the checkout.
const FOLDER: &str = ".local/tools";

/// Sees to it that every program is on the path or below `.local/tools`.
///
/// A machine without Debian's packages can run all tests but those that need them: it is told.
pub(crate) fn provide(checkout: &Checkout) {
    let folder = checkout.path(FOLDER);
    for (package, programs) in PACKAGES {
        if programs.iter().all(|program| is_there(&folder, program)) {
            continue;
        }
        let names = programs.join(" and ");
        let step = Step::begin(format!("Fetching {names} from the Debian package {package}"));
        match fetch(&folder, programs, package) {
            Ok(()) => step.done("done"),
            Err(error) => say(&format!(
                "{names} are missing, and the tests that need them will fail: install the Debian \
                 package {package} ({error:#})"
            )),
        }
    }
}

fn is_there(folder: &Path, program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join(program));
    on_path.chain([unpacked(folder, program)]).any(|file| file.is_file())
}

fn unpacked(folder: &Path, program: &str) -> PathBuf {
    folder.join("usr/bin").join(program)
}

/// Unpacks a package without setting it up: no service, no user, no file outside the checkout.
fn fetch(folder: &Path, programs: &[&str], package: &str) -> Result<()> {
    let draft = folder.join(format!("{package}.draft"));
    fs::create_dir_all(&draft).context("failed to make a folder for it")?;
    // The package lists of a fresh machine are missing or old, which shows in the first try.
    if run(&draft, "apt-get", &["download", package]).is_err() {
        run(&draft, "apt-get", &["update"])?;
        run(&draft, "apt-get", &["download", package])?;
    }
    let archive = archive(&draft)?;
    run(&draft, "dpkg-deb", &["--extract", &archive, "root"])?;
    fs::create_dir_all(folder.join("usr/bin")).context("failed to make a folder for it")?;
    for program in programs {
        let brought = draft.join("root/usr/bin").join(program);
        fs::rename(brought, unpacked(folder, program)).context("the package does not bring it")?;
    }
    fs::remove_dir_all(&draft).context("failed to remove the rest of the package")
}

fn archive(folder: &Path) -> Result<String> {
    for entry in fs::read_dir(folder).context("failed to list what was fetched")? {
        let name = entry.context("failed to list what was fetched")?.file_name();
        let name = name.to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|ending| ending == "deb") {
            return Ok(name);
        }
    }
    bail!("nothing was fetched")
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().last().unwrap_or_default();
    bail!("{program} {} failed: {last}", arguments[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_unpacked_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let program = "a-program-that-nobody-has";
        assert!(!is_there(folder.path(), program));
        fs::create_dir_all(folder.path().join("usr/bin")).unwrap();
        fs::write(unpacked(folder.path(), program), "").unwrap();
        assert!(is_there(folder.path(), program));
    }

    #[test]
    fn the_archive_is_found_among_other_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(archive(folder.path()).is_err());
        for name in ["lists", "prometheus_2.42_amd64.deb"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(archive(folder.path()).unwrap(), "prometheus_2.42_amd64.deb");
    }
}
