//! Which crate may depend on which.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::Finding;

/// The place of a crate in the workspace; a later one may depend on earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// What no message may hold.
    Cardscan,
    /// What events look like.
    Contracts,
    /// What people are told.
    Guidance,
    /// What events do.
    Domain,
    /// Metrics and logs: a leaf, for all that does I/O.
    Telemetry,
    /// Postgres and RabbitMQ, which do not know each other.
    Adapter,
    /// The engine.
    Runtime,
    /// One binary each; they meet in the schemas and in the order.
    Worker,
    /// Starts the binaries, which it knows by their names only.
    Fleet,
    /// What people run.
    Tool,
    /// What only tests use.
    Testkit,
    /// The tests of the whole.
    Tests,
    /// This crate, which is built before all else.
    Xtask,
}

impl Tier {
    fn of(folder: &Path, name: &str) -> Option<Self> {
        match name {
            "cardscan" => Some(Self::Cardscan),
            "contracts" => Some(Self::Contracts),
            "guidance" => Some(Self::Guidance),
            "domain" => Some(Self::Domain),
            "telemetry" => Some(Self::Telemetry),
            "store" | "broker" => Some(Self::Adapter),
            "runtime" => Some(Self::Runtime),
            "testkit" => Some(Self::Testkit),
            "fleet" => Some(Self::Fleet),
            "orderctl" | "demo" | "observability" => Some(Self::Tool),
            // They measure and check as the tests do, the demo's day included.
            "bench" | "chaos" => Some(Self::Tests),
            "xtask" => Some(Self::Xtask),
            _ if folder.starts_with("workers") => Some(Self::Worker),
            _ if folder.starts_with("tests") => Some(Self::Tests),
            _ => None,
        }
    }

    /// Whether a crate here may name one there as a normal dependency.
    fn may_name(self, other: Self) -> bool {
        if matches!(self, Self::Fleet | Self::Xtask) {
            return false;
        }
        match other {
            Self::Cardscan | Self::Contracts | Self::Guidance | Self::Domain => {
                self > other && self != Self::Telemetry
            }
            Self::Telemetry | Self::Adapter | Self::Runtime => {
                self > other && self != Self::Testkit
            }
            Self::Fleet => matches!(self, Self::Tool | Self::Tests),
            Self::Worker | Self::Testkit | Self::Tool => self == Self::Tests,
            Self::Tests | Self::Xtask => false,
        }
    }
}

/// A library that only some crates may name, and why.
struct Keeper {
    library: &'static str,
    crates: &'static [&'static str],
    advice: &'static str,
}

const KEEPERS: [Keeper; 3] = [
    Keeper {
        library: "lapin",
        crates: &["broker", "bench", "tests"],
        advice: "only `broker` speaks AMQP: use it",
    },
    Keeper {
        library: "sqlx",
        crates: &["store", "orderctl", "bench", "chaos", "testkit", "tests"],
        advice: "only `store` speaks SQL: use it",
    },
    Keeper {
        library: "backoff",
        crates: &["runtime"],
        advice: "it is unmaintained and stays behind one type of `runtime`: use that",
    },
];

/// Libraries that the pure crates do without.
const IMPURE: [&str; 3] = ["lapin", "sqlx", "tokio"];

/// A manifest of the workspace.
struct Manifest {
    path: PathBuf,
    text: String,
    table: Table,
    name: String,
}

/// Checks all manifests.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let manifests = manifests(root)?;
    let mut findings = Vec::new();
    for manifest in &manifests {
        let Some(tier) = manifest.tier() else {
            let advice = format!("`{}` has no place in the layers: give it one", manifest.name);
            findings.push(manifest.finding(&manifest.name, "crate-tier", advice));
            continue;
        };
        for dependency in manifest.dependencies(&["dependencies", "build-dependencies"]) {
            findings.extend(check_normal(manifest, tier, &dependency, &manifests));
        }
        for dependency in manifest.dependencies(&["dev-dependencies"]) {
            let other = tier_of(&dependency, &manifests);
            if tier == Tier::Worker && other == Some(Tier::Worker) {
                findings.push(manifest.direction(&dependency));
            }
        }
    }
    Ok(findings)
}

fn check_normal(
    manifest: &Manifest,
    tier: Tier,
    dependency: &str,
    manifests: &[Manifest],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if tier_of(dependency, manifests).is_some_and(|other| !tier.may_name(other)) {
        findings.push(manifest.direction(dependency));
    }
    if tier <= Tier::Domain && IMPURE.contains(&dependency) {
        let advice = format!("`{}` is pure and does without `{dependency}`", manifest.name);
        findings.push(manifest.finding(dependency, "pure-crate", advice));
    } else if let Some(keeper) = KEEPERS.iter().find(|keeper| keeper.library == dependency)
        && !keeper.crates.contains(&manifest.name.as_str())
    {
        let advice = keeper.advice.to_owned();
        findings.push(manifest.finding(dependency, "library-keeper", advice));
    }
    findings
}

fn tier_of(name: &str, manifests: &[Manifest]) -> Option<Tier> {
    manifests.iter().find(|manifest| manifest.name == name)?.tier()
}

fn manifests(root: &Path) -> Result<Vec<Manifest>> {
    let mut all = Vec::new();
    for folder in ["workers", "shared", "ops"] {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { continue };
        for entry in entries {
            let name = entry.context("failed to list the crates")?.file_name();
            all.extend(Manifest::read(root, &Path::new(folder).join(name))?);
        }
    }
    all.extend(Manifest::read(root, Path::new("tests"))?);
    Ok(all)
}

impl Manifest {
    fn read(root: &Path, folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("Cargo.toml");
        let Ok(text) = fs::read_to_string(root.join(&path)) else { return Ok(None) };
        let parsed = || format!("failed to parse {}", path.display());
        let table: Table = text.parse().with_context(parsed)?;
        let name = table.get("package").and_then(|package| package.get("name"));
        let name = name.and_then(Value::as_str).with_context(parsed)?.to_owned();
        Ok(Some(Self { path, text, table, name }))
    }

    fn tier(&self) -> Option<Tier> {
        Tier::of(&self.path, &self.name)
    }

    /// The names of packages in these sections, as published where they are renamed.
    fn dependencies(&self, sections: &[&str]) -> Vec<String> {
        let tables = sections.iter().filter_map(|section| self.table.get(*section)?.as_table());
        let published = |(name, value): (&String, &Value)| {
            let renamed = value.get("package").and_then(Value::as_str);
            renamed.unwrap_or(name).to_owned()
        };
        tables.flatten().map(published).collect()
    }

    fn direction(&self, dependency: &str) -> Finding {
        let advice = format!(
            "`{}` may not depend on `{dependency}`: dependencies go cardscan <- contracts <- \
             guidance <- domain <- {{store, broker}} <- runtime <- workers <- tests",
            self.name
        );
        self.finding(dependency, "dependency-direction", advice)
    }

    fn finding(&self, about: &str, rule: &'static str, advice: String) -> Finding {
        let names_it = |line: &str| {
            line.split(|it: char| !(it.is_alphanumeric() || it == '-' || it == '_'))
                .any(|word| word == about)
        };
        let sections = self.text.find("dependencies]").unwrap_or(0);
        let lines_before = self.text[..sections].matches('\n').count();
        let position = self.text.lines().skip(lines_before).position(names_it);
        let line = position.map_or(1, |position| lines_before + position + 1);
        Finding::new(&self.path, line, rule, advice)
    }
}
