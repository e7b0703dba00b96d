//! A newer RabbitMQ than the installed one: Debian's packages, unpacked into a folder of their own.
//!
//! The mirror, its keys and any proxy are those of this machine's apt; nothing on the system is
//! changed. A node is run in a mount namespace with that folder as its root, in which the checkout
//! has the place it has outside.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use super::binaries::on_path;
use super::choice::BrokerRelease;
use super::local_dir::{LocalDir, make_folder, remove_folder, tail};
use super::process::output;
use crate::Failure;
use crate::terminal::Step;

/// What is unpacked with all it depends on: the broker, and what its start script calls.
const PACKAGES: [&str; 9] = [
    "rabbitmq-server",
    "base-files",
    "dash",
    "coreutils",
    "sed",
    "grep",
    "mawk",
    "hostname",
    "procps",
];

/// Where Debian's own keys are.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The server script, as in an installed RabbitMQ.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Puts `/proc`, `/dev` and the checkout into the folder, makes it the root and becomes a program.
const ENTER: &str = "mount --rbind /proc \"$1/proc\" && mount --rbind /dev \"$1/dev\" && \
    mkdir -p \"$1$2\" && mount --bind \"$2\" \"$1$2\" && root=\"$1\" && shift 2 && \
    exec chroot \"$root\" \"$@\"";

/// An unpacked RabbitMQ.
#[derive(Clone, Debug)]
pub(super) struct Unpacked {
    root: PathBuf,
    checkout: PathBuf,
}

impl Unpacked {
    /// The release below `.local/brokers`, fetched and unpacked on first use.
    ///
    /// Fails with [`Failure::Unavailable`], which says what is missing, when it cannot be had.
    pub(super) fn provide(dir: &LocalDir, release: BrokerRelease) -> Result<Self> {
        let folder = dir.path(&format!("brokers/release-{}", release.version()));
        let checkout = dir.checkout().root().to_owned();
        let unpacked = Self { root: folder.join("root"), checkout };
        require_namespaces(release)?;
        if !unpacked.root.is_dir() {
            let step = Step::begin(format!("Fetching RabbitMQ {}", release.version()));
            make_folder(&folder, 0o755)?;
            let archives = Fetch::new(dir, &folder, release)?.run()?;
            let draft = folder.join("root.unfinished");
            remove_folder(&draft)?;
            unpack(&archives, &draft)?;
            fs::rename(&draft, &unpacked.root).context("failed to finish the unpacked release")?;
            remove_folder(&folder.join("cache"))?;
            step.done("unpacked");
        }
        Ok(unpacked)
    }

    /// How to run the server script in there.
    pub(super) fn server(&self) -> Vec<OsString> {
        self.program(SERVER)
    }

    /// How to run the Erlang port mapper in there.
    pub(super) fn epmd(&self) -> Vec<OsString> {
        self.program("/usr/bin/epmd")
    }

    fn program(&self, program: &str) -> Vec<OsString> {
        let mut command: Vec<OsString> = enter_namespace().map(OsString::from).collect();
        command.extend(["/bin/sh", "-c", ENTER, "sh"].map(OsString::from));
        command.extend([self.root.clone().into(), self.checkout.clone().into(), program.into()]);
        command
    }
}

/// A namespace of mounts of its own; ordinary users first get one of users.
fn enter_namespace() -> impl Iterator<Item = &'static str> {
    let as_root = (!geteuid().is_root()).then_some("--map-root-user");
    ["unshare", "--mount"].into_iter().chain(as_root)
}

/// Whether this person may make a namespace here.
fn require_namespaces(release: BrokerRelease) -> Result<()> {
    let mut words = enter_namespace();
    let mut command = Command::new(words.next().expect("the program comes first"));
    match output(command.args(words).args(["--", "true"])) {
        Ok(_) => Ok(()),
        Err(error) => bail!(unavailable(
            release,
            &format!("this user may not make a namespace of mounts ({error:#})"),
            "run it as root, or allow user namespaces to ordinary users",
        )),
    }
}

fn unavailable(release: BrokerRelease, why: &str, what_to_do: &str) -> Failure {
    Failure::Unavailable(format!(
        "RabbitMQ {} cannot be set up here: {why}; {what_to_do}, or set ORDERFLOW_AMQP_URL and \
         ORDERFLOW_MANAGEMENT_URL to a broker of that version",
        release.version()
    ))
}

/// Fetching the packages with this machine's apt, but with lists and archives of its own.
struct Fetch<'a> {
    release: BrokerRelease,
    folder: &'a Path,
    log: PathBuf,
}

impl<'a> Fetch<'a> {
    fn new(dir: &LocalDir, folder: &'a Path, release: BrokerRelease) -> Result<Self> {
        for program in ["apt-get", "apt-cache", "dpkg-deb", "tar", "chroot"] {
            if on_path(program).is_none() {
                let why = format!("`{program}` is missing: this is no Debian");
                bail!(unavailable(release, &why, "use a machine with Debian"));
            }
        }
        for inner in ["lists/partial", "cache/archives/partial"] {
            make_folder(&folder.join(inner), 0o755)?;
        }
        fs::write(folder.join("status"), "").context("failed to write an empty package status")?;
        Ok(Self { release, folder, log: dir.logs().join("release.log") })
    }

    /// The archives of everything needed.
    fn run(&self) -> Result<Vec<PathBuf>> {
        let mirrors = mirrors()?;
        let found = mirrors.iter().find(|mirror| self.carries(mirror).is_ok_and(|carries| carries));
        if found.is_none() {
            let why = format!(
                "none of the {} mirrors that apt is configured for carries rabbitmq-server {} in \
                 the suite {} (see {})",
                mirrors.len(),
                self.release.version(),
                self.release.suite(),
                self.log.display()
            );
            bail!(unavailable(self.release, &why, "configure apt for a full Debian mirror"));
        }
        let install = ["install", "--yes", "--no-install-recommends", "--download-only"];
        let arguments: Vec<&str> = install.into_iter().chain(PACKAGES).collect();
        self.apt_get(&arguments)?;
        let entries = fs::read_dir(self.folder.join("cache/archives"))
            .context("failed to list the fetched packages")?;
        let archives = entries.flatten().map(|entry| entry.path());
        Ok(archives.filter(|path| path.extension().is_some_and(|it| it == "deb")).collect())
    }

    /// Whether this mirror has the release; its lists are fetched for that.
    fn carries(&self, mirror: &str) -> Result<bool> {
        let keys = if Path::new(KEYRING).is_file() {
            format!("[signed-by={KEYRING}] ")
        } else {
            String::new()
        };
        let line = format!("deb {keys}{mirror} {} main\n", self.release.suite());
        fs::write(self.folder.join("sources.list"), line).context("failed to write a source")?;
        self.apt_get(&["update", "-o", "APT::Update::Error-Mode=any"])?;
        let mut policy = Command::new("apt-cache");
        let text = output(policy.args(self.options()).args(["policy", "rabbitmq-server"]))?;
        let candidate = text.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        let wanted = format!("{}.", self.release.version());
        Ok(candidate.is_some_and(|version| version.starts_with(&wanted)))
    }

    fn options(&self) -> Vec<String> {
        let own = |name: &str| self.folder.join(name).display().to_string();
        [
            format!("Dir::Etc::SourceList={}", own("sources.list")),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            format!("Dir::State={}", self.folder.display()),
            format!("Dir::State::status={}", own("status")),
            format!("Dir::Cache={}", own("cache")),
            format!("APT::Sandbox::User={}", if geteuid().is_root() { "root" } else { "" }),
        ]
        .into_iter()
        .flat_map(|option| ["-o".to_owned(), option])
        .collect()
    }

    fn apt_get(&self, arguments: &[&str]) -> Result<()> {
        let log = fs::File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("failed to open {}", self.log.display()))?;
        let status = Command::new("apt-get")
            .args(self.options())
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("failed to share the log")?)
            .stderr(log)
            .status()
            .context("failed to start apt-get")?;
        if status.success() {
            return Ok(());
        }
        bail!(
            "apt-get {} failed; {} ends with:\n{}",
            arguments[0],
            self.log.display(),
            tail(&self.log, 8)
        )
    }
}

/// The mirrors of this machine's apt, those of Debian itself if they are known as such.
fn mirrors() -> Result<Vec<String>> {
    let list = |filters: &[&str]| -> Result<Vec<String>> {
        let mut command = Command::new("apt-get");
        command.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
        let text = output(command.args(filters))?;
        let mut all = Vec::new();
        for line in text.lines() {
            if !all.iter().any(|known| known == line) {
                all.push(line.to_owned());
            }
        }
        Ok(all)
    };
    let debian = list(&["Origin: Debian", "Label: Debian"])?;
    if debian.is_empty() { list(&[]) } else { Ok(debian) }
}

/// Unpacks archives into `root`, and adds what their set-up scripts would have.
fn unpack(archives: &[PathBuf], root: &Path) -> Result<()> {
    make_folder(root, 0o755)?;
    // The links `/bin`, `/lib` and so on come with this one, and have to be there first.
    let is_base = |path: &&PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("base-files_"))
    };
    let rest = archives.iter().filter(|path| !is_base(path));
    for archive in archives.iter().filter(is_base).chain(rest) {
        unpack_one(archive, root)?;
    }
    let awk = root.join("usr/bin/awk");
    if fs::symlink_metadata(&awk).is_err() {
        symlink("mawk", &awk).context("failed to link awk")?;
    }
    for (file, text) in [
        ("etc/hosts", "127.0.0.1 localhost\n"),
        ("etc/nsswitch.conf", "hosts: files\npasswd: files\ngroup: files\n"),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        ("etc/group", "root:x:0:\n"),
    ] {
        fs::write(root.join(file), text).with_context(|| format!("failed to write {file}"))?;
    }
    Ok(())
}

fn unpack_one(archive: &Path, root: &Path) -> Result<()> {
    let mut packed = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(archive)
        .stdout(Stdio::piped())
        .spawn()
        .context("failed to start dpkg-deb")?;
    let tar = packed.stdout.take().context("the output is piped")?;
    let unpacking = Command::new("tar")
        .args(["--extract", "--keep-directory-symlink", "--no-same-owner", "--directory"])
        .arg(root)
        .args(["--exclude=./usr/share/doc", "--exclude=./usr/share/man"])
        .arg("--exclude=./usr/share/locale")
        .stdin(tar)
        .status()
        .context("failed to start tar")?;
    let packed = packed.wait().context("failed to wait for dpkg-deb")?;
    if !unpacking.success() || !packed.success() {
        bail!("failed to unpack {}", archive.display());
    }
    Ok(())
}
