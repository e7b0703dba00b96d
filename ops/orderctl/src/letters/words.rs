//! What happened to a dead letter and what to do about it, in sentences.

use serde::Serialize;
use store::letters::LetterRow;

/// What happened, for somebody who has never seen such a letter.
pub(crate) fn what_happened(row: &LetterRow) -> String {
    let order = row.order_id.as_deref().map(|order| format!(" of order {order}"));
    let message = format!("{}{}", row.event_type, order.unwrap_or_default());
    let tries = match row.attempts {
        1 => "1 attempt".to_owned(),
        attempts => format!("{attempts} attempts"),
    };
    let cause = cause(&row.error_class);
    let queue = &row.source_queue;
    match row.error_class.as_str() {
        "unroutable" => format!("{message} was published with a key that no queue is bound for."),
        "crash-loop" => format!(
            "{message} was handed to the worker of {queue} too often without an end, so the broker \
             took it away."
        ),
        _ => format!("The worker of {queue} gave up on {message} after {tries}: {cause}."),
    }
}

/// Whose fault a class is.
fn cause(class: &str) -> &'static str {
    match class {
        "contract" => "it breaks the contract for publishers, and would break it again",
        "conflict" => "it contradicts what is known, which was kept as evidence",
        "db-transient" => "the database refused it for a reason that may have passed",
        "db-permanent" => "the database refuses it, and would refuse it again",
        "panic" => "a rule of ours has an error that it brought to light",
        "crash" => "its worker ended over it, again and again",
        _ => "its code says why",
    }
}

/// What is likely to help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// In words.
    pub(crate) what: String,
    /// What to type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
}

impl Step {
    fn new(what: impl Into<String>, command: impl Into<String>) -> Self {
        Self { what: what.into(), command: Some(command.into()) }
    }
}

/// What is likely to help, step by step.
pub(crate) fn advice(row: &LetterRow) -> Vec<Step> {
    let id = row.id;
    let replay = format!("orderctl dlq replay {id} --reason TEXT");
    match (row.status.as_str(), row.error_class.as_str()) {
        ("resolved", _) => {
            vec![Step { what: "Nothing: its replay succeeded.".to_owned(), command: None }]
        }
        ("archived", _) => {
            let restore = format!("orderctl dlq restore {id} --reason TEXT");
            vec![Step::new("Nothing: it was put aside. To take it back:", restore)]
        }
        ("claimed" | "sending" | "sent", _) => {
            let batch = row.batch_id.map(|batch| batch.to_string()).unwrap_or_default();
            let watch = format!("orderctl replay watch {batch}");
            vec![Step::new("Wait: it is being replayed. To follow that:", watch)]
        }
        (_, "contract") => of_contract(id),
        (_, "unroutable") => vec![
            Step::new("Restore the bindings:", "orderctl topology apply"),
            Step::new(
                "Then name the queue that it should have reached:",
                format!("orderctl dlq replay {id} --to QUEUE --reason TEXT"),
            ),
        ],
        (_, "db-transient") => vec![Step::new("Once the database is well again:", replay)],
        (_, "panic" | "crash" | "crash-loop") => {
            vec![Step::new("Once a worker that is mended runs:", replay)]
        }
        (_, _) => vec![Step::new("Once its cause is mended:", replay)],
    }
}

fn of_contract(id: i64) -> Vec<Step> {
    vec![
        Step::new(
            "Its publisher has to mend it and send it anew under a new id; then put this aside:",
            format!("orderctl dlq archive {id} --reason-code publisher-fixed --reason TEXT"),
        ),
        Step::new(
            "Where our contract was changed to accept it, check that, then replay it:",
            format!("orderctl dlq plan {id}"),
        ),
    ]
}

/// The page about a code, within the repository.
pub(crate) fn runbook(code: &str) -> String {
    format!("ops/runbooks/{code}.md")
}
