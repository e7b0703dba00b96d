//! Where schemas to compare come from: this program, a folder, or a revision of Git.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use url::Url;

use crate::events::schema_texts;
use crate::exit::{Exit, Failure};

/// Where a checkout has its schemas.
const FOLDER: &str = "schemas/events";

/// What the name of a schema's file ends with.
const SUFFIX: &str = ".schema.json";

/// The schema of what events share; it is no event.
const SHARED: &str = "definitions";

/// The schemas of a contract.
#[derive(Clone, Debug)]
pub(crate) struct SchemaSet {
    /// By the name of the event, and one for what they share.
    documents: BTreeMap<String, Value>,
}

impl SchemaSet {
    /// Those that this program was built with.
    pub(crate) fn built_in() -> Self {
        let read = |(name, text): (&str, &str)| {
            (name.to_owned(), serde_json::from_str(text).expect("schemas are JSON"))
        };
        Self { documents: schema_texts().map(read).collect() }
    }

    /// Those in a folder, or in the folder of schemas of a checkout.
    pub(crate) fn of_folder(folder: &Path) -> Result<Self, Failure> {
        let inner = folder.join(FOLDER);
        let folder = if inner.is_dir() { &*inner } else { folder };
        let unreadable = |error: std::io::Error| {
            let what = format!("failed to read the schemas in {}", folder.display());
            Failure::new(Exit::Failed, what, "name a folder of schemas").because(error.to_string())
        };
        let mut texts = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(SUFFIX));
            if let Some(name) = name {
                texts.push((name.to_owned(), fs::read_to_string(&path).map_err(unreadable)?));
            }
        }
        Self::of_texts(texts, &folder.display().to_string())
    }

    /// Those of a revision of the checkout around the current folder.
    pub(crate) fn of_revision(revision: &str) -> Result<Self, Failure> {
        let listed = git(&["ls-tree", "--full-tree", "--name-only", revision, "schemas/events/"])?;
        let mut texts = Vec::new();
        for path in listed.lines() {
            let name = path.rsplit_once('/').and_then(|(_, name)| name.strip_suffix(SUFFIX));
            if let Some(name) = name {
                texts.push((name.to_owned(), git(&["show", &format!("{revision}:{path}")])?));
            }
        }
        Self::of_texts(texts, revision)
    }

    fn of_texts(texts: Vec<(String, String)>, from: &str) -> Result<Self, Failure> {
        let fail = |why: String| {
            let what = format!("failed to read the schemas of {from}");
            Err(Failure::new(Exit::Failed, what, "name a folder or a revision with schemas")
                .because(why))
        };
        if texts.is_empty() {
            return fail(format!("it has no file *{SUFFIX}"));
        }
        let mut documents = BTreeMap::new();
        for (name, text) in texts {
            match serde_json::from_str::<Value>(&text) {
                Ok(document) => documents.insert(name, document),
                Err(error) => return fail(format!("{name}{SUFFIX}: {error}")),
            };
        }
        Ok(Self { documents })
    }

    /// Every event with its schema.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&str, &Value)> {
        let documents = self.documents.iter().filter(|(name, _)| *name != SHARED);
        documents.map(|(name, document)| (name.as_str(), document))
    }

    /// The schema of an event.
    pub(crate) fn event(&self, name: &str) -> Option<&Value> {
        self.documents.get(name)
    }

    /// What a reference in a document leads to: the document, and the place in it.
    pub(super) fn resolve<'a>(
        &'a self,
        from: &'a Value,
        reference: &str,
    ) -> Option<(&'a Value, &'a Value)> {
        let (document, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if document.is_empty() {
            from
        } else {
            let id = Url::parse(from["$id"].as_str()?).ok()?.join(document).ok()?;
            self.documents.values().find(|it| it["$id"] == id.as_str())?
        };
        Some((document, document.pointer(pointer)?))
    }
}

fn git(arguments: &[&str]) -> Result<String, Failure> {
    let failed = |why: String| {
        let next = "name a folder, or a revision that `git rev-parse` knows";
        Failure::new(Exit::Failed, "failed to ask Git for the schemas", next).because(why)
    };
    let output = Command::new("git").args(arguments).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
}
