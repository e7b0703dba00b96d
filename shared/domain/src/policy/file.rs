//! The policy file: TOML, read as a whole, every mistake named.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use contracts::Token;
use contracts::events::PaymentMethod;
use sha2::{Digest as _, Sha256};
use toml::Table;

use super::book::ByMethod;
use super::section::Section;
use super::{DAY, LONGEST, MINUTE, Policies, PolicyBook};

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyProblem {
    /// Where it is, such as `merchant.shop-1.window.card`.
    pub key: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// Why a policy file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFileError {
    /// It is no TOML.
    #[error("the policies are no TOML: {0}")]
    Syntax(String),
    /// It is TOML, but some settings cannot be used.
    #[error("{}", listed(.0))]
    Settings(Vec<PolicyProblem>),
}

fn listed(problems: &[PolicyProblem]) -> String {
    let head = format!("{} setting(s) of the policies cannot be used:", problems.len());
    let lines = problems.iter().map(|it| format!("\n  {}: {}", it.key, it.reason));
    lines.fold(head, |text, line| text + &line)
}

/// A policy file's text, and what the environment sets instead.
#[derive(Clone, Debug, Default)]
pub struct PolicyFile {
    /// The text; an empty one changes nothing.
    pub text: String,
    /// What the environment sets for everyone, over the file.
    pub overrides: Overrides,
}

/// Choices for everyone that stand outside the file, in the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Payment window of cards and wallets.
    pub window_card: Option<Duration>,
    /// Payment window of bank transfers.
    pub window_bank_transfer: Option<Duration>,
    /// Longest wait of expiry for a payment under way.
    pub max_hold: Option<Duration>,
    /// How often a held order is looked at again.
    pub hold_interval: Option<Duration>,
    /// How long an event waits for its parent.
    pub park_ttl: Option<Duration>,
    /// Least time between two reminders.
    pub reminder_min_gap: Option<Duration>,
}

impl Overrides {
    fn apply(&self, policies: &mut Policies) {
        let set = |from: Option<Duration>, into: &mut Duration| *into = from.unwrap_or(*into);
        set(self.window_card, &mut policies.windows.card);
        set(self.window_card, &mut policies.windows.wallet);
        set(self.window_bank_transfer, &mut policies.windows.bank_transfer);
        set(self.max_hold, &mut policies.max_hold);
        set(self.hold_interval, &mut policies.hold_interval);
        set(self.park_ttl, &mut policies.park_ttl);
        set(self.reminder_min_gap, &mut policies.reminders.min_gap);
    }
}

impl PolicyFile {
    /// Reads the whole file.
    ///
    /// # Errors
    /// That it is no TOML, or every setting that cannot be used.
    pub fn read(&self) -> Result<PolicyBook, PolicyFileError> {
        let table: Table = self.text.parse().map_err(|error: toml::de::Error| {
            PolicyFileError::Syntax(error.to_string().trim_end().to_owned())
        })?;
        let mut reading = Reading { overrides: &self.overrides, problems: BTreeSet::new() };
        let everyone = reading.by_method(&table, None);
        let mut merchants = HashMap::new();
        for name in reading.merchants(&table) {
            let choices = reading.by_method(&table, Some(name.as_str()));
            merchants.insert(name, choices);
        }
        let version = self.version(&table, &mut reading);
        match (version, reading.problems.is_empty()) {
            (Some(version), true) => Ok(PolicyBook::new(version, everyone, merchants)),
            _ => Err(PolicyFileError::Settings(reading.problems.into_iter().collect())),
        }
    }

    /// The file's own name with a digest of its text: a changed file is another version.
    fn version(&self, table: &Table, reading: &mut Reading<'_>) -> Option<Token<32>> {
        if self.text.trim().is_empty() {
            return Some(PolicyBook::default().version().clone());
        }
        let name = table.get("name").and_then(toml::Value::as_str).unwrap_or("policies");
        let digest = Sha256::digest(self.text.as_bytes());
        let short = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        let version = format!("{name}-{short:08x}").parse().ok();
        if version.is_none() {
            reading.problems.insert(PolicyProblem {
                key: "name".to_owned(),
                reason: "must be at most 23 printable ASCII characters".to_owned(),
            });
        }
        version
    }
}

/// A file under way; the same table is read once for each set of choices that it is part of.
struct Reading<'a> {
    overrides: &'a Overrides,
    problems: BTreeSet<PolicyProblem>,
}

impl Reading<'_> {
    /// The merchants that have choices of their own.
    fn merchants(&mut self, table: &Table) -> Vec<Token<64>> {
        let named = table.get("merchant").and_then(toml::Value::as_table);
        let mut merchants = Vec::new();
        for name in named.into_iter().flat_map(Table::keys) {
            match name.parse() {
                Ok(merchant) => merchants.push(merchant),
                Err(_too_long) => {
                    self.problems.insert(PolicyProblem {
                        key: format!("merchant.{name:?}"),
                        reason: "must be 1 to 64 printable ASCII characters, as in events"
                            .to_owned(),
                    });
                }
            }
        }
        merchants
    }

    fn by_method(&mut self, table: &Table, merchant: Option<&str>) -> ByMethod {
        let unnamed = self.choices(table, merchant, None);
        let named =
            PaymentMethod::ALL.map(|method| self.choices(table, merchant, Some(method.name())));
        ByMethod { unnamed, named }
    }

    /// Everyone's choices, then the method's, the merchant's, and those of both together.
    fn choices(&mut self, table: &Table, merchant: Option<&str>, method: Option<&str>) -> Policies {
        let mut policies = Policies::default();
        let mut whole = Section::whole(table);
        whole.text("name", |_name| {});
        policies.overlay_everyone(&mut whole);
        policies.overlay(&mut whole);
        self.overrides.apply(&mut policies);
        let known = PaymentMethod::ALL.map(PaymentMethod::name);
        methods(&mut whole, &known, |name, section| {
            let mut others = policies.clone();
            let theirs = if Some(name) == method { &mut policies } else { &mut others };
            theirs.overlay(section);
        });
        whole.tables("merchant", |name, section| {
            let chosen = Some(name) == merchant;
            let mut others = policies.clone();
            let theirs = if chosen { &mut policies } else { &mut others };
            theirs.overlay(section);
            methods(section, &known, |name, section| {
                let mut others = theirs.clone();
                let both = if Some(name) == method { &mut *theirs } else { &mut others };
                both.overlay(section);
            });
        });
        self.problems.extend(whole.finish());
        policies
    }
}

/// Reads the tables of methods within a section; other names are refused.
fn methods(
    section: &mut Section<'_>,
    known: &[&str],
    mut read: impl FnMut(&str, &mut Section<'_>),
) {
    let mut unknown = Vec::new();
    section.tables("method", |name, inner| {
        if known.contains(&name) {
            read(name, inner);
        } else {
            inner.names_are_free();
            unknown.push(name.to_owned());
        }
    });
    for name in unknown {
        let reason = format!("is no payment method; known are {}", known.join(", "));
        section.refuse(&format!("method.{name}"), &reason);
    }
}

impl Policies {
    /// What may differ between merchants and methods.
    fn overlay(&mut self, section: &mut Section<'_>) {
        section.table("window", |section| self.windows.overlay(section));
        section.table("reminders", |section| self.reminders.overlay(section));
        section.table("hold", |section| {
            section.time("longest", MINUTE..=DAY, &mut self.max_hold);
            section.time("look_every", Duration::from_secs(1)..=DAY, &mut self.hold_interval);
        });
        section.table("late_money", |section| self.late_money.overlay(section));
        section.table("cancellation", |section| self.cancellation.overlay(section));
        section.table("refunds", |section| self.refunds.overlay(section));
        section.table("disputes", |section| self.disputes.overlay(section));
        section.table("thresholds", |section| self.monitoring.overlay(section));
        section.table("notifications", |section| self.notifications.overlay(section));
        section.table("customers", |section| {
            section.table("flags", |section| self.flags.overlay(section));
            section.table("unpaid", |section| self.unpaid.overlay(section));
        });
    }

    /// What is the same for everyone: it counts before an event's order is known.
    fn overlay_everyone(&mut self, section: &mut Section<'_>) {
        section.table("events", |section| {
            section.time("wait_for_parent", Duration::from_secs(1)..=7 * DAY, &mut self.park_ttl);
            let disputed = &mut self.disputed_payment_wait;
            section.time("wait_for_disputed_payment", Duration::from_secs(1)..=LONGEST, disputed);
            section.time("clock_ahead", Duration::ZERO..=DAY, &mut self.max_skew);
            section.time("drain_grace", Duration::from_secs(1)..=DAY, &mut self.drain_grace);
        });
        section.table("monitoring", |section| self.monitoring.overlay_everyone(section));
        section.table("unapplied_money", |section| self.unapplied.overlay(section));
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

#[cfg(test)]
mod tests;
