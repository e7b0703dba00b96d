//! Replays in tables and words.

use contracts::Timestamp;
use serde::Serialize;
use store::letters::{BatchRow, OutcomeRow};

use super::{ago, letters};
use crate::render::{Rows, Style, Tone, View};

/// Several replays.
#[derive(Serialize)]
pub(crate) struct BatchList {
    count: usize,
    replays: Vec<BatchRow>,
    #[serde(skip)]
    now: Timestamp,
}

impl BatchList {
    /// Replays in the sequence that they are to be listed in.
    pub(crate) fn new(replays: Vec<BatchRow>, now: Timestamp) -> Self {
        Self { count: replays.len(), replays, now }
    }
}

impl View for BatchList {
    fn text(&self, style: Style) -> String {
        if self.replays.is_empty() {
            return "no replay was started".to_owned();
        }
        let row = |it: &BatchRow| {
            [
                it.id.to_string(),
                it.state.clone(),
                ago(it.created_at, self.now),
                it.selected.to_string(),
                it.resolved.to_string(),
                it.reparked.to_string(),
                it.open().to_string(),
                it.actor.clone(),
                it.filter_text.clone(),
            ]
        };
        let header =
            ["REPLAY", "STATE", "AGE", "LETTERS", "RESOLVED", "AGAIN", "OPEN", "BY", "FILTER"];
        style.table(header, self.replays.iter().map(row))
    }

    fn rows(&self) -> Option<Rows> {
        let header = [
            "replay",
            "state",
            "created-at",
            "selected",
            "claimed",
            "sending",
            "sent",
            "resolved",
            "reparked",
            "returned",
            "skipped",
            "actor",
            "reason",
            "filter",
        ];
        let cells = |it: &BatchRow| {
            let counts = [
                i64::from(it.selected),
                it.claimed,
                it.sending,
                it.sent,
                it.resolved,
                it.reparked,
                it.returned,
                it.skipped,
            ];
            let head = [it.id.to_string(), it.state.clone(), it.created_at.to_string()];
            let tail = [it.actor.clone(), it.reason.clone(), it.filter_text.clone()];
            head.into_iter().chain(counts.map(|count| count.to_string())).chain(tail).collect()
        };
        let document = |row| serde_json::to_value(row).expect("rows have text keys");
        Some(Rows {
            header: header.to_vec(),
            cells: self.replays.iter().map(cells).collect(),
            documents: self.replays.iter().map(document).collect(),
        })
    }
}

/// One replay, with what became of its messages.
#[derive(Serialize)]
pub(crate) struct BatchView {
    /// The replay.
    #[serde(flatten)]
    pub(crate) batch: BatchRow,
    /// By state and cause.
    pub(crate) outcomes: Vec<OutcomeRow>,
    /// Letters of its groups that failed since it began, without being part of it.
    pub(crate) new_since_start: i64,
}

impl View for BatchView {
    fn text(&self, style: Style) -> String {
        let it = &self.batch;
        let title = format!("Replay {}: {}", it.id, state(it));
        let target = match &it.target {
            Some(target) => format!("to {target}"),
            None => "to the queues that failed".to_owned(),
        };
        let pace = format!(
            "at {}/s, at most {} in flight, {} first, stops over {}% of {}",
            it.rate_per_second, it.max_in_flight, it.canary, it.stop_percent, it.stop_after
        );
        let lines = [
            style.tint(Tone::Strong, &title),
            format!("  begun {} by {}", it.created_at, it.actor),
            style.paragraph(2, &format!("because: {}", it.reason)),
            style.paragraph(2, &format!("{} of {}", letters(it.selected.into()), it.filter_text)),
            style.paragraph(2, &format!("{target} {pace}")),
            String::new(),
            self.table(style),
            String::new(),
            format!("{} failed anew in its groups since it began", letters(self.new_since_start)),
        ];
        lines.join("\n")
    }
}

impl BatchView {
    fn table(&self, style: Style) -> String {
        let row = |it: &OutcomeRow| {
            let code = it.code.clone().unwrap_or_else(|| "-".to_owned());
            [it.state.clone(), it.count.to_string(), code, it.sample_letter.to_string()]
        };
        style.table(["BECAME", "LETTERS", "CODE", "ONE OF THEM"], self.outcomes.iter().map(row))
    }
}

/// How a replay stands, in a few words.
pub(crate) fn state(batch: &BatchRow) -> String {
    match &batch.stopped_because {
        Some(because) => format!("stopped by itself: {because}"),
        None => batch.state.clone(),
    }
}

/// How far a replay has come, in one line.
pub(crate) fn progress(batch: &BatchRow, new_failures: i64) -> String {
    let mut parts = vec![
        format!("{} of {} ended", batch.ended(), batch.selected),
        format!("{} resolved", batch.resolved),
    ];
    for (count, what) in [
        (batch.reparked, "failed again"),
        (batch.returned, "came back"),
        (batch.skipped, "skipped"),
        (batch.sending + batch.sent, "in flight"),
        (new_failures, "new like them"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}
