//! From a dead letter to the message that is sent again.

use broker::{Delivery, Headers, Properties, Publication};
use runtime::{Config, WORKERS, check_contract, headers, with_message_id};
use store::replays::Letter;
use store::vault::Unreadable;

/// A message to be sent again.
#[derive(Debug)]
pub(crate) struct Replay {
    /// The message.
    pub(crate) publication: Publication,
    /// The trace that begins with it.
    pub(crate) trace_id: String,
}

/// The message of a letter as it was first published, but for what a replay must not carry.
///
/// # Errors
/// The code of why it is not to be sent.
pub(crate) fn replay(letter: Letter, config: &Config) -> Result<Replay, &'static str> {
    let content = letter.content.map_err(|unreadable| match unreadable {
        Unreadable::Erased => "erased",
        Unreadable::KeyMissing(_) => "key-missing",
        Unreadable::Damaged => "damaged",
    })?;
    let mut properties: Properties =
        serde_json::from_str(&letter.properties_json).or(Err("damaged"))?;
    let kept = content.headers_json.as_deref().map_or(Ok(Headers::default()), serde_json::from_str);
    properties.headers = kept.or(Err("damaged"))?;
    clean(&mut properties.headers);
    let delivery = Delivery {
        tag: 0,
        redelivered: false,
        delivery_count: 0,
        exchange: config.names.return_exchange(),
        routing_key: letter.target,
        properties,
        body: content.body,
    };
    check(&delivery, config)?;
    let Delivery { exchange, routing_key, mut properties, body, .. } = delivery;
    let trace_id = mark(&mut properties.headers, letter.item.0, letter.replay);
    with_message_id(&mut properties, &body);
    Ok(Replay { publication: Publication::new(exchange, routing_key, properties, body), trace_id })
}

/// Takes out what earlier tries left; the broker's own is stripped when it is published.
fn clean(kept: &mut Headers) {
    let ours = [
        headers::ATTEMPT,
        headers::FIRST_FAILED_AT,
        headers::REPLAY_ID,
        headers::REPLAY_COUNT,
        headers::REPLAYED_TRACE,
    ];
    for name in headers::OF_FAILURE.into_iter().chain(ours) {
        kept.remove(name);
    }
}

/// Whether the worker of the target would accept it as it is today.
fn check(delivery: &Delivery, config: &Config) -> Result<(), &'static str> {
    let queue = delivery.routing_key.as_str();
    let worker = WORKERS.iter().find(|worker| config.names.work_queue(worker.name) == queue);
    let checked = worker.and_then(|it| check_contract(it.name, delivery, &config.limits));
    checked.ok_or("no-worker")?.map_err(|failure| {
        tracing::info!(code = failure.code, pointer = failure.pointer, "a body is not valid now");
        "invalid"
    })
}

/// Names the replay, and begins a trace that is linked to the message's own.
fn mark(kept: &mut Headers, item: i64, replay: i32) -> String {
    kept.insert(headers::REPLAY_ID, item);
    kept.insert(headers::REPLAY_COUNT, i64::from(replay));
    let trace_id = format!("{:032x}", rand::random::<u128>());
    let span_id = format!("{:016x}", rand::random::<u64>());
    let traceparent = format!("00-{trace_id}-{span_id}-01");
    if let Some(earlier) = kept.insert(headers::TRACEPARENT, traceparent) {
        kept.insert(headers::REPLAYED_TRACE, earlier);
    }
    trace_id
}
