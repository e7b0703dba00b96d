//! What people did, in tables and words.

use serde::Serialize;
use store::audit::{AuditRow, Checked};

use crate::render::{Rows, Style, Tone, View};

/// Rows of the audit.
#[derive(Serialize)]
pub(crate) struct AuditList {
    count: usize,
    /// What `--before` is given for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_before: Option<i64>,
    rows: Vec<AuditRow>,
}

impl AuditList {
    /// A page; a full one may have a next one.
    pub(crate) fn new(rows: Vec<AuditRow>, full: bool) -> Self {
        let next_before = rows.last().filter(|_| full).map(|row| row.id);
        Self { count: rows.len(), next_before, rows }
    }
}

impl View for AuditList {
    fn text(&self, style: Style) -> String {
        if self.rows.is_empty() {
            return "nothing is noted".to_owned();
        }
        let row = |it: &AuditRow| {
            [
                it.id.to_string(),
                it.recorded_at.to_string(),
                it.actor.clone(),
                it.action.clone(),
                it.object.clone(),
                it.reason.clone(),
            ]
        };
        let header = ["ROW", "AT", "BY", "ACTION", "ON", "BECAUSE"];
        let table = style.table(header, self.rows.iter().map(row));
        match self.next_before {
            None => table,
            Some(before) => format!("{table}\n\nolder ones: --before {before}"),
        }
    }

    fn rows(&self) -> Option<Rows> {
        let header =
            ["row", "at", "actor", "login", "role", "action", "object", "reason", "detail", "hash"];
        let cells = |it: &AuditRow| {
            vec![
                it.id.to_string(),
                it.recorded_at.to_string(),
                it.actor.clone(),
                it.login.clone(),
                it.role.clone(),
                it.action.clone(),
                it.object.clone(),
                it.reason.clone(),
                it.detail.to_string(),
                it.hash.clone(),
            ]
        };
        let document = |row| serde_json::to_value(row).expect("rows have text keys");
        Some(Rows {
            header: header.to_vec(),
            cells: self.rows.iter().map(cells).collect(),
            documents: self.rows.iter().map(document).collect(),
        })
    }
}

/// Whether the chain is whole.
#[derive(Serialize)]
pub(crate) struct ChainView {
    /// Whether nothing is wrong.
    pub(crate) whole: bool,
    /// What was found.
    #[serde(flatten)]
    pub(crate) checked: Checked,
    /// What does not fit what was noted elsewhere.
    pub(crate) against_expected: Option<String>,
}

impl View for ChainView {
    fn text(&self, style: Style) -> String {
        let checked = &self.checked;
        if let (Some(row), Some(problem)) = (checked.broken_id, &checked.problem) {
            let verdict = format!("BROKEN at row {row} of {}: {problem}", checked.lines);
            return style.tint(Tone::Bad, &verdict);
        }
        if let Some(problem) = &self.against_expected {
            return style.tint(Tone::Bad, &format!("BROKEN: {problem}"));
        }
        let verdict = style.tint(Tone::Good, "whole");
        let rows = match checked.lines {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        };
        match (checked.last_id, &checked.last_hash) {
            (Some(id), Some(hash)) => {
                format!("{verdict}: {rows}\nnote elsewhere, for --expect: {id}:{hash}")
            }
            _ => format!("{verdict}: {rows}"),
        }
    }
}
