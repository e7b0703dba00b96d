//! What a replay would do: counted, checked, and held to.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::letters::Compiled;

use super::{letters, short};
use crate::exit::{Exit, Failure};
use crate::render::{Style, Tone, View};

/// The form of a plan's file.
const FORM: &str = "orderflow-replay-plan-1";

/// A replay that was planned and not begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    form: String,
    /// When it was made.
    pub(crate) made_at: String,
    /// As a person wrote it.
    pub(crate) filter: String,
    /// As the database takes it, with ages as points in time.
    pub(crate) compiled: Value,
    /// At most so many.
    pub(crate) limit: Option<i64>,
    /// Another queue than the one that failed.
    pub(crate) to: Option<String>,
    /// Also what was replayed too often.
    pub(crate) force: bool,
    /// The fingerprint of the selection, in hex.
    pub(crate) fingerprint: String,
    /// How many letters it has.
    pub(crate) selected: i64,
    /// How many others are part of another replay.
    pub(crate) held: i64,
    /// How many others were replayed too often.
    pub(crate) guarded: i64,
    /// By group.
    pub(crate) groups: Vec<GroupShare>,
    /// By the queue they go to.
    pub(crate) targets: Vec<Target>,
    /// What the contract says about the bodies now.
    pub(crate) contract: Contract,
}

/// Letters of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupShare {
    /// The group's fingerprint.
    pub(crate) group: String,
    /// How many.
    pub(crate) letters: i64,
    /// What they are.
    pub(crate) event_type: String,
    /// What went wrong.
    pub(crate) code: String,
}

/// A queue that letters go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) queue: String,
    /// How many letters.
    pub(crate) letters: i64,
    /// Whether it is there; absent when no broker was asked.
    pub(crate) there: Option<bool>,
}

/// Bodies against the contract.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contract {
    /// How many were checked.
    pub(crate) checked: i64,
    /// How many of them are valid now.
    pub(crate) valid: i64,
    /// How many could not be read, for want of a key.
    pub(crate) unreadable: i64,
    /// How many break which rule.
    pub(crate) broken: Vec<Broken>,
}

/// Letters that break one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Broken {
    /// The rule's code.
    pub(crate) code: String,
    /// How many.
    pub(crate) letters: i64,
    /// One of them.
    pub(crate) one_of_them: i64,
}

/// What a plan is made of, besides what was counted.
pub(crate) struct Basis<'a> {
    pub(crate) made_at: String,
    pub(crate) filter: &'a Compiled,
    pub(crate) limit: Option<i64>,
    pub(crate) to: Option<String>,
    pub(crate) force: bool,
    pub(crate) selection: &'a store::letters::Selection,
}

impl Plan {
    /// A plan of a selection.
    pub(crate) fn new(
        basis: Basis<'_>,
        groups: Vec<GroupShare>,
        targets: Vec<Target>,
        contract: Contract,
    ) -> Self {
        let Basis { made_at, filter, limit, to, force, selection } = basis;
        let digits: Vec<_> = selection.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            form: FORM.to_owned(),
            made_at,
            filter: filter.text().to_owned(),
            compiled: filter.to_json(),
            limit,
            to,
            force,
            fingerprint: digits.concat(),
            selected: selection.selected,
            held: selection.held,
            guarded: selection.guarded,
            groups,
            targets,
            contract,
        }
    }

    /// A plan from its file.
    pub(crate) fn read(text: &str, file: &str) -> Result<Self, Failure> {
        let read = serde_json::from_str(text).ok().filter(|plan: &Self| plan.form == FORM);
        read.ok_or_else(|| {
            let next = "write one: `orderctl dlq plan FILTER --out FILE`";
            Failure::new(Exit::Usage, format!("failed to read a plan from {file}"), next)
        })
    }

    /// The fingerprint as the database takes it; empty if it is none, which matches nothing.
    pub(crate) fn digest(&self) -> Vec<u8> {
        let digits: Vec<u32> = self.fingerprint.chars().filter_map(|c| c.to_digit(16)).collect();
        let (pairs, _rest) = digits.as_chunks::<2>();
        pairs.iter().filter_map(|[high, low]| u8::try_from(high * 16 + low).ok()).collect()
    }
}

impl View for Plan {
    fn text(&self, style: Style) -> String {
        let groups = self.groups.iter().map(|it| {
            let group = short(&it.group).to_owned();
            [it.letters.to_string(), group, it.event_type.clone(), it.code.clone()]
        });
        let targets = self.targets.iter().map(|it| {
            let there = match it.there {
                Some(true) => "there",
                Some(false) => "MISSING: orderctl topology apply",
                None => "not asked: ORDERFLOW_AMQP_URL is not set",
            };
            [it.letters.to_string(), it.queue.clone(), there.to_owned()]
        });
        let title = format!("A replay would send {}", letters(self.selected));
        let mut lines = vec![
            style.tint(Tone::Strong, &title),
            style.paragraph(2, &format!("of {}", self.filter)),
            format!("  fingerprint {}", self.fingerprint),
            String::new(),
            style.table(["LETTERS", "GROUP", "TYPE", "CODE"], groups),
            String::new(),
            style.table(["LETTERS", "TO QUEUE", ""], targets),
            String::new(),
        ];
        lines.extend(self.remarks(style));
        lines.join("\n")
    }
}

impl Plan {
    fn remarks(&self, style: Style) -> Vec<String> {
        let mut lines = Vec::new();
        if self.held > 0 {
            lines.push(format!("{} are part of another replay and stay", letters(self.held)));
        }
        if self.guarded > 0 {
            let guarded = letters(self.guarded);
            lines.push(format!("{guarded} were replayed 3 times already and stay, unless --force"));
        }
        let Contract { checked, valid, unreadable, broken } = &self.contract;
        lines.push(format!("{valid} of {checked} bodies that were checked keep the contract"));
        lines.extend(broken.iter().map(|it| {
            let told = format!("{} break {}, such as {}", it.letters, it.code, it.one_of_them);
            style.tint(Tone::Bad, &told)
        }));
        if *unreadable > 0 {
            lines.push(format!("{unreadable} could not be read: set ORDERFLOW_KEY_FILE"));
        }
        if self.limit.is_some() {
            lines
                .push("counts by group and queue are of all that match, not of --limit".to_owned());
        }
        lines
    }
}
