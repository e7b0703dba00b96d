//! What happened to a dead letter and what to do about it, in sentences.

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

/// What is likely to help, as a sentence and the command to type.
pub(crate) fn advice(row: &LetterRow) -> Vec<String> {
    let id = row.id;
    let replay = format!("orderctl dlq replay {id} --reason TEXT");
    match (row.status.as_str(), row.error_class.as_str()) {
        ("resolved", _) => vec!["Nothing: its replay succeeded.".to_owned()],
        ("archived", _) => vec![format!(
            "Nothing: it was put aside. To take it back: orderctl dlq restore {id} --reason TEXT"
        )],
        ("claimed" | "sending" | "sent", _) => {
            let batch = row.batch_id.map(|batch| batch.to_string()).unwrap_or_default();
            vec![format!("Wait: replay {batch} has it. To follow it: orderctl replay watch {batch}")]
        }
        (_, "contract") => vec![
            "Its publisher has to mend it and send it anew under a new id; then put this one aside: \
             orderctl dlq archive ID --reason-code publisher-fixed --reason TEXT"
                .replace("ID", &id.to_string()),
            "If our contract was changed to accept it, check that and replay it: orderctl dlq plan \
             ID"
            .replace("ID", &id.to_string()),
        ],
        (_, "unroutable") => vec![
            "Restore the bindings: orderctl topology apply".to_owned(),
            format!("Then name its queue: orderctl dlq replay {id} --to QUEUE --reason TEXT"),
        ],
        (_, "db-transient") => vec![format!("Once the database is well again: {replay}")],
        (_, "panic" | "crash" | "crash-loop") => {
            vec![format!("Once a worker that is mended runs: {replay}")]
        }
        (_, _) => vec![format!("Once its cause is mended: {replay}")],
    }
}

/// The page about a code, within the repository.
pub(crate) fn runbook(code: &str) -> String {
    format!("ops/runbooks/{code}.md")
}
