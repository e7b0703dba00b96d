//! The shop's choices in force, taken over anew when somebody asks.

use std::path::{Path, PathBuf};

use domain::PolicyBook;
use domain::policy::{Overrides, PolicyFile};
use telemetry::happenings::PoliciesReloaded;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The choices in force, and where they come from.
#[derive(Clone, Debug)]
pub struct LivePolicies {
    file: Option<PathBuf>,
    overrides: Overrides,
    book: watch::Sender<PolicyBook>,
}

impl LivePolicies {
    /// Reads the file, if there is one, and what the environment sets.
    ///
    /// # Errors
    /// Everything in it that cannot be used.
    pub(crate) fn read(file: Option<&Path>, overrides: Overrides) -> Result<Self, String> {
        let book = watch::Sender::new(read(file, &overrides)?);
        Ok(Self { file: file.map(Path::to_owned), overrides, book })
    }

    /// The choices in force now.
    pub fn current(&self) -> PolicyBook {
        self.book.borrow().clone()
    }

    /// Every change from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<PolicyBook> {
        self.book.subscribe()
    }

    /// Reads the file again; the choices in force stay when it cannot be used.
    fn reload(&self, worker: &'static str) {
        let read = read(self.file.as_deref(), &self.overrides);
        let result = read.map(|book| {
            let version = book.version().clone();
            self.book.send_replace(book);
            version
        });
        PoliciesReloaded { worker, result: result.as_ref().map(contracts::Token::as_str) }.emit();
    }

    /// Reloads whenever the process gets SIGHUP.
    ///
    /// # Errors
    /// When the signal cannot be listened to.
    pub(crate) fn reload_on_hangup(&self, worker: &'static str) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let policies = self.clone();
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                policies.reload(worker);
            }
        });
        Ok(())
    }
}

/// No choices of anybody's own.
impl Default for LivePolicies {
    fn default() -> Self {
        let book = watch::Sender::new(PolicyBook::default());
        Self { file: None, overrides: Overrides::default(), book }
    }
}

fn read(file: Option<&Path>, overrides: &Overrides) -> Result<PolicyBook, String> {
    let text = match file {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("failed to read {}: {error}", path.display()))?,
    };
    let read = PolicyFile { text, overrides: overrides.clone() }.read();
    read.map_err(|error| match file {
        Some(path) => format!("{}: {error}", path.display()),
        None => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_leaves_the_last_good_choices_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policies.toml");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        write("[window]\ncard = \"10m\"");
        let policies = LivePolicies::read(Some(&file), Overrides::default()).unwrap();
        let changes = policies.changes();
        let first = policies.current();
        write("[window]\ncard = \"never\"\ncolour = 1");
        policies.reload("test");
        assert_eq!(policies.current(), first);
        assert!(!changes.has_changed().unwrap());
        write("[window]\ncard = \"20m\"");
        policies.reload("test");
        assert_eq!(policies.current().everyone().windows.card.as_secs(), 20 * 60);
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let missing = Path::new("/nowhere/policies.toml");
        let error = LivePolicies::read(Some(missing), Overrides::default()).unwrap_err();
        assert!(error.starts_with("failed to read /nowhere/policies.toml: "), "{error}");
    }
}
