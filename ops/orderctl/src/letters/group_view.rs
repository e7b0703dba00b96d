//! Groups and counts of dead letters.

use contracts::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::letters::{GroupRow, NoteRow, StatRow};

use super::{ago, letters, short};
use crate::render::{Rows, Style, Tone, View};

/// Groups of like failures.
#[derive(Serialize)]
pub(crate) struct GroupList {
    count: usize,
    groups: Vec<GroupRow>,
    #[serde(skip)]
    now: Timestamp,
}

impl GroupList {
    /// Groups in the sequence that they are to be listed in.
    pub(crate) fn new(groups: Vec<GroupRow>, now: Timestamp) -> Self {
        Self { count: groups.len(), groups, now }
    }
}

const GROUP_HEADER: [&str; 8] =
    ["GROUP", "LETTERS", "LAST", "FIRST", "QUEUE", "CODE", "SEEN FIRST BY", "DETAIL"];

impl View for GroupList {
    fn text(&self, style: Style) -> String {
        if self.groups.is_empty() {
            return style.tint(Tone::Good, "no dead letter matches");
        }
        let row = |it: &GroupRow| {
            [
                short(&it.fingerprint).to_owned(),
                it.matching.to_string(),
                ago(it.last_seen_at, self.now),
                ago(it.first_seen_at, self.now),
                it.source_queue.clone(),
                it.error_code.clone(),
                it.first_build.clone().unwrap_or_else(|| "-".to_owned()),
                noted(it),
            ]
        };
        let table = style.table(GROUP_HEADER, self.groups.iter().map(row));
        let all: i64 = self.groups.iter().map(|it| it.matching).sum();
        let groups = match self.count {
            1 => "1 group".to_owned(),
            count => format!("{count} groups"),
        };
        format!("{table}\n\n{} in {groups}", letters(all))
    }

    fn rows(&self) -> Option<Rows> {
        let header = [
            "group",
            "letters",
            "queue",
            "type",
            "class",
            "code",
            "detail",
            "parked",
            "replaying",
            "resolved",
            "archived",
            "first-build",
            "first-seen-at",
            "last-seen-at",
            "notes",
        ];
        let cells = |it: &GroupRow| {
            vec![
                it.fingerprint.clone(),
                it.matching.to_string(),
                it.source_queue.clone(),
                it.event_type.clone(),
                it.error_class.clone(),
                it.error_code.clone(),
                it.detail_pattern.clone(),
                it.parked.to_string(),
                it.claimed.to_string(),
                it.resolved.to_string(),
                it.archived.to_string(),
                it.first_build.clone().unwrap_or_default(),
                it.first_seen_at.to_string(),
                it.last_seen_at.to_string(),
                it.notes.to_string(),
            ]
        };
        Some(Rows {
            header: header.to_vec(),
            cells: self.groups.iter().map(cells).collect(),
            documents: documents(&self.groups),
        })
    }
}

fn noted(group: &GroupRow) -> String {
    let notes = match group.notes {
        0 => return group.detail_pattern.clone(),
        1 => "1 note".to_owned(),
        notes => format!("{notes} notes"),
    };
    format!("{} ({notes})", group.detail_pattern)
}

/// Rows as objects.
fn documents<T: Serialize>(rows: &[T]) -> Vec<Value> {
    let document = |row| serde_json::to_value(row).expect("rows have text keys");
    rows.iter().map(document).collect()
}

/// Counts by queue and code.
#[derive(Serialize)]
pub(crate) struct Stats {
    parked: i64,
    replaying: i64,
    resolved: i64,
    archived: i64,
    by_code: Vec<StatRow>,
    #[serde(skip)]
    now: Timestamp,
}

impl Stats {
    /// Counts in the sequence that they are to be listed in.
    pub(crate) fn new(by_code: Vec<StatRow>, now: Timestamp) -> Self {
        let sum = |part: fn(&StatRow) -> i64| by_code.iter().map(part).sum();
        Self {
            parked: sum(|it| it.parked),
            replaying: sum(|it| it.replaying),
            resolved: sum(|it| it.resolved),
            archived: sum(|it| it.archived),
            by_code,
            now,
        }
    }
}

impl View for Stats {
    fn text(&self, style: Style) -> String {
        if self.by_code.is_empty() {
            return style.tint(Tone::Good, "no dead letter is open");
        }
        let row = |it: &StatRow| {
            let [parked, replaying, done] =
                [it.parked, it.replaying, it.resolved + it.archived].map(|count| count.to_string());
            let (oldest, newest) = (ago(it.oldest_at, self.now), ago(it.newest_at, self.now));
            let queue = it.source_queue.clone();
            [
                queue,
                it.error_class.clone(),
                it.error_code.clone(),
                parked,
                replaying,
                done,
                oldest,
                newest,
            ]
        };
        let header = ["QUEUE", "CLASS", "CODE", "PARKED", "REPLAYING", "DONE", "OLDEST", "NEWEST"];
        let table = style.table(header, self.by_code.iter().map(row));
        let (parked, replaying) = (self.parked, self.replaying);
        let verdict = format!("{parked} parked, {replaying} being replayed");
        format!("{table}\n\n{}", style.tint(Tone::Strong, &verdict))
    }

    fn rows(&self) -> Option<Rows> {
        let header = [
            "queue",
            "class",
            "code",
            "parked",
            "replaying",
            "resolved",
            "archived",
            "oldest-at",
            "newest-at",
        ];
        let cells = |it: &StatRow| {
            vec![
                it.source_queue.clone(),
                it.error_class.clone(),
                it.error_code.clone(),
                it.parked.to_string(),
                it.replaying.to_string(),
                it.resolved.to_string(),
                it.archived.to_string(),
                it.oldest_at.to_string(),
                it.newest_at.to_string(),
            ]
        };
        Some(Rows {
            header: header.to_vec(),
            cells: self.by_code.iter().map(cells).collect(),
            documents: documents(&self.by_code),
        })
    }
}

/// Notes on a group.
#[derive(Serialize)]
pub(crate) struct NoteList {
    /// The whole fingerprint.
    pub(crate) group: String,
    /// The oldest first.
    pub(crate) notes: Vec<NoteRow>,
}

impl View for NoteList {
    fn text(&self, style: Style) -> String {
        if self.notes.is_empty() {
            return format!("nothing is noted on group {}", short(&self.group));
        }
        let line = |it: &NoteRow| {
            let said = format!("{} {}:", it.noted_at, it.actor);
            format!("{said}\n{}", style.paragraph(2, &it.note))
        };
        self.notes.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn rows(&self) -> Option<Rows> {
        let cells = |it: &NoteRow| vec![it.noted_at.to_string(), it.actor.clone(), it.note.clone()];
        Some(Rows {
            header: vec!["noted-at", "actor", "note"],
            cells: self.notes.iter().map(cells).collect(),
            documents: documents(&self.notes),
        })
    }
}
