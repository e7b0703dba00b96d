//! The committed data that SQL is checked against while compiling, in `.sqlx`.
//!
//! Each query is one file, named by the hash of its text. The macros write it when they compile
//! with `SQLX_OFFLINE_DIR` set and a database at hand, which is all that is relied on here.

mod migrations;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::migrations::Migrations;
use crate::services::{self, Psql};
use crate::terminal::{Step, say};
use crate::{Checkout, Failure, cargo};

/// The crates whose queries are checked.
const CRATES: [&str; 2] = ["store", "orderctl"];

/// How much of a query is shown.
const EXCERPT: usize = 72;

/// The data by file name.
type QueryData = BTreeMap<String, String>;

/// Replaces the committed data by what the database says now.
pub(crate) fn refresh(checkout: &Checkout) -> Result<()> {
    let fresh = describe(checkout)?;
    let folder = checkout.path(".sqlx");
    let committed = read(&folder)?;
    fs::create_dir_all(&folder).context("failed to make the folder .sqlx")?;
    for name in committed.keys().filter(|name| !fresh.contains_key(*name)) {
        fs::remove_file(folder.join(name)).with_context(|| format!("failed to remove {name}"))?;
    }
    for (name, text) in &fresh {
        if committed.get(name) != Some(text) {
            fs::write(folder.join(name), text)
                .with_context(|| format!("failed to write {name}"))?;
        }
    }
    say(&format!("{} queries in .sqlx, {} changes", fresh.len(), stale(&committed, &fresh).len()));
    Ok(())
}

/// Fails with [`Failure::NotAsExpected`] when the committed data is not what the database says.
pub(crate) fn check(checkout: &Checkout) -> Result<()> {
    let fresh = describe(checkout)?;
    let stale = stale(&read(&checkout.path(".sqlx"))?, &fresh);
    if stale.is_empty() {
        say(&format!("{} queries in .sqlx, all fresh", fresh.len()));
        return Ok(());
    }
    bail!(Failure::NotAsExpected(format!(
        "the data in .sqlx is stale, `cargo xtask sqlx` refreshes it:\n{}",
        stale.join("\n")
    )))
}

/// Compiles the crates with queries against a database with all migrations.
fn describe(checkout: &Checkout) -> Result<QueryData> {
    let addresses = services::up(checkout, services::BrokerChoice::default())?;
    let scratch = ScratchDatabase::create(&services::psql(&addresses)?)?;
    let migrations = Migrations::read(&checkout.path("schemas/postgres/migrations"))?;
    let step = Step::begin("Migrating an empty database up, down and up again");
    migrations.prove(&scratch.psql)?;
    step.done(&format!("{} migrations", migrations.count()));
    compile(checkout, scratch.psql.url())
}

fn compile(checkout: &Checkout, database_url: &str) -> Result<QueryData> {
    say("Compiling the crates with queries against that database ...");
    let output = tempfile::tempdir().context("failed to make a temporary folder")?;
    // A target folder of its own, in which these crates are never up to date: cargo does not know
    // that they depend on the database.
    let target = cargo::target_directory(checkout)?.join("sqlx");
    let packages: Vec<&str> = CRATES.iter().flat_map(|name| ["--package", *name]).collect();
    let mut clean = cargo::cargo(checkout, ["clean", "--quiet"]);
    cargo::run(clean.args(&packages).arg("--target-dir").arg(&target))?;
    let mut check = cargo::cargo(checkout, ["check", "--all-targets"]);
    check
        .args(&packages)
        .arg("--target-dir")
        .arg(&target)
        .env("DATABASE_URL", database_url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", output.path());
    cargo::run(&mut check)?;
    read(output.path())
}

/// Reads all query files of a folder; one that does not exist has none.
fn read(folder: &Path) -> Result<QueryData> {
    let mut all = QueryData::new();
    if !folder.exists() {
        return Ok(all);
    }
    let entries =
        fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in entries {
        let path = entry.context("failed to list the query data")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("query-") && path.extension() == Some(OsStr::new("json")) {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            all.insert(name, text);
        }
    }
    Ok(all)
}

/// One line per query that differs, with the beginning of its text.
fn stale(committed: &QueryData, fresh: &QueryData) -> Vec<String> {
    let missing = fresh.iter().filter(|(name, _)| !committed.contains_key(*name));
    let unused = committed.iter().filter(|(name, _)| !fresh.contains_key(*name));
    let changed = fresh
        .iter()
        .filter(|(name, text)| committed.get(*name).is_some_and(|committed| committed != *text));
    let line = |what: &str, text: &str| format!("  {what}: {}", excerpt(text));
    missing
        .map(|(_, text)| line("missing", text))
        .chain(changed.map(|(_, text)| line("changed", text)))
        .chain(unused.map(|(_, text)| line("unused ", text)))
        .collect()
}

fn excerpt(data: &str) -> String {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let query = data["query"].as_str().unwrap_or("(unreadable)");
    let words: Vec<&str> = query.split_whitespace().collect();
    words.join(" ").chars().take(EXCERPT).collect()
}

/// An empty database, dropped at the end.
struct ScratchDatabase {
    server: Psql,
    psql: Psql,
    name: String,
}

impl ScratchDatabase {
    fn create(server: &Psql) -> Result<Self> {
        let name = format!("sqlx_data_{}", std::process::id());
        let server = server.clone();
        server.query(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        server.query(&format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(Self { psql: server.database(&name), server, name })
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Err(error) = self.server.query(&statement) {
            say(&format!("the database {} stays behind: {error:#}", self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(pairs: &[(&str, &str)]) -> QueryData {
        let entry = |(name, sql): &(&str, &str)| {
            ((*name).to_owned(), serde_json::json!({ "query": sql }).to_string())
        };
        pairs.iter().map(entry).collect()
    }

    #[test]
    fn equal_data_is_fresh() {
        let same = data(&[("query-1.json", "SELECT 1")]);
        assert!(stale(&same, &same).is_empty());
    }

    #[test]
    fn each_stale_query_is_named_by_its_text() {
        let committed = data(&[("query-1.json", "SELECT 1"), ("query-2.json", "SELECT 2")]);
        let fresh = data(&[("query-2.json", "SELECT\n    two"), ("query-3.json", "SELECT 3")]);
        let expected = ["  missing: SELECT 3", "  changed: SELECT two", "  unused : SELECT 1"];
        assert_eq!(stale(&committed, &fresh), expected);
    }

    #[test]
    fn only_query_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(&folder.path().join("absent")).unwrap().is_empty());
        fs::write(folder.path().join("query-1.json"), "{}").unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        assert_eq!(read(folder.path()).unwrap().len(), 1);
    }
}
