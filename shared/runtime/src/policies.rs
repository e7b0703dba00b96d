//! The shop's choices in force, taken over anew when somebody asks.

use std::path::{Path, PathBuf};

use domain::PolicyBook;
use domain::policy::{Overrides, PolicyFile};
use guidance::Templates;
use telemetry::happenings::PoliciesReloaded;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The choices in force, and where they come from.
#[derive(Clone, Debug)]
pub struct LivePolicies {
    file: Option<PathBuf>,
    templates: Option<PathBuf>,
    overrides: Overrides,
    book: watch::Sender<PolicyBook>,
}

impl LivePolicies {
    /// Reads the file and the folder of texts, if there are any, and what the environment sets.
    ///
    /// # Errors
    /// Everything in them that cannot be used.
    pub(crate) fn read(
        file: Option<&Path>,
        templates: Option<&Path>,
        overrides: Overrides,
    ) -> Result<Self, String> {
        let book = watch::Sender::new(read(file, templates, &overrides)?);
        let (file, templates) = (file.map(Path::to_owned), templates.map(Path::to_owned));
        Ok(Self { file, templates, overrides, book })
    }

    /// The choices in force now.
    pub fn current(&self) -> PolicyBook {
        self.book.borrow().clone()
    }

    /// Every change from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<PolicyBook> {
        self.book.subscribe()
    }

    /// Reads file and folder again; the choices in force stay when one cannot be used.
    fn reload(&self, worker: &'static str) {
        let read = read(self.file.as_deref(), self.templates.as_deref(), &self.overrides);
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
        Self { file: None, templates: None, overrides: Overrides::default(), book }
    }
}

/// The choices with their texts; what is wrong with either is named together.
fn read(
    file: Option<&Path>,
    templates: Option<&Path>,
    overrides: &Overrides,
) -> Result<PolicyBook, String> {
    let texts = templates.map(read_texts).transpose();
    match (read_choices(file, overrides), texts) {
        (Ok(book), Ok(None)) => Ok(book),
        (Ok(book), Ok(Some(texts))) => Ok(book.with_texts(texts)),
        (Err(choices), Err(texts)) => Err(format!("{choices}\n{texts}")),
        (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => Err(problems),
    }
}

fn read_texts(folder: &Path) -> Result<Templates, String> {
    Templates::load(folder).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("\n  {problem}"));
        let head = format!("{} problem(s) with the texts of people:", problems.len());
        lines.fold(head, |text, line| text + &line)
    })
}

fn read_choices(file: Option<&Path>, overrides: &Overrides) -> Result<PolicyBook, String> {
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
        let policies = LivePolicies::read(Some(&file), None, Overrides::default()).unwrap();
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
    fn broken_texts_are_refused_with_every_problem_and_the_last_good_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let english = folder.path().join("en");
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guidance/templates/en");
        std::fs::create_dir(&english).unwrap();
        for file in std::fs::read_dir(built_in).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), english.join(file.file_name())).unwrap();
        }
        let read = || LivePolicies::read(None, Some(folder.path()), Overrides::default());
        let policies = read().unwrap();
        let first = policies.current();
        assert_eq!(first.texts().locales().collect::<Vec<_>>(), ["en"]);

        let orders = english.join("orders.ftl");
        let text = std::fs::read_to_string(&orders).unwrap();
        let text = text.replace("{ $expires_at }", "soon").replace("order-paid =", "order-payed =");
        std::fs::write(&orders, text).unwrap();
        policies.reload("test");
        assert_eq!(policies.current(), first);
        let problems = read().unwrap_err();
        for named in ["order-paid", "order-payed", "order-expired"] {
            assert!(problems.contains(named), "{named} is not in: {problems}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let missing = Path::new("/nowhere/policies.toml");
        let error = LivePolicies::read(Some(missing), None, Overrides::default()).unwrap_err();
        assert!(error.starts_with("failed to read /nowhere/policies.toml: "), "{error}");
    }
}
