//! One dead letter, explained.

use serde::Serialize;
use serde_json::Value;
use store::letters::{FailureRow, LetterRow, ReplayedRow, Story};

use super::{short, words};
use crate::order_view::OrderView;
use crate::render::{Style, Tone, View};

/// A dead letter with everything that helps to decide what becomes of it.
#[derive(Serialize)]
pub(crate) struct LetterView {
    /// The letter.
    pub(crate) letter: LetterRow,
    /// What happened, in words.
    pub(crate) what_happened: String,
    /// What to do next.
    pub(crate) next: Vec<words::Step>,
    /// The page about its code.
    pub(crate) runbook: String,
    /// Its failures, replays and notes.
    #[serde(flatten)]
    pub(crate) story: Story,
    /// Headers and body.
    pub(crate) content: ContentView,
    /// Its order, if it is known.
    pub(crate) order: Option<OrderView>,
}

/// Headers and body, or why they are not shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub(crate) enum ContentView {
    /// As they may be shown, or as they are.
    Shown {
        /// Whether anything may be left out.
        redacted: bool,
        /// Of the body.
        bytes: usize,
        /// By name.
        headers: Vec<(String, String)>,
        /// JSON, a text or base64.
        body: Value,
        /// What the contract says about it now.
        problems: Vec<String>,
    },
    /// They are not shown, for this reason.
    Hidden {
        /// Why.
        why: String,
    },
}

impl LetterView {
    /// A letter with its words.
    pub(crate) fn new(
        letter: LetterRow,
        story: Story,
        content: ContentView,
        order: Option<OrderView>,
    ) -> Self {
        let (what_happened, next) = (words::what_happened(&letter), words::advice(&letter));
        let runbook = words::runbook(&letter.error_code);
        Self { letter, what_happened, next, runbook, story, content, order }
    }

    fn head(&self, style: Style) -> String {
        let row = &self.letter;
        let title = format!("Dead letter {}: {}, {}", row.id, row.error_code, row.status);
        let mut lines =
            vec![style.tint(Tone::Strong, &title), style.paragraph(2, &self.what_happened)];
        if let Some(detail) = &row.error_detail {
            lines.push(style.paragraph(2, &format!("It said: {detail}.").replace("..", ".")));
        }
        let came = format!("It came by exchange {} with key {}.", row.exchange, row.routing_key);
        lines.push(style.paragraph(2, &came));
        let group = short(&row.fingerprint);
        lines.push("  Failures like it:".to_owned());
        lines.push(format!("    orderctl dlq list --group {group}"));
        if let Some(original) = row.edited_from {
            lines.push(format!("  It was made of dead letter {original} by an edit."));
        }
        lines.join("\n")
    }

    fn next_steps(&self, style: Style) -> String {
        let steps = self.next.iter().flat_map(|step| {
            // A command stays on one line, to be copied.
            let command = step.command.as_ref().map(|command| format!("    {command}"));
            [Some(style.paragraph(2, &step.what)), command].into_iter().flatten()
        });
        let runbook = style.paragraph(2, &format!("Runbook: {}", self.runbook));
        steps.chain([runbook]).collect::<Vec<_>>().join("\n")
    }
}

impl View for LetterView {
    fn text(&self, style: Style) -> String {
        let notes =
            self.story.notes.iter().map(|it| {
                style.paragraph(2, &format!("{} {}: {}", it.noted_at, it.actor, it.note))
            });
        let parts = [
            ("What to do next", self.next_steps(style)),
            ("Failures", failures(&self.story.failures, style)),
            ("Replays", replays(&self.story.replays, style)),
            ("Notes on failures like it", notes.collect::<Vec<_>>().join("\n")),
            ("Message", self.content.text(style)),
        ];
        let shown = parts.into_iter().filter(|(_, text)| !text.is_empty());
        let shown =
            shown.map(|(title, text)| format!("{}\n{text}", style.tint(Tone::Strong, title)));
        let order = self.order.as_ref().map(|order| order.text(style));
        [self.head(style)].into_iter().chain(shown).chain(order).collect::<Vec<_>>().join("\n\n")
    }
}

impl ContentView {
    fn text(&self, style: Style) -> String {
        match self {
            Self::Hidden { why } => style.paragraph(2, why),
            Self::Shown { redacted, bytes, headers, body, problems } => {
                let how = if *redacted { ", redacted by its schema" } else { "" };
                let mut lines = vec![format!("  {bytes} bytes{how}")];
                lines.extend(headers.iter().map(|(name, value)| format!("  {name}: {value}")));
                lines.push(indented(body));
                lines.extend(
                    problems
                        .iter()
                        .map(|problem| style.paragraph(2, &format!("The contract now: {problem}"))),
                );
                lines.join("\n")
            }
        }
    }
}

fn indented(body: &Value) -> String {
    let text = match body {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).expect("JSON is text"),
    };
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn failures(rows: &[FailureRow], style: Style) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |it: &FailureRow| {
        [
            it.failed_at.to_string(),
            it.attempts.to_string(),
            it.worker_version.clone().unwrap_or_else(|| "-".to_owned()),
            it.batch_id.map_or_else(|| "-".to_owned(), |batch| batch.to_string()),
            it.error_code.clone(),
            it.error_detail.clone().unwrap_or_default(),
        ]
    };
    style.table(["AT", "ATTEMPTS", "BUILD", "REPLAY", "CODE", "DETAIL"], rows.iter().map(row))
}

fn replays(rows: &[ReplayedRow], style: Style) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |it: &ReplayedRow| {
        let code = it.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
        [
            it.batch_id.to_string(),
            it.state_changed_at.to_string(),
            format!("{}{code}", it.state),
            it.trace_id.clone().unwrap_or_else(|| "-".to_owned()),
            format!("{}: {}", it.actor, it.reason),
        ]
    };
    style.table(["REPLAY", "AT", "BECAME", "TRACE", "BY WHOM AND WHY"], rows.iter().map(row))
}
