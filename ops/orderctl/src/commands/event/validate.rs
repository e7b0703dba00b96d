//! `orderctl event validate`: what the contract says about messages.

use contracts::{EventKind, OrderId};
use serde::Serialize;

use super::{content, shown, validator};
use crate::cli::ValidateArgs;
use crate::events::{Problem, Verdict, split};
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, Tone, View};
use crate::settings::Settings;

pub(super) fn run(
    args: &ValidateArgs,
    settings: &Settings,
    console: Console,
) -> Result<Exit, Failure> {
    let mut read = settings.read();
    let Some(limits) = read.limits() else { return Err(read.refusal().into()) };
    let mut validator = validator(&args.wire, limits);
    validator.event = args.event;
    let mut report = Report::default();
    for file in &args.files {
        let content = content(file)?;
        for document in split(&content) {
            let verdict = validator.validate(document.body);
            report.add(Judged::new(&shown(file), document.line, verdict));
        }
    }
    console.show(&report)?;
    Ok(if report.invalid == 0 { Exit::Done } else { Exit::Failed })
}

/// What is to be said about every message.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) valid: usize,
    pub(super) invalid: usize,
    messages: Vec<Judged>,
}

/// What is to be said about one message.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    file: String,
    line: usize,
    valid: bool,
    event: Option<&'static str>,
    id: Option<String>,
    source: Option<String>,
    order_id: Option<OrderId>,
    problems: Vec<Problem>,
}

impl Report {
    pub(super) fn add(&mut self, judged: Judged) {
        if judged.valid {
            self.valid += 1;
        } else {
            self.invalid += 1;
        }
        self.messages.push(judged);
    }
}

impl Judged {
    pub(super) fn new(file: &str, line: usize, verdict: Verdict) -> Self {
        let Verdict { accepted, claims, problems } = verdict;
        let kind = accepted.as_ref().map(|it| it.kind).or(claims);
        let (id, source, order_id) = match accepted {
            None => (None, None, None),
            Some(it) => (Some(it.id), Some(it.source), it.order.order()),
        };
        let valid = problems.is_empty();
        let event = kind.map(EventKind::name);
        Self { file: file.to_owned(), line, valid, event, id, source, order_id, problems }
    }

    fn text(&self, style: Style) -> String {
        let place = format!("{}:{}", self.file, self.line);
        let event = self.event.unwrap_or("no known event");
        if self.valid {
            let word = style.tint(Tone::Good, "valid");
            let (id, source) = (self.id.as_deref(), self.source.as_deref());
            let (id, source) = (id.unwrap_or_default(), source.unwrap_or_default());
            return format!("{word}    {place}  {event} {id} of {source}");
        }
        let word = style.tint(Tone::Bad, "invalid");
        let problems = self.problems.iter().map(|problem| format!("\n{}", told(problem, style)));
        format!("{word}  {place}  {event}{}", problems.collect::<String>())
    }
}

fn told(problem: &Problem, style: Style) -> String {
    let at = if problem.pointer.is_empty() { "the message" } else { &problem.pointer };
    let mut text = format!("  {} at {at}", style.tint(Tone::Strong, &problem.code));
    text.push('\n');
    text.push_str(&style.paragraph(4, &problem.rule));
    if let Some(documentation) = &problem.documentation {
        text.push('\n');
        let words = style.paragraph(4, &format!("Documented as: {documentation}"));
        text.push_str(&style.tint(Tone::Faint, &words));
    }
    text
}

impl View for Report {
    fn text(&self, style: Style) -> String {
        let mut lines: Vec<_> = self.messages.iter().map(|it| it.text(style)).collect();
        lines.push(format!("{} valid, {} invalid", self.valid, self.invalid));
        lines.join("\n")
    }
}
