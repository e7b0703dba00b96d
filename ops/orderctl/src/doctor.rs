//! What is wrong with a live deployment, and how to mend it.

mod accounts;
mod amqp;
mod backlog;
mod broker;
mod clocks;
mod database;
mod permissions;
mod queues;

use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::render::{Style, Tone, View};

pub(crate) use amqp::{Declared, examine as examine_topology};
pub(crate) use broker::examine as examine_broker;
pub(crate) use clocks::http_date;
pub(crate) use database::examine as examine_database;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Health {
    /// As it should be.
    Good,
    /// It cannot be seen from here.
    Unknown,
    /// It works, but somebody should look.
    Warning,
    /// It has to be mended.
    Wrong,
    /// Nothing can be asked, because it is not reached.
    Down,
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// How it is.
    pub(crate) health: Health,
    /// What was looked at; a stable name.
    pub(crate) check: &'static str,
    /// What was found.
    pub(crate) found: String,
    /// How to mend it; empty when there is nothing to mend.
    pub(crate) fix: String,
}

impl Finding {
    /// As it should be.
    pub(crate) fn good(check: &'static str, found: impl Into<String>) -> Self {
        Self { health: Health::Good, check, found: found.into(), fix: String::new() }
    }

    /// Not as it should be.
    pub(crate) fn bad(
        health: Health,
        check: &'static str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { health, check, found: found.into(), fix: fix.into() }
    }

    /// A question that failed.
    pub(crate) fn failed(check: &'static str, failure: &Failure) -> Self {
        let health =
            if failure.exit == Exit::DependencyDown { Health::Down } else { Health::Wrong };
        let why = failure.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
        Self::bad(health, check, format!("{}{why}", failure.what), failure.next.clone())
    }
}

/// Everything that was found.
#[derive(Serialize)]
pub(crate) struct Diagnosis {
    /// How the worst of it is.
    pub(crate) health: Health,
    /// One for each thing that was looked at, or several.
    pub(crate) findings: Vec<Finding>,
}

impl Diagnosis {
    /// Of these findings, the worst first.
    pub(crate) fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.health));
        let health = findings.first().map_or(Health::Good, |worst| worst.health);
        Self { health, findings }
    }

    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self.health {
            Health::Good | Health::Unknown | Health::Warning => Exit::Done,
            Health::Wrong => Exit::Drift,
            Health::Down => Exit::DependencyDown,
        }
    }
}

impl View for Diagnosis {
    fn text(&self, style: Style) -> String {
        let rows = self.findings.iter().map(|finding| {
            let Finding { health, check, found, fix } = finding;
            let told = if fix.is_empty() { found.clone() } else { format!("{found}. Fix: {fix}") };
            [word(*health).to_owned(), (*check).to_owned(), told]
        });
        let table = style.table(["HEALTH", "CHECK", "FOUND"], rows);
        let count = |health| self.findings.iter().filter(|it| it.health == health).count();
        let counts = [Health::Down, Health::Wrong, Health::Warning, Health::Unknown, Health::Good];
        let counts = counts.map(|health| format!("{} {}", count(health), word(health)));
        let tone = if self.exit() == Exit::Done { Tone::Good } else { Tone::Bad };
        format!("{table}\n\n{}", style.tint(tone, &counts.join(", ")))
    }
}

fn word(health: Health) -> &'static str {
    match health {
        Health::Good => "good",
        Health::Unknown => "unknown",
        Health::Warning => "warning",
        Health::Wrong => "wrong",
        Health::Down => "down",
    }
}
