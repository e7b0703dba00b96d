//! `orderctl event sample`: examples of events.

use contracts::{EventKind, IdSource, Limits};
use serde::Serialize;
use serde_json::Value;

use crate::cli::SampleArgs;
use crate::events::{Example, Validator, example, examples_of, freshened, replaced};
use crate::exit::{Exit, Failure};
use crate::render::{Console, Style, View, print};

pub(super) fn run(args: &SampleArgs, console: Console) -> Result<Exit, Failure> {
    match args.event {
        None => console.show(&Catalogue::new())?,
        Some(kind) => print(&message(kind, args)?)?,
    }
    Ok(Exit::Done)
}

fn message(kind: EventKind, args: &SampleArgs) -> Result<String, Failure> {
    let example = example(kind, &args.example).ok_or_else(|| {
        let names: Vec<_> = examples_of(kind).map(|example| example.name).collect();
        let what = format!("failed to find an example `{}` of {kind}", args.example);
        let next = format!("choose one with `--example`: {}", names.join(", "));
        Failure::new(Exit::NothingFound, what, next)
    })?;
    let mut body = example.body.trim_end().to_owned();
    if args.fresh {
        body = fresh(example, &body);
    }
    if let Some(order) = args.order {
        let old = order_of(&body).ok_or_else(|| {
            let what = format!("failed to set the order: example `{}` names none", example.name);
            let next = format!("orderctl event sample {kind} --example full --order {order}");
            Failure::new(Exit::Failed, what, next)
        })?;
        body = replaced(&body, &old, &order.to_string());
    }
    Ok(body)
}

/// Two calls in one microsecond are told apart by the process.
fn fresh(example: &Example, body: &str) -> String {
    let now = runtime::now();
    let mut ids = IdSource::new("orderctl", &std::process::id().to_string(), now);
    let verdict = Validator::structured(Limits::default()).validate(body.as_bytes());
    let occurred_at = verdict.accepted.expect("examples are valid, as tests prove").occurred_at;
    freshened(example.body.trim_end(), occurred_at, now, &mut ids)
}

fn order_of(body: &str) -> Option<String> {
    let message: Value = serde_json::from_str(body).ok()?;
    message.pointer("/data/order_id")?.as_str().map(str::to_owned)
}

/// Every event and its examples.
#[derive(Serialize)]
struct Catalogue {
    events: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    event: &'static str,
    #[serde(rename = "type")]
    type_name: &'static str,
    sent_by: &'static str,
    examples: Vec<&'static str>,
}

impl Catalogue {
    fn new() -> Self {
        let entry = |kind: EventKind| Entry {
            event: kind.name(),
            type_name: kind.type_name(),
            sent_by: if kind.from_shop() { "shops" } else { "timers" },
            examples: examples_of(kind).map(|example| example.name).collect(),
        };
        Self { events: EventKind::ALL.into_iter().map(entry).collect() }
    }
}

impl View for Catalogue {
    fn text(&self, style: Style) -> String {
        let rows = self.events.iter().map(|entry| {
            [entry.event.to_owned(), entry.sent_by.to_owned(), entry.examples.join(", ")]
        });
        style.table(["EVENT", "SENT BY", "EXAMPLES"], rows)
    }
}
