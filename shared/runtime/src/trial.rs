//! The engine's transaction without a queue around it, for tests of rules over a real database.

use broker::{Delivery, Properties};
use contracts::{Limits, STRUCTURED_CONTENT_TYPE, WireMessage, decode};
use domain::Rules;
use store::Database;

use crate::batch::{self, BatchError, Job, Precautions};

/// Applies messages as one batch of a worker does: all of them or none.
///
/// What a worker does around it is left to the caller: trying again, settling, dead letters.
///
/// # Errors
/// The database's; nothing was written then.
///
/// # Panics
/// When a body is no event of the worker, or its rules panic.
pub async fn apply_batch<R: Rules>(
    rules: &R,
    queue: &str,
    database: &mut Database,
    bodies: Vec<Vec<u8>>,
) -> Result<(), store::Error> {
    let jobs: Vec<_> = bodies.into_iter().map(job::<R>).collect();
    let applied = batch::apply(rules, &Precautions::default(), queue, database, &jobs).await;
    match applied {
        Ok(_) => Ok(()),
        Err(BatchError::Store(error)) => Err(error),
        Err(BatchError::Panicked(index)) => {
            panic!("the rules panicked over {}", jobs[index].envelope.id)
        }
    }
}

fn job<R: Rules>(body: Vec<u8>) -> Job<R::Event> {
    let content_type = Some(STRUCTURED_CONTENT_TYPE);
    let message = WireMessage { content_type, headers: &[], body: &body };
    let envelope = decode(message, &Limits::default()).expect("tests deliver the worker's events");
    let properties = Properties {
        content_type: content_type.map(str::to_owned),
        message_id: Some(envelope.id.to_string()),
        ..Properties::default()
    };
    let delivery = Delivery {
        tag: 0,
        redelivered: false,
        delivery_count: 0,
        exchange: String::new(),
        routing_key: String::new(),
        properties,
        body,
    };
    Job { delivery, envelope, attempt: 1, span: None }
}
